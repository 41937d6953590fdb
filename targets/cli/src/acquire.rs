//! `acquire`: takes the lock for a script, and leaves it to a keeper.

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Pid;
use update_lock::{Error, LockPath, Operation, PATH_CAPACITY, Waiter};
use update_lock_start::{
    Child, Environment, Line, Signals, close_inherited, complain, complain_number, fork, text,
    working_directory,
};

use crate::job::Standing;
use crate::life::{self, Life};
use crate::lock::Lock;
use crate::obtain::{Outcome, obtain};
use crate::options::{Key, Options};
use crate::report::{self, report};
use crate::schedule::Schedule;
use crate::{keeper, nested, protection, shared_keeper};

/// Takes the lock for the caller, or for the process that `--for` names; exit code 0 once it is held.
pub(crate) fn acquire(options: &Options, environment: Environment) -> i32 {
    // The keeper must not keep what the caller has open.
    close_inherited();
    acquire_for(options, environment).unwrap_or_else(|code| code)
}

#[inline(never)] // with a frame of its own: Thumb code reaches less than 1 KiB of it by short instructions
fn acquire_for(options: &Options, environment: Environment) -> Result<i32, i32> {
    let path = path(options, environment)?;
    if nested::is_held_above(&path, options, environment) {
        return Ok(0);
    }
    let (process, life) = beneficiary(options)?;
    if options.has(Key::Shared) && shared_keeper::is_there(&path, process) {
        say_is_shared(&path);
        return Ok(0);
    }
    let signals = Signals::block();
    let mut waiter = Waiter::new(&path);
    let standing = Standing::new(false);
    let mut schedule = Schedule::always(environment);
    let outcome = obtain(&mut waiter, options, &mut schedule, &signals, standing);
    // What it keeps open is nothing for the keeper.
    drop(waiter);
    match outcome {
        Outcome::Acquired(lock) => leave_to_keeper(lock, options, process, &life, signals),
        Outcome::Ended(signal) => Err(128 + signal as i32),
        Outcome::Failed(error) => Err(report::give_up(&path, error)),
        Outcome::Unwanted => Err(report::IO), // not by this schedule
    }
}

/// The path of a device's lock, absolute: a keeper works in `/`.
pub(crate) fn path(options: &Options, environment: Environment) -> Result<LockPath, i32> {
    let location = crate::locate(options, environment)
        .map_err(|error| crate::report_location(options, environment, error))?;
    if !location.protects() {
        complain(
            text!(
                "% is not a mount point, so this is no balena device; name a file with --lock PATH"
            ),
            location.path().directory(),
        );
        return Err(report::NO_LOCATION);
    }
    let path = location.path();
    if path.as_bytes().first() == Some(&b'/') {
        return Ok(path.clone());
    }
    absolute(path).map_err(|error| report(Some(path), error))
}

fn absolute(path: &LockPath) -> Result<LockPath, Error> {
    let mut buffer = [0; PATH_CAPACITY];
    match working_directory(&mut buffer) {
        Some(directory @ [b'/', ..]) => LockPath::in_directory(directory, path.as_bytes()),
        // It has been removed, or lies outside of this root.
        _ => Err(Error::System {
            operation: Operation::Open,
            errno: Errno::NOENT,
        }),
    }
}

/// The process whose life the lock is tied to.
fn beneficiary(options: &Options) -> Result<(Pid, Life), i32> {
    let Some(process) = options.pid.or_else(life::caller) else {
        complain(
            text!(
                "the caller is PID 1, or has ended, or is outside of this container; name a process with --for PID"
            ),
            b"",
        );
        return Err(report::USAGE);
    };
    match Life::of(process) {
        // Had the caller ended before it could be watched, the number might be another process's by now.
        Ok(_) if options.pid.is_none() && life::caller() != Some(process) => {
            complain(text!("the caller has ended"), b"");
            Err(report::IO)
        }
        Ok(life) => Ok((process, life)),
        Err(errno) => {
            let template = match errno {
                Errno::SRCH => text!("process % has ended; name another one with --for PID"),
                _ => {
                    text!(
                        "process % can't be watched: neither pidfd_open nor /proc works here; mount /proc"
                    )
                }
            };
            complain_number(template, process.as_raw_pid() as u32);
            Err(report::IO)
        }
    }
}

fn leave_to_keeper(
    lock: Lock,
    options: &Options,
    process: Pid,
    life: &Life,
    signals: Signals,
) -> Result<i32, i32> {
    match keeper::mark(&lock, process) {
        // Another `acquire` for the same process came first.
        Err(error) if error.errno() == Some(Errno::AGAIN) => {
            say_is_shared(lock.path());
            return Ok(0);
        }
        outcome => outcome.map_err(|error| report(Some(lock.path()), error))?,
    }
    // After the mark, which must not be the last that a waiter hears of a lock that isn't released.
    let mut buffer = [0; 32];
    let name = life::name(process, &mut buffer);
    protection::write_note(&lock, options, process, name);
    // Its caller's process group may be killed as soon as this process ends: until then the keeper has left it.
    let (ready, is_ready) = pipe_with(PipeFlags::CLOEXEC).map_err(report::report_fork)?;
    match fork() {
        Ok(Child::Me) => {
            drop(ready);
            keeper::keep(lock, process, life, signals, is_ready)
        }
        Ok(Child::Of(_)) => {
            drop(is_ready);
            if !keeper::is_ready(&ready) {
                complain(text!("the keeper was killed"), b"");
                return Err(report::IO);
            }
            announce(lock.path(), process, name);
            lock.leave_behind();
            Ok(0)
        }
        Err(errno) => Err(report::report_fork(errno)),
    }
}

fn say_is_shared(path: &LockPath) {
    complain(
        text!("%: shared for this process already; nothing to do"),
        path.as_bytes(),
    );
}

fn announce(path: &LockPath, process: Pid, name: &[u8]) {
    let mut line = Line::output();
    line.filled(
        text!("%: held until 'update-lock release' or the end of process "),
        path.as_bytes(),
    )
    .number(process.as_raw_pid() as u32);
    if !name.is_empty() {
        line.filled(text!(" (%)"), name);
    }
    line.end();
}
