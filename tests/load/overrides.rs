//! Forced takes, by turns as the Supervisor and as helios do them.
//!
//! On a device an override ends with the death of the service that held the lock. Here the holder lives on, so who forces
//! waits until it has left: until the `flock` of its file, kept open, is free. Meanwhile the sign of an override is there,
//! for somebody who takes the lock between the removal of the file and the Supervisor's own.

use std::fs::{self, File};
use std::thread::sleep;
use std::time::Duration;

use nix::fcntl::{AT_FDCWD, Flock, FlockArg, RenameFlags, renameat2};

use crate::common::{Lock, peers, wait};
use crate::ledger::Ledger;

/// What came of them.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    /// A lock was taken away, and the ledger touched under the Supervisor's or helios's.
    pub(crate) done: u64,
    /// A lock was taken away, and somebody who had just come took the free lock before the Supervisor.
    pub(crate) broken: u64,
}

impl Overrides {
    /// Forces now and then until all are to stop.
    pub(crate) fn play(lock: &Lock, ledger: &Ledger) -> Self {
        let mut overrides = Self::default();
        for is_helios in [false, true].into_iter().cycle() {
            if ledger.is_over() {
                return overrides;
            }
            ledger.set_overridden(true);
            let outcome = force(lock, is_helios);
            ledger.set_overridden(false);
            match outcome {
                Some(true) => {
                    overrides.done += 1;
                    ledger.touch();
                    peers::supervisor_releases(lock);
                }
                Some(false) => overrides.broken += 1,
                None => {}
            }
            sleep(Duration::from_millis(50));
        }
        unreachable!("the turns have no end");
    }
}

/// Takes the lock away from its holder, and waits until that has left. `true` if it is the taker's then, `None` where nobody
/// has had it.
fn force(lock: &Lock, is_helios: bool) -> Option<bool> {
    let taken = lock.file("taken");
    if is_helios {
        peers::helios_makes(&taken);
        if renameat2(
            AT_FDCWD,
            &taken,
            AT_FDCWD,
            lock.path(),
            RenameFlags::RENAME_EXCHANGE,
        )
        .is_err()
        {
            return None;
        }
    } else {
        fs::rename(lock.path(), &taken).ok()?;
    }
    let file = File::open(&taken).expect("what was taken");
    fs::remove_file(&taken).expect("what was taken");
    let is_ours = is_helios || peers::supervisor_takes(lock);
    until_left(file);
    Some(is_ours)
}

/// Waits until a file's `flock` is free.
fn until_left(file: File) {
    let mut file = Some(file);
    wait::until("the loser of a lock has left", || {
        match Flock::lock(
            file.take().expect("it comes back"),
            FlockArg::LockExclusiveNonblock,
        ) {
            Ok(_) => true,
            Err((back, _)) => {
                file = Some(back);
                false
            }
        }
    });
}
