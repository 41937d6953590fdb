//! `release`: has the keeper of `acquire` give the lock back.

use rustix::thread::sched_yield;
use update_lock::{Error, Holder, LockPath, Request, remove_dead, status as look};
use update_lock_start::{Environment, Line, complain, text};

use crate::options::{Key, Options};
use crate::pause::pause;
use crate::report::{self, report};
use crate::schedule::give_back_stale;
use crate::{api, life, nested, shared_keeper, status};

/// For how many looks, some seconds, nothing is said.
const LOOKS_IN_SILENCE: i32 = 300;

/// How many looks just give the keeper its turn in between: mostly it is done before a pause would end.
const TURNS: i32 = 50;

/// The shortest and the longest pause between two looks whether the keeper is done, in microseconds.
const PAUSE_US: core::ops::Range<u32> = 50..10_000;

/// Exit code 0 once nothing of `acquire`'s is there, 75 if the lock is somebody else's.
#[inline(never)] // with a frame of its own: Thumb code reaches less than 1 KiB of it by short instructions
pub(crate) fn release(options: &Options, environment: Environment) -> i32 {
    match crate::locate(options, environment) {
        Ok(location) => {
            let path = location.path();
            let code = release_at(path, options, environment)
                .unwrap_or_else(|error| report(Some(path), error));
            if code == 0 && options.has(Key::Update) {
                api::tell(environment);
            }
            code
        }
        Err(error @ Error::NoLocation) => {
            let mut line = Line::error();
            report::tell(&mut line, error);
            line.text(text!("; nothing to release")).end();
            0
        }
        Err(error) => crate::report_location(options, environment, error),
    }
}

fn release_at(path: &LockPath, options: &Options, environment: Environment) -> Result<i32, Error> {
    if let Some(process) = options.pid.or_else(life::caller)
        && shared_keeper::release(path, process)?
    {
        return Ok(0);
    }
    match Request::send(path) {
        Ok(Some(request)) => wait(&request, path)?,
        Err(error @ Error::Held(Holder::App)) => {
            if shared_keeper::is_shared(path) {
                complain(
                    text!("%: shared by others, and not by this process; nothing to release"),
                    path.as_bytes(),
                );
                // Who left in that moment has taken this look for another member.
                give_back_stale(path);
            } else if !nested::is_held_above(path, options, environment) {
                return Err(error);
            }
        }
        Err(Error::Held(_)) if options.has(Key::Force) => return force(path),
        Ok(None) | Err(Error::Held(_)) => {
            let found = look(path)?;
            let mut line = Line::error();
            status::describe(&mut line, path, found.as_ref());
            line.text(text!("; nothing to release")).end();
        }
        Err(error) => return Err(error),
    }
    Ok(0)
}

fn wait(request: &Request<'_>, path: &LockPath) -> Result<(), Error> {
    let mut microseconds = PAUSE_US.start;
    let mut left = LOOKS_IN_SILENCE;
    while !request.is_done()? {
        left -= 1;
        if left > LOOKS_IN_SILENCE - TURNS {
            sched_yield();
            continue;
        }
        pause(microseconds);
        microseconds = (microseconds * 2).min(PAUSE_US.end);
        if left == 0 {
            report::say_is_slow(path);
        }
    }
    Ok(())
}

/// Removes what a person says nobody needs any more.
fn force(path: &LockPath) -> Result<i32, Error> {
    let removed = match remove_dead(path) {
        Err(Error::Held(Holder::Foreign { .. })) => {
            complain(
                text!("%: not removed: a process holds a flock on it; end that first"),
                path.as_bytes(),
            );
            return Ok(report::HELD);
        }
        outcome => outcome?,
    };
    let mut line = Line::error();
    match removed {
        Some(holder) => line
            .filled(text!("%: removed: "), path.as_bytes())
            .text(report::holder(holder)),
        None => line.filled(text!("%: free"), path.as_bytes()),
    };
    line.end();
    Ok(0)
}
