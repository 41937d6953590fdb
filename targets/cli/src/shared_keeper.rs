//! Keepers of a shared lock, of which there may be several: each is found by the process that it is for.
//!
//! The file's mode can't tell them apart, but locks on single bytes of it can (`F_OFD_SETLK` of `fcntl(2)`, Linux 3.15).
//! They have nothing to do with `flock`, need no content, and go with their process.
//!
//! 1. A keeper for process P locks byte P of the file, from before its `acquire` returns to its end. P counts with its PID
//!    namespace: containers that share a lock have the same small numbers.
//! 2. Who wants it released, and may write to the file, locks byte P of a second set, and sets the file's times: that wakes
//!    the keepers up. (Its mode is the lock's, and could be another one by then.)
//! 3. A keeper that finds its byte of the second set locked leaves, as every member of a shared lock does.
//! 4. The other one knows by the first byte. What a keeper that died has left is given back in its place, if nobody else
//!    shares the lock.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, flock, openat};
use rustix::process::Pid;
use update_lock::{Errno, Error, LockPath, Operation, SharedLock, path_stat};
use update_lock_start::{is_byte_locked, lock_byte, touch};

use crate::pause::pause;
use crate::report::say_is_slow;
use crate::schedule::give_back_stale;

/// How many bits a process id has at most: `PID_MAX_LIMIT`. The number of a namespace has 32.
const PID_BITS: u32 = 22;

/// Where the second set begins.
const ASKED: u64 = 1 << 60;

/// Where the bytes of something else can begin.
pub(crate) const END: u64 = 2 << 60;

/// How often to look whether a keeper has gone, in microseconds.
const INTERVAL_US: u32 = 1000;

/// For how many looks, some seconds, nothing is said.
const LOOKS_IN_SILENCE: i32 = 3000;

#[allow(
    clippy::useless_conversion,
    reason = "the inode's width differs between architectures"
)]
fn byte(process: Pid) -> u64 {
    let namespace = path_stat(CWD, c"/proc/self/ns/pid", AtFlags::empty());
    let namespace = namespace.map_or(0, |stat| u64::from(stat.st_ino));
    namespace << PID_BITS | u64::from(process.as_raw_pid() as u32)
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
    is_kept(path, byte(process))
}

/// Whether those who hold the lock share it.
pub(crate) fn is_shared(path: &LockPath) -> bool {
    let shared = FlockOperation::NonBlockingLockShared;
    open(path).is_ok_and(|file| flock(&file, shared).is_ok())
}

/// Has the keeper for `process` leave; `false` where there is none.
pub(crate) fn release(path: &LockPath, process: Pid) -> Result<bool, Error> {
    // Looked up once: by another byte nobody would be asked, and the wait had no end.
    let byte = byte(process);
    if !is_kept(path, byte) {
        return Ok(false);
    }
    let file = match open_for(OFlags::WRONLY, path) {
        Err(_) if !is_kept(path, byte) => return Ok(true), // the keeper has gone meanwhile
        outcome => outcome.map_err(|errno| Error::System {
            operation: Operation::Open,
            errno,
        })?,
    };
    let mut has_asked = false;
    let mut left = LOOKS_IN_SILENCE;
    while is_byte_locked(file.as_fd(), byte).map_err(error)? {
        has_asked = has_asked || ask(file.as_fd(), byte)?; // 2
        pause(INTERVAL_US);
        left -= 1;
        if left == 0 {
            say_is_slow(path);
        }
    }
    give_back_stale(path); // 4
    Ok(true)
}

/// Whether it is this process that asks now: one does at a time, and who finds another one has to try again, as that one may
/// be killed before the keeper looks.
fn ask(file: BorrowedFd<'_>, byte: u64) -> Result<bool, Error> {
    match lock_byte(file, ASKED + byte) {
        Err(Errno::AGAIN) => return Ok(false),
        outcome => outcome.map_err(error)?,
    }
    touch(file);
    Ok(true)
}

fn is_kept(path: &LockPath, byte: u64) -> bool {
    open(path).is_ok_and(|file| is_byte_locked(file.as_fd(), byte) == Ok(true))
}

pub(crate) fn open(path: &LockPath) -> Result<OwnedFd, Errno> {
    open_for(OFlags::RDONLY, path)
}

fn open_for(access: OFlags, path: &LockPath) -> Result<OwnedFd, Errno> {
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(CWD, path.as_c_str(), flags, Mode::empty())
}
