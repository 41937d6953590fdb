//! `flock(2)` that never waits for a holder, and sees through probes.

use rustix::fd::OwnedFd;
use rustix::fs::FlockOperation;

use crate::pause::{PROBE_INTERVAL_MS, PROBE_MS, pause};
use crate::{Errno, Error, Operation};

pub(crate) const EXCLUSIVE: FlockOperation = FlockOperation::NonBlockingLockExclusive;
pub(crate) const SHARED: FlockOperation = FlockOperation::NonBlockingLockShared;

/// One attempt; `false` where somebody else's is in the way.
pub(crate) fn try_flock(file: &OwnedFd, how: FlockOperation) -> Result<bool, Error> {
    match rustix::fs::flock(file, how) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(Error::system(Operation::Lock, errno)),
    }
}

/// Attempts for as long as what is in the way may be a probe.
pub(crate) fn flock_past_probes(file: &OwnedFd, how: FlockOperation) -> Result<bool, Error> {
    let mut waited = 0;
    while !try_flock(file, how)? {
        step!("flock: somebody probes the file or has it");
        if waited == PROBE_MS {
            return Ok(false);
        }
        pause(PROBE_INTERVAL_MS);
        waited += PROBE_INTERVAL_MS;
    }
    Ok(true)
}
