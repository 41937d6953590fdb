//! What a program takes on disk, with all that it needs to run where nothing else is installed.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::contender::OURS;
use crate::places::{self, Places};
use crate::rounds::Samples;
use crate::settings::Settings;
use crate::table::Row;

pub(crate) fn measure(places: &Places, _: &Settings) -> Outcome<Vec<Row>> {
    let peers = places.file("target/peers");
    let packages = |names: &[&str]| {
        let modules = names
            .iter()
            .map(|name| peers.join("node_modules").join(name));
        modules.collect::<Vec<_>>()
    };
    let of_npm = |name: &str, others: &[&str]| {
        let mut files = packages(others);
        files.push(places::in_path("node")?);
        Ok((format!("npm {name}, with Node"), files))
    };
    let of_pypi = |name: &str| {
        let package = peers.join("python").join(name);
        Ok((
            format!("PyPI {name}, with Python"),
            vec![
                package,
                places::python()?,
                places::of_python("__import__('sysconfig').get_path('stdlib')")?,
            ],
        ))
    };
    let of_program = |name: &str, file: &str| Ok((name.to_string(), vec![places::in_path(file)?]));
    let programs: [Outcome<(String, Vec<PathBuf>)>; 11] = [
        Ok((OURS.into(), vec![places.update_lock()])),
        of_program("flock(1)", "flock"),
        of_program("procmail lockfile", "lockfile"),
        of_program("dotlockfile", "dotlockfile"),
        of_program("tini", "tini"),
        of_program("tini-static", "tini-static"),
        of_program("dumb-init", "dumb-init"),
        of_npm("lockfile", &["lockfile", "signal-exit"]),
        of_npm(
            "proper-lockfile",
            &["proper-lockfile", "graceful-fs", "retry", "signal-exit"],
        ),
        of_pypi("lockfile"),
        of_pypi("filelock"),
    ];
    let mut samples = Vec::new();
    for program in programs {
        let (name, files) = program?;
        let bytes = with_libraries(&files)?
            .iter()
            .map(|file| size(file))
            .sum::<Outcome<u64>>()?;
        samples.push(Samples {
            name,
            values: vec![bytes as f64 / 1024.0],
        });
    }
    let title =
        "On disk, with all that it needs: libraries, interpreter, its standard library, packages";
    Ok(vec![
        Row::new("disk", title, "KiB", &samples).against("", OURS),
    ])
}

/// The files themselves, and the shared libraries of those that are programs.
fn with_libraries(files: &[PathBuf]) -> Outcome<BTreeSet<PathBuf>> {
    let mut all = BTreeSet::new();
    for file in files {
        all.insert(file.canonicalize()?);
        if file.is_dir() {
            continue;
        }
        // It fails for a static program, which has none.
        let output = Command::new("ldd").arg(file).output()?;
        let text = String::from_utf8(output.stdout)?;
        let words = text.split_whitespace().filter(|word| word.starts_with('/'));
        for word in words.filter(|_| output.status.success()) {
            all.insert(Path::new(word).canonicalize()?);
        }
    }
    Ok(all)
}

/// Bytes of a file, or of all files below a directory.
fn size(file: &Path) -> Outcome<u64> {
    let facts = fs::symlink_metadata(file)?;
    if !facts.is_dir() {
        return Ok(facts.size());
    }
    let entries = fs::read_dir(file)?.map(|entry| Ok(entry?.path()));
    let entries = entries.collect::<Outcome<Vec<_>>>()?;
    let needed = entries.iter().filter(|entry| !is_needless(entry));
    needed.map(|entry| size(entry)).sum()
}

/// What an image that counts bytes would leave out of Python's library.
fn is_needless(entry: &Path) -> bool {
    let needless = [
        "site-packages",
        "dist-packages",
        "test",
        "__pycache__",
        "idlelib",
        "lib2to3",
    ];
    needless.iter().any(|name| entry.ends_with(name))
        || entry.to_string_lossy().contains("/config-3")
}
