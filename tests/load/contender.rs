//! One of the crowd: takes the lock, touches the ledger, gives the lock back, until all are to stop.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::thread::{sleep, yield_now};
use std::time::Duration;

use update_lock::{Error, HELD_VARIABLE, LockPath, Release, UpdateLock};

use crate::common::{Device, Invocation, Lock, Process};
use crate::ledger::Ledger;

/// Not root: whose release can remove the file of an override that comes in its last microsecond.
pub(crate) const USER: u32 = 1000;

/// How a contender takes the lock.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// The library waits for it.
    Waits,
    /// The library tries again and again.
    Tries,
    /// `update-lock run` does it, around a command that touches the ledger.
    Runs,
}

/// Starts a contender; when it has stopped it prints how often it has touched the ledger, but for one that runs.
pub(crate) fn start(device: &Device, lock: &Lock, manner: Manner) -> Process {
    let this = std::env::current_exe().expect("this program");
    let of_role = |invocation: Invocation, role: &str| {
        let invocation = invocation.arg(&this).arg(role).arg(lock.path());
        invocation.arg(lock.scratch())
    };
    let none = Invocation::of([""; 0]);
    let invocation = match manner {
        Manner::Waits => of_role(none, "wait"),
        Manner::Tries => of_role(none, "try"),
        Manner::Runs => {
            let again = "while [ ! -e stop ]; do \"$@\" || exit; done";
            of_role(device.at(lock, ["run", "--"]), "touch").through(["sh", "-c", again, "sh"])
        }
    };
    invocation.by_user(USER).directory(lock.scratch()).start()
}

/// The process of one that uses the library.
pub(crate) fn contend(path: &Path, scratch: &Path, waits: bool) -> ExitCode {
    let (path, ledger) = (lock_path(path), Ledger::open(scratch));
    let mut touches = 0_u64;
    while !ledger.is_over() {
        let lock = if waits {
            UpdateLock::acquire(&path)
        } else {
            UpdateLock::try_acquire(&path)
        };
        match lock {
            Ok(lock) => {
                let is_mine = || lock.is_held().expect("a look");
                touches += u64::from(touch_unless_lost(&ledger, is_mine));
                let _: Release = lock.release().expect("a release");
            }
            Err(Error::Held(_)) => yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
    println!("{touches}");
    ExitCode::SUCCESS
}

/// The command of one that runs; it leaves a byte for each time that it has touched the ledger.
pub(crate) fn touch(path: &Path, scratch: &Path) -> ExitCode {
    let (path, ledger) = (lock_path(path), Ledger::open(scratch));
    let held = std::env::var(HELD_VARIABLE).expect("it is below a run");
    let is_mine = || {
        let status = update_lock::status(&path).expect("a look");
        status.is_some_and(|status| status.is_held_above(held.as_bytes()))
    };
    if touch_unless_lost(&ledger, is_mine) {
        let touches = OpenOptions::new()
            .create(true)
            .append(true)
            .open(scratch.join("touches"));
        touches.expect("a file").write_all(b".").expect("a byte");
    }
    ExitCode::SUCCESS
}

/// Touches the ledger, unless an override takes the lock away first. Who holds the lock while an override of another is under
/// way leaves the ledger alone until it is over: the other may still be at it, as the Supervisor hasn't stopped it yet.
fn touch_unless_lost(ledger: &Ledger, is_mine: impl Fn() -> bool) -> bool {
    while ledger.is_overridden() {
        if !is_mine() {
            return false;
        }
        sleep(Duration::from_micros(100));
    }
    ledger.touch();
    true
}

fn lock_path(path: &Path) -> LockPath {
    LockPath::try_from(path).expect("a path")
}
