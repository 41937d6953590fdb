//! Who is measured: command lines that answer to the words of `verbs.rs`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::locks::LOCKS;
use crate::places::{self, Places};
use crate::{Outcome, complaint};

/// The floor of all that is done in one process.
pub(crate) const FLOOR: &str = "C, 4 calls";

/// The floor that makes our system calls.
pub(crate) const SAME_CALLS: &str = "C, same calls";

/// The floor of what runs a command: starts it and waits for it, and neither forwards a signal nor reaps an orphan.
pub(crate) const START_AND_WAIT: &str = "C, start and wait";

/// A static program that creates the file and one that removes it.
pub(crate) const CREATE_AND_UNLINK: &str = "C, create and unlink";

/// Our own name among the contenders.
pub(crate) const OURS: &str = "update-lock";

/// Something that takes locks in a process of its own.
pub(crate) struct Contender {
    /// As the table names it.
    pub(crate) name: String,
    /// The words before VERB PATH [COUNT].
    words: Vec<OsString>,
    /// The path of its lock.
    pub(crate) lock: PathBuf,
    /// Whether it knows the verb `wait`.
    pub(crate) can_wait: bool,
}

impl Contender {
    fn new(
        places: &Places,
        name: impl Into<String>,
        words: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        let name = name.into();
        Self {
            lock: places.lock(&name),
            can_wait: true,
            name,
            words: words.into_iter().map(Into::into).collect(),
        }
    }

    /// It, asked to do something.
    pub(crate) fn asked_to(&self, verb: &str, path: &Path, count: Option<u64>) -> Command {
        let mut command = Command::new(&self.words[0]);
        command
            .args(&self.words[1..])
            .arg(verb)
            .arg(path)
            .args(count.map(|count| count.to_string()));
        command
    }

    /// It, asked to do something so many times: nanoseconds for each.
    pub(crate) fn time(&self, verb: &str, count: u64) -> Outcome<f64> {
        let output = self
            .asked_to(verb, &self.lock, Some(count))
            .stderr(std::process::Stdio::inherit())
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let taken = text
            .trim_end()
            .strip_prefix("took ")
            .filter(|_| output.status.success());
        let taken: f64 = taken.ok_or_else(|| complaint("has failed"))?.parse()?;
        Ok(taken / count as f64)
    }
}

/// Those that run in one process, from the floors on.
pub(crate) fn in_process(places: &Places) -> Outcome<Vec<Contender>> {
    let mut contenders = vec![
        Contender::new(places, FLOOR, [places.floor("cycle")]),
        Contender::new(places, SAME_CALLS, [places.floor("same")]),
    ];
    let this = std::env::current_exe()?;
    for lock in LOCKS {
        let name = match lock.name {
            OURS => OURS.into(),
            "std" => "std create_new, lock, remove_file".into(),
            name => format!("crate {name}"),
        };
        let words = [this.as_os_str(), "lock".as_ref(), lock.name.as_ref()];
        contenders.push(Contender {
            can_wait: lock.wait.is_some(),
            ..Contender::new(places, name, words)
        });
    }
    let npm = [
        ("npm lockfile, sync", "lockfile-sync"),
        ("npm lockfile", "lockfile"),
        ("npm proper-lockfile", "proper-lockfile"),
    ];
    for (name, package) in npm {
        let script = places.file("target/peers/npm.js");
        contenders.push(Contender::new(
            places,
            name,
            ["node".as_ref(), script.as_os_str(), package.as_ref()],
        ));
    }
    let python = places::python()?;
    for package in ["lockfile", "filelock", "portalocker"] {
        let script = places.file("target/peers/python/pypi.py");
        let name = format!("PyPI {package}");
        contenders.push(Contender::new(
            places,
            name,
            [python.as_os_str(), script.as_os_str(), package.as_ref()],
        ));
    }
    Ok(contenders)
}
