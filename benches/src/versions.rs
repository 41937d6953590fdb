//! Which versions are compared.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::Outcome;
use crate::places::Places;

/// Debian's packages, of the machine that measures.
const PACKAGES: [&str; 6] = [
    "dumb-init",
    "liblockfile-bin",
    "procmail",
    "qemu-user",
    "tini",
    "util-linux",
];

/// Of Cargo.lock.
const CRATES: [&str; 5] = ["fd-lock", "fs4", "fslock", "named-lock", "pidlock"];

/// Those that say it themselves.
const PROGRAMS: [&str; 5] = ["arm-linux-gnueabi-gcc", "cc", "node", "python3", "rustc"];

/// All of them; what isn't known isn't there.
pub(crate) fn all(places: &Places) -> Outcome<BTreeMap<String, String>> {
    let mut versions = BTreeMap::new();
    for package in PACKAGES {
        let version = answer(
            "dpkg-query",
            &["--show", "--showformat=${Version}", package],
        );
        versions.extend(version.map(|version| (format!("{package} (Debian)"), version)));
    }
    let lock = fs::read_to_string(places.file("Cargo.lock"))?;
    for name in CRATES {
        versions.extend(of_crate(&lock, name).map(|version| (format!("{name} (crate)"), version)));
    }
    for program in PROGRAMS {
        versions.extend(answer(program, &["--version"]).map(|version| (program.into(), version)));
    }
    // `ci/peers` leaves what it has installed: npm's NAME@VERSION, PyPI's NAME==VERSION.
    for package in fs::read_to_string(places.file("target/peers/installed"))?.split_whitespace() {
        let of_npm = package
            .split_once('@')
            .map(|(name, version)| (format!("{name} (npm)"), version));
        let of_pypi = package
            .split_once("==")
            .map(|(name, version)| (format!("{name} (PyPI)"), version));
        versions.extend(
            of_npm
                .or(of_pypi)
                .map(|(name, version)| (name, version.into())),
        );
    }
    Ok(versions)
}

/// The first line of what a program says.
fn answer(program: &str, words: &[&str]) -> Option<String> {
    let output = Command::new(program).args(words).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(
        text.lines()
            .next()
            .filter(|_| output.status.success())?
            .into(),
    )
}

fn of_crate(lock: &str, name: &str) -> Option<String> {
    let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    Some(rest.split_once('"')?.0.into())
}
