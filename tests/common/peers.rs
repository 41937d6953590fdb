//! The programs that share a lock with ours on a device, started as they are there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::unistd::{Gid, Uid, chown};

use super::{Invocation, Lock, Process};

/// The user as whom the Supervisor takes locks.
pub(crate) const NOBODY: u32 = 65534;

/// The Supervisor's attempt: procmail's `lockfile`, once, as `nobody`. `true` if it has the lock now.
///
/// # Panics
///
/// If it fails for another reason than that the path is taken.
#[track_caller]
pub(crate) fn supervisor_takes(lock: &Lock) -> bool {
    let attempt = Invocation::of(["lockfile", "-r", "0"]).arg(lock.path());
    let outcome = attempt.by_user(NOBODY).end();
    match outcome.code {
        Some(0) => true,
        Some(73) => false,
        _ => panic!("the Supervisor's lockfile: {outcome:#?}"),
    }
}

/// The Supervisor gives its lock back.
pub(crate) fn supervisor_releases(lock: &Lock) {
    fs::remove_file(lock.path()).expect("the Supervisor's file");
}

/// The Supervisor under an override: our file goes, its own comes.
pub(crate) fn supervisor_forces(lock: &Lock) {
    fs::remove_file(lock.path()).expect("the file to be overridden");
    assert!(supervisor_takes(lock), "the path was free");
}

/// helios's file: root's, private, with its two bytes.
pub(crate) fn helios_takes(lock: &Lock) {
    helios_makes(lock.path());
}

/// The same elsewhere.
pub(crate) fn helios_makes(path: &Path) {
    fs::write(path, [0x02, 0x63]).expect("helios's file");
    fs::set_permissions(path, PermissionsExt::from_mode(0o600)).expect("chmod");
}

/// helios under an override: its file goes over ours, so that the path is never free.
pub(crate) fn helios_forces(lock: &Lock) {
    let other = lock.directory().join("other");
    helios_makes(&other);
    fs::rename(&other, lock.path()).expect("over ours");
}

/// The host's look before a reboot. `true` if it would reboot.
///
/// # Panics
///
/// If the path can't be opened.
#[track_caller]
pub(crate) fn host_may_reboot(lock: &Lock) -> bool {
    let probe = "exec 9<\"$1\" || exit 2; flock -nx 9";
    let outcome = Invocation::of(["sh", "-c", probe, "sh"])
        .arg(lock.path())
        .end();
    match outcome.code {
        Some(0) => true,
        Some(1) => false,
        _ => panic!("the host's probe: {outcome:#?}"),
    }
}

/// A `flock(1)` that keeps the flock of a file until the gate `name` opens.
pub(crate) fn keep_flock(lock: &Lock, name: &str) -> Process {
    let script = format!(
        "exec <{name}; exec 9<\"$1\" || exit 2; flock -nx 9 || exit 1; echo >{name}-has; exec cat"
    );
    let process = Invocation::of(["sh", "-c", &script, "sh"])
        .arg(lock.path())
        .directory(lock.scratch())
        .start();
    lock.until_line(&format!("{name}-has"));
    process
}

/// Gives a file to another user.
pub(crate) fn give(path: &Path, uid: u32) {
    chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(uid))).expect("chown");
}

/// A peer that tries something again and again, and notes each time that it tried and each that it succeeded.
pub(crate) struct Loop<'l> {
    lock: &'l Lock,
    name: &'static str,
    process: Process,
}

impl<'l> Loop<'l> {
    /// The Supervisor's attempts, one after the other.
    pub(crate) fn of_supervisor(lock: &'l Lock) -> Self {
        let attempt = "lockfile -r 0 \"$1\"";
        Self::start(lock, "supervisor", attempt, |shell| shell.by_user(NOBODY))
    }

    /// The host's looks, one after the other, each as long as it takes.
    pub(crate) fn of_host(lock: &'l Lock) -> Self {
        // The braces: without a file to open there is nothing to probe.
        let attempt = "{ exec 9<\"$1\"; } 2>/dev/null && flock -nx 9";
        Self::start(lock, "host", attempt, |shell| shell)
    }

    /// Probes that keep the flock for a tenth of a second each time that they get it, and leave it for a moment.
    pub(crate) fn of_slow_probe(lock: &'l Lock) -> Self {
        let attempt = "{ exec 9<\"$1\"; } 2>/dev/null && flock -nx 9 && sleep 0.1; \
            code=$?; exec 9<&-; sleep 0.03; exit $code";
        Self::start(lock, "slow", attempt, |shell| shell)
    }

    fn start(
        lock: &'l Lock,
        name: &'static str,
        attempt: &str,
        dress: impl FnOnce(Invocation) -> Invocation,
    ) -> Self {
        let script = format!(
            "while [ ! -e {name}-stop ]; do
                 ( {attempt} ) && echo >>{name}-successes
                 echo >>{name}-tries
             done"
        );
        for kind in ["stop", "tries", "successes"] {
            let _ = fs::remove_file(lock.file(&format!("{name}-{kind}")));
        }
        let shell = Invocation::of(["sh", "-c", &script, "sh"]).arg(lock.path());
        let process = dress(shell).directory(lock.scratch()).start();
        let peer = Self {
            lock,
            name,
            process,
        };
        peer.until_more(1);
        peer
    }

    /// How often it has tried.
    pub(crate) fn tries(&self) -> usize {
        self.lock.lines(&format!("{}-tries", self.name))
    }

    /// How often it has succeeded.
    pub(crate) fn successes(&self) -> usize {
        self.lock.lines(&format!("{}-successes", self.name))
    }

    /// Waits until it has tried that many times more, each from its start to its end.
    #[track_caller]
    pub(crate) fn until_more(&self, tries: usize) {
        // One may have been under way already.
        let goal = self.tries() + tries + 1;
        super::wait::until("more tries of a peer", || self.tries() >= goal);
    }

    /// Ends it, and gives how often it has succeeded.
    #[track_caller]
    pub(crate) fn stop(mut self) -> usize {
        fs::write(self.lock.file(&format!("{}-stop", self.name)), "").expect("a file");
        self.process.end();
        self.successes()
    }
}
