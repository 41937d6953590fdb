//! Who holds locks and waits for them: each in a process of its own, by the words of `verbs.rs` or as a command line.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use crate::contender::{self, Contender, FLOOR as IN_PROCESS_FLOOR, SAME_CALLS};
use crate::holder::{Holder, Waiter};
use crate::places::Places;
use crate::rounds::Named;
use crate::{Outcome, complaint};

/// The floor of those who wait: a process that `flock` blocks.
pub(crate) const FLOOR: &str = "C, flock";

/// Ours of those that run a command under the lock.
pub(crate) const OUR_RUN: &str = "update-lock run";

/// Ours of those that leave the lock to somebody else.
pub(crate) const OUR_ACQUIRE: &str = "update-lock acquire";

/// Starts it for a lock. A holder has no use for the milliseconds.
type Start = Box<dyn Fn(&Path, u64) -> Command>;

/// What holds a lock and what waits for it.
pub(crate) struct Party {
    pub(crate) name: String,
    /// The path of its lock.
    pub(crate) lock: PathBuf,
    hold: Start,
    wait: Option<Start>,
    /// How often it looks while it waits, if it does.
    pub(crate) interval: Duration,
    /// So many of them at once fit into a run's memory and time.
    pub(crate) most_waiters: usize,
}

impl Named for &Party {
    fn name(&self) -> &str {
        &self.name
    }

    /// Who looks every eight seconds has a few.
    fn rounds_of(&self, all: usize) -> usize {
        if self.interval > Duration::from_secs(1) {
            all.div_ceil(6)
        } else {
            all
        }
    }
}

impl Party {
    pub(crate) fn can_wait(&self) -> bool {
        self.wait.is_some()
    }

    /// A holder of the lock, or of one that is named likewise.
    pub(crate) fn start_holder(&self, lock: &Path) -> Outcome<Holder> {
        Holder::start((self.hold)(lock, 0))
            .map_err(|error| complaint(&format!("{}: {error}", self.name)))
    }

    /// Somebody who waits for the lock, and holds it for so long.
    pub(crate) fn start_waiter(&self, milliseconds: u64) -> Outcome<Waiter> {
        let wait = self
            .wait
            .as_ref()
            .ok_or_else(|| complaint("it can't wait"))?;
        Waiter::start(wait(&self.lock, milliseconds))
    }

    fn of(contender: Contender) -> Self {
        let (interval, most_waiters) = match contender.name.split(' ').next() {
            Some("npm") => (Duration::from_millis(100), 16),
            Some("PyPI") => (Duration::from_millis(100), 64),
            _ => (Duration::ZERO, usize::MAX),
        };
        let can_wait = contender.can_wait;
        let (lock, name) = (contender.lock.clone(), contender.name.clone());
        let contender = Rc::new(contender);
        let (holder, waiter) = (contender.clone(), contender);
        let hold: Start = Box::new(move |lock, _| holder.asked_to("hold", lock, None));
        let wait: Start =
            Box::new(move |lock, milliseconds| waiter.asked_to("wait", lock, Some(milliseconds)));
        let name = if name == IN_PROCESS_FLOOR {
            FLOOR.into()
        } else {
            name
        };
        let wait = can_wait.then_some(wait);
        Self {
            name,
            lock,
            hold,
            wait,
            interval,
            most_waiters,
        }
    }

    /// By shell scripts, which find the lock as `$1`, `stamp` as `$2`, a program as `$3` and milliseconds as `$4`.
    fn of_scripts(
        places: &Places,
        name: &str,
        program: &Path,
        hold: &str,
        wait: Option<&str>,
    ) -> Self {
        let start = |script: &str| -> Start {
            let (script, stamp, program) = (
                script.to_string(),
                places.floor("stamp"),
                program.to_path_buf(),
            );
            Box::new(move |lock, milliseconds| {
                let words: [&OsStr; 3] = [lock.as_ref(), stamp.as_ref(), program.as_ref()];
                let mut command = Command::new("sh");
                command
                    .args(["-c", &script, "sh"])
                    .args(words)
                    .arg(milliseconds.to_string());
                command
            })
        };
        Self {
            name: name.into(),
            lock: places.lock(name),
            hold: start(hold),
            wait: wait.map(start),
            interval: Duration::ZERO,
            most_waiters: usize::MAX,
        }
    }
}

/// All that hold a lock by a process which lives as long.
pub(crate) fn all(places: &Places) -> Outcome<Vec<Party>> {
    let contenders = contender::in_process(places)?.into_iter();
    let others = contenders.filter(|contender| contender.name != SAME_CALLS);
    let commands = [
        Party::of_scripts(
            places,
            OUR_RUN,
            &places.update_lock(),
            "exec \"$3\" --lock \"$1\" run -- sh -c 'echo held 0; cat >/dev/null; exec \"$1\"' sh \"$2\"",
            Some("exec \"$3\" --lock \"$1\" run -- \"$2\" \"$4\" 2>/dev/null"),
        ),
        Party::of_scripts(
            places,
            "flock(1)",
            "".as_ref(),
            "exec flock \"$1\" sh -c 'echo held 0; cat >/dev/null; exec \"$1\"' sh \"$2\"",
            Some("exec flock \"$1\" \"$2\" \"$4\""),
        ),
    ];
    Ok(others.map(Party::of).chain(commands).collect())
}

/// `acquire`, whose keeper isn't the process that has been started.
pub(crate) fn acquire(places: &Places) -> Party {
    Party::of_scripts(
        places,
        OUR_ACQUIRE,
        &places.update_lock(),
        "\"$3\" --lock \"$1\" acquire >/dev/null; echo held 0; cat >/dev/null; \"$2\"; \"$3\" --lock \"$1\" release >/dev/null",
        None,
    )
}

/// procmail's `lockfile`: nobody's memory while it is held, and a wait in steps of eight seconds.
pub(crate) fn procmail(places: &Places) -> Party {
    let party = Party::of_scripts(
        places,
        "procmail lockfile",
        "".as_ref(),
        "lockfile \"$1\"; echo held 0; cat >/dev/null; \"$2\"; rm -f \"$1\"",
        Some("lockfile \"$1\"; \"$2\" \"$4\"; rm -f \"$1\""),
    );
    Party {
        interval: Duration::from_secs(8),
        most_waiters: 1,
        ..party
    }
}

/// Waits until all of them sleep, and have done nothing since the last look.
pub(crate) fn until_asleep(pids: &[u32]) -> Outcome<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut before = Vec::new();
    while Instant::now() < deadline {
        let now = pids
            .iter()
            .map(|pid| activity(*pid))
            .collect::<Outcome<Vec<_>>>()?;
        if now == before && now.iter().all(|activity| activity.starts_with('S')) {
            return Ok(());
        }
        before = now;
        thread::sleep(Duration::from_millis(50));
    }
    Err(complaint("those who should wait don't sleep"))
}

/// What a process does, and the page faults and time that it has taken.
fn activity(pid: u32) -> Outcome<String> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = line
        .rsplit_once(") ")
        .ok_or_else(|| complaint("no fields"))?;
    let fields: Vec<_> = fields.split(' ').collect();
    let wanted = [0, 7, 9, 11, 12].map(|index| fields.get(index).copied().unwrap_or_default());
    Ok(wanted.join(" "))
}
