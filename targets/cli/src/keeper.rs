//! The keeper that `acquire` leaves behind: it holds the lock until it is asked to release it, until the process that
//! the lock is for has ended, or until the lock is taken away.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use rustix::process::{Pid, chdir, setsid};
use update_lock::{Error, LockPath};
use update_lock_start::{Signals, close_standard, exit, open_missing};

use crate::life::Life;
use crate::lock::Lock;
use crate::shared_keeper;

/// How often to look where something would wake the keeper up, to be safe.
const SAFETY_INTERVAL_MS: i64 = 1000;
/// How often to look where nothing would.
const INTERVAL_MS: i64 = 100;

const READY: &[u8] = b"!";

/// Waits until the keeper is ready; `false` if it has died.
pub(crate) fn is_ready(ready: &OwnedFd) -> bool {
    rustix::io::read(ready, &mut [0]) == Ok(READY.len())
}

/// What `fork` left in the keeper's hands becomes a daemon's, which says so to `ready` and holds the lock to its end.
pub(crate) fn keep(
    mut lock: Lock,
    process: Pid,
    life: &Life,
    signals: Signals,
    ready: OwnedFd,
) -> ! {
    become_daemon(signals);
    if let Lock::Shared(lock) = &lock {
        // By a look at `/proc` of its own, as it is asked by: its parent's may have failed.
        let _ = shared_keeper::mark(lock, process);
    }
    let _ = rustix::io::write(&ready, READY);
    drop(ready);
    lock.close_watch();
    let watch = watch(lock.path()).ok();
    // The first look comes after the watch is there, so that nothing is missed.
    while must_hold(&lock, process, life).unwrap_or(true) {
        wait(watch.as_ref(), life);
    }
    // There is nobody left to be told how it went.
    let _ = lock.release();
    // The watch is closed by the exit, for its close stalls for milliseconds, and the lock has been given back.
    exit(0)
}

/// Has nothing of its caller's: terminal, directory, signals, descriptors.
fn become_daemon(signals: Signals) {
    let _ = setsid();
    let _ = chdir(c"/");
    signals.reset();
    close_standard();
    open_missing();
}

fn must_hold(lock: &Lock, process: Pid, life: &Life) -> Result<bool, Error> {
    Ok(!life.is_over() && !is_asked(lock, process)? && lock.is_held()?)
}

/// Makes the lock one that a keeper holds for `process`.
pub(crate) fn mark(lock: &Lock, process: Pid) -> Result<(), Error> {
    match lock {
        Lock::Exclusive(lock) => lock.mark_kept(),
        Lock::Shared(lock) => shared_keeper::mark(lock, process),
    }
}

fn is_asked(lock: &Lock, process: Pid) -> Result<bool, Error> {
    match lock {
        Lock::Exclusive(lock) => lock.is_asked(),
        Lock::Shared(lock) => shared_keeper::is_asked(lock, process),
    }
}

/// A request is a change of the file's mode, an override the loss of its name: a change of its attributes too.
fn watch(path: &LockPath) -> rustix::io::Result<OwnedFd> {
    let watch = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let events = WatchFlags::ATTRIB | WatchFlags::MOVE_SELF | WatchFlags::DONT_FOLLOW;
    add_watch(&watch, path.as_c_str(), events)?;
    Ok(watch)
}

/// Waits until something may have happened.
fn wait(watch: Option<&OwnedFd>, life: &Life) {
    let (watch_fd, life_fd) = (watch.map(AsFd::as_fd), life.descriptor());
    let interval = match (watch_fd, life_fd) {
        (Some(_), Some(_)) => SAFETY_INTERVAL_MS,
        _ => INTERVAL_MS,
    };
    let timeout = Timespec {
        tv_sec: interval / 1000,
        tv_nsec: (interval % 1000 * 1_000_000) as _,
    };
    let event = |file| PollFd::from_borrowed_fd(file, PollFlags::IN);
    let _ = match (watch_fd, life_fd) {
        (Some(watch), Some(life)) => poll(&mut [event(watch), event(life)], Some(&timeout)),
        (Some(file), None) | (None, Some(file)) => poll(&mut [event(file)], Some(&timeout)),
        (None, None) => poll(&mut [], Some(&timeout)),
    };
    if let Some(watch) = watch {
        // What has happened is seen by looking.
        let mut events = [0; 256];
        let _ = rustix::io::read(watch, &mut events);
    }
}
