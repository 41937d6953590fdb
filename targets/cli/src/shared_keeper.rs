//! Keepers of a shared lock, of which there may be several: each is found by the process that it is for.
//!
//! The file's mode can't tell them apart, but locks on single bytes of it can (`F_OFD_SETLK` of `fcntl(2)`, Linux 3.15).
//! They have nothing to do with `flock`, need no content, and go with their process.
//!
//! 1. A keeper for process P locks byte P of the file, from before its `acquire` returns to its end.
//! 2. Who wants it released locks byte P of a second set, and changes the file's mode to what it is: that wakes the keepers
//!    up.
//! 3. A keeper that finds its byte of the second set locked leaves, as every member of a shared lock does.
//! 4. The other one knows by the first byte. What a keeper that died has left is given back in its place, if nobody else
//!    shares the lock.

use rustix::event::{Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, fchmod, flock, fstat, openat};
use rustix::process::Pid;
use update_lock::{Errno, Error, LockPath, Operation, SharedLock};
use update_lock_start::{is_byte_locked, lock_byte};

use crate::schedule::give_back_stale;

/// Where the second set begins. Process ids are smaller.
const ASKED: u64 = 1 << 32;

/// How often to look whether a keeper has gone, in nanoseconds.
const INTERVAL_NS: u32 = 1_000_000;

fn byte(process: Pid) -> u64 {
    u64::from(process.as_raw_pid() as u32)
}

fn error(errno: Errno) -> Error {
    Error::System {
        operation: Operation::Lock,
        errno,
    }
}

/// Makes a shared lock one that a keeper holds for `process`.
pub(crate) fn mark(lock: &SharedLock, process: Pid) -> Result<(), Error> {
    lock_byte(lock.as_fd(), byte(process)).map_err(error)
}

/// Whether the keeper is asked to leave.
pub(crate) fn is_asked(lock: &SharedLock, process: Pid) -> Result<bool, Error> {
    is_byte_locked(lock.as_fd(), ASKED + byte(process)).map_err(error)
}

/// Whether there is a keeper for `process`.
pub(crate) fn is_there(path: &LockPath, process: Pid) -> bool {
    open(path).is_ok_and(|file| is_keepers(&file, process) == Ok(true))
}

/// Whether those who hold the lock share it.
pub(crate) fn is_shared(path: &LockPath) -> bool {
    let shared = FlockOperation::NonBlockingLockShared;
    open(path).is_ok_and(|file| flock(&file, shared).is_ok())
}

/// Has the keeper for `process` leave; `false` where there is none.
pub(crate) fn release(path: &LockPath, process: Pid) -> Result<bool, Error> {
    let Ok(file) = open(path) else {
        return Ok(false);
    };
    if !is_keepers(&file, process).map_err(error)? {
        return Ok(false);
    }
    lock_byte(file.as_fd(), ASKED + byte(process)).map_err(error)?; // 2
    wake_up(&file);
    while is_keepers(&file, process).map_err(error)? {
        pause();
    }
    give_back_stale(path); // 4
    Ok(true)
}

fn is_keepers(file: &OwnedFd, process: Pid) -> Result<bool, Errno> {
    is_byte_locked(file.as_fd(), byte(process))
}

/// Whoever may not change the mode waits for the keepers' next look, which comes within a second.
fn wake_up(file: &OwnedFd) {
    if let Ok(facts) = fstat(file) {
        let _ = fchmod(file, Mode::from_raw_mode(facts.st_mode));
    }
}

pub(crate) fn open(path: &LockPath) -> Result<OwnedFd, Errno> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(CWD, path.as_c_str(), flags, Mode::empty())
}

fn pause() {
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: INTERVAL_NS as _,
    };
    let _ = poll(&mut [], Some(&timeout));
}
