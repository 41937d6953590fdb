//! `run`: a command under the lock, also as PID 1.

use rustix::io::Errno;
use rustix::process::{Pid, getpid};
use update_lock::{Error, Location, LockPath, Note, Release, UpdateLock};
use update_lock_start::number::SIGCHLD;
use update_lock_start::{
    Clock, Environment, Line, SignalSet, Signals, complain, complain_number, now, text,
};

use crate::job::{Job, Standing};
use crate::nested;
use crate::obtain::{Outcome, milliseconds, obtain};
use crate::options::{Key, Options};
use crate::report::{self, report};

/// How often to try for a lock that the command runs without.
const LATE_INTERVAL_MS: u64 = 1000;

/// 2020-01-01: a clock before it has not been set since the device started.
const CLOCK_IS_SET: u64 = 1_577_836_800;

/// Takes the lock, runs the command, gives the lock back; the command's exit code.
#[inline(never)] // with a frame of its own: Thumb code reaches less than 1 KiB of it by short instructions
pub(crate) fn run(options: &Options, environment: Environment) -> i32 {
    let own_code = |code| options.exit_code.unwrap_or(code);
    let signals = Signals::block();
    let standing = Standing::new(options.has(Key::Group));
    let protection = match protect(options, environment, &signals, standing) {
        Ok(protection) => protection,
        Err(Refusal::Code(code)) => return own_code(code),
        Err(Refusal::Signal(signal)) => return 128 + signal as i32,
    };
    supervise(options, environment, &signals, standing, protection)
}

/// What keeps updates away from the command.
enum Protection {
    Lock(UpdateLock),
    /// Nothing yet.
    Later(LockPath),
    /// Nothing: this is no balena device, or what runs this has the lock.
    None,
}

/// Why the command isn't started.
enum Refusal {
    /// The exit code; everything has been said.
    Code(i32),
    /// A signal came during the wait.
    Signal(u32),
}

fn protect(
    options: &Options,
    environment: Environment,
    signals: &Signals,
    standing: Standing,
) -> Result<Protection, Refusal> {
    let location = crate::locate(options, environment);
    let location = match &location {
        Ok(location) => location,
        &Err(Error::NoLocation) if !options.has(Key::Require) => {
            complain(
                text!("warning: running unprotected: no update lock here"),
                b"",
            );
            return Ok(Protection::None);
        }
        &Err(error) => {
            let code = crate::report_location(options, environment, error);
            return Err(Refusal::Code(code));
        }
    };
    if !location.protects() {
        return no_device(location, options.has(Key::Require));
    }
    let path = location.path();
    if nested::is_held_above(path, environment) {
        return Ok(Protection::None);
    }
    match obtain(path, options.wait, signals, standing) {
        Outcome::Acquired(lock) => {
            write_own_note(&lock, options);
            Ok(Protection::Lock(lock))
        }
        Outcome::Ended(signal) => Err(Refusal::Signal(signal)),
        Outcome::Failed(error) if options.has(Key::OrRun) => {
            let mut line = Line::error();
            report::describe(line.text(text!("running unprotected: ")), Some(path), error);
            Ok(Protection::Later(path.clone()))
        }
        Outcome::Failed(error) => Err(Refusal::Code(report(Some(path), error))),
    }
}

fn no_device(location: &Location, is_required: bool) -> Result<Protection, Refusal> {
    let directory = location.path().directory();
    if is_required {
        complain(
            text!(
                "% is not a mount point, so this is no balena device; name a file with --lock PATH, or leave out --require"
            ),
            directory,
        );
        return Err(Refusal::Code(report::NO_LOCATION));
    }
    complain(
        text!("warning: running unprotected: % is not a mount point, so this is no balena device"),
        directory,
    );
    Ok(Protection::None)
}

fn write_own_note(lock: &UpdateLock, options: &Options) {
    let mut arguments = options.arguments;
    write_note(
        lock,
        options,
        getpid(),
        arguments.next().unwrap_or_default(),
    );
}

/// The note is a courtesy: without it the lock is as good.
pub(crate) fn write_note(lock: &UpdateLock, options: &Options, process: Pid, program: &[u8]) {
    let (seconds, _) = now(Clock::Realtime);
    let note = Note {
        pid: process.as_raw_pid() as u32,
        program,
        since: (seconds > CLOCK_IS_SET).then_some(seconds),
        reason: options.reason,
    };
    if let Err(error) = lock.write_note(&note) {
        let mut line = Line::error();
        line.text(text!("warning: locked, but without a note: "));
        report::describe(&mut line, Some(lock.path()), error);
    }
}

/// Starts the command, stays with it to its end, and releases.
fn supervise(
    options: &Options,
    environment: Environment,
    signals: &Signals,
    standing: Standing,
    mut protection: Protection,
) -> i32 {
    let lock = match &protection {
        Protection::Lock(lock) => Some(lock),
        _ => None,
    };
    let code = match Job::start(standing, signals, lock, options.arguments, environment) {
        Ok(job) => {
            let code = follow(&job, options, signals, &mut protection);
            job.end();
            code
        }
        Err(errno) => {
            let code = report_fork(errno);
            options.exit_code.unwrap_or(code)
        }
    };
    if let Protection::Lock(lock) = protection {
        release(lock);
    }
    code
}

pub(crate) fn report_fork(errno: Errno) -> i32 {
    complain_number(
        text!(
            "cannot start a process: errno %; too many processes or open files, or too little memory"
        ),
        errno.raw_os_error() as u32,
    );
    report::IO
}

/// Forwards signals and reaps children until the command has ended; its exit code.
fn follow(job: &Job, options: &Options, signals: &Signals, protection: &mut Protection) -> i32 {
    let mut next = 0;
    loop {
        let mut timeout = None;
        if let Protection::Later(path) = protection {
            // By the clock, since signals may come more often than that.
            let now = milliseconds();
            if now >= next {
                next = now + LATE_INTERVAL_MS;
                if let Some(lock) = try_late(path, options) {
                    *protection = Protection::Lock(lock);
                    continue;
                }
            }
            timeout = Some((next - now) as u32);
        }
        match signals.wait(SignalSet::all(), timeout) {
            Some(signal) if signal.number == SIGCHLD => {
                if let Some(code) = job.reap(signals) {
                    return code;
                }
            }
            Some(signal) => job.forward(signal),
            None => {}
        }
    }
}

/// Takes the lock that the command had to start without, if it is free now.
fn try_late(path: &LockPath, options: &Options) -> Option<UpdateLock> {
    let lock = UpdateLock::try_acquire(path).ok()?;
    write_own_note(&lock, options);
    complain(text!("%: locked now"), path.as_bytes());
    Some(lock)
}

fn release(lock: UpdateLock) {
    let path = lock.path().clone();
    match lock.release() {
        Ok(Release::Released) => {}
        Ok(Release::Lost) => complain(
            text!(
                "%: the lock was taken away before the command ended, by an override or by hand; nothing removed"
            ),
            path.as_bytes(),
        ),
        Err(error) => {
            report(Some(&path), error);
        }
    }
}
