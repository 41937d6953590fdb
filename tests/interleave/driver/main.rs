//! Takes a lock and gives it back, and marks in between what it believes: `driver exclusive|shared|waiting PATH`.
//!
//! A mark is a `getpgid` of a process id that no process has, which touches nothing and is seen by whoever traces the system
//! calls. `tests/interleave/mark.rs` knows the numbers too.

#![no_std]
#![no_main]
#![deny(unsafe_code)]

use rustix::process::{Pid, getpgid};
use update_lock::{Error, Leave, LockPath, Release, SharedLock, UpdateLock, Waiter};
use update_lock_start::{Args, Environment};

#[allow(unsafe_code, reason = "the program's entry is a symbol for the linker")]
mod entry {
    update_lock_start::entry!(super::main);
}

/// Above any process id.
const MARK: i32 = 0x4000_0000;
/// The lock is ours, as we believe.
const HOLDS: i32 = MARK;
/// It is held, or left to an override: another look when there are news. Who traces says how much time has passed.
const WAITS: i32 = MARK + 1;

/// The exit codes: the lock was released, was lost, had been held by somebody else; an error.
const RELEASED: i32 = 0;
const LOST: i32 = 1;
const HELD: i32 = 75;
const ERROR: i32 = 74;

fn main(mut args: Args, _: Environment) -> i32 {
    let (_, how, path) = (args.next(), args.next(), args.next());
    let (Some(how), Some(path)) = (how, path) else {
        return ERROR;
    };
    let outcome = LockPath::new(path).and_then(|path| match how {
        b"exclusive" => exclusive(UpdateLock::try_acquire(&path)?),
        b"waiting" => exclusive(wait(&path)?),
        _ => shared(SharedLock::try_acquire(&path)?),
    });
    match outcome {
        Ok(code) => code,
        Err(Error::Held(_)) => HELD,
        Err(_) => ERROR,
    }
}

fn exclusive(lock: UpdateLock) -> Result<i32, Error> {
    mark(HOLDS);
    Ok(match lock.release()? {
        Release::Released => RELEASED,
        Release::Lost => LOST,
    })
}

fn shared(lock: SharedLock) -> Result<i32, Error> {
    mark(HOLDS);
    Ok(match lock.leave()? {
        Leave::Released | Leave::Left => RELEASED,
        Leave::Lost => LOST,
    })
}

fn wait(path: &LockPath) -> Result<UpdateLock, Error> {
    let mut waiter = Waiter::new(path);
    let mut now = 0;
    loop {
        match waiter.look(now) {
            Err(Error::Held(_) | Error::GivingWay) => {}
            outcome => return outcome,
        }
        if waiter.watch().is_some() && waiter.due(now) == 0 {
            // The watch has just been armed.
            continue;
        }
        now += mark(WAITS);
    }
}

/// What who traces answers, and the kernel never does.
fn mark(number: i32) -> u64 {
    match Pid::from_raw(number).map(|pid| getpgid(Some(pid))) {
        Some(Ok(answer)) => answer.as_raw_nonzero().get().unsigned_abs().into(),
        _ => 0,
    }
}
