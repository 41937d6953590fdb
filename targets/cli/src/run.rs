//! `run`: a command under the lock, also as PID 1.

use rustix::io::Errno;
use update_lock::{Error, Location, Waiter};
use update_lock_start::number::{SIGCHLD, SIGIO, SIGKILL, SIGTERM};
use update_lock_start::{Environment, Line, SignalSet, Signals};

use crate::job::{Job, Standing};
use crate::nested;
use crate::obtain::{Outcome, milliseconds, obtain};
use crate::options::Options;
use crate::protection::{Protection, write_own_note};
use crate::report::{self, report};

/// How long a command may take to end by itself once it is told to.
const GRACE_MS: u64 = 10_000;

const UNPROTECTED: &str = "warning: running unprotected: ";

/// Takes the lock, runs the command, gives the lock back; the command's exit code.
pub(crate) fn run(options: &Options, environment: Environment) -> i32 {
    let own_code = |code| options.exit_code.unwrap_or(code);
    let signals = Signals::block();
    let standing = Standing::new(options.group);
    let protection = match protect(options, environment, &signals, standing) {
        Ok(protection) => protection,
        Err(Refusal::Code(code)) => return own_code(code),
        Err(Refusal::Signal(signal)) => return 128 + signal as i32,
    };
    supervise(options, environment, &signals, standing, protection)
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
    let location = match crate::locate(options, environment) {
        Ok(location) => location,
        Err(Error::NoLocation) if !options.require => {
            Line::error()
                .text(UNPROTECTED)
                .text("no update lock here")
                .end();
            return Ok(Protection::None);
        }
        Err(error) => {
            let code = crate::report_location(options, environment, error);
            return Err(Refusal::Code(code));
        }
    };
    if !location.protects() {
        return no_device(&location, options.require);
    }
    let path = location.path();
    if nested::is_held_above(path, environment) {
        return Ok(Protection::None);
    }
    let mut waiter = Waiter::new(path);
    match obtain(&mut waiter, options.wait, signals, standing) {
        Outcome::Acquired(lock) => {
            write_own_note(&lock, options);
            Ok(Protection::Lock(lock))
        }
        Outcome::Ended(signal) => Err(Refusal::Signal(signal)),
        Outcome::Failed(error) if options.or_run => {
            let mut line = Line::error();
            report::describe(line.text("running unprotected: "), Some(path), error);
            Ok(Protection::Later(waiter))
        }
        Outcome::Failed(error) => Err(Refusal::Code(report(Some(path), error))),
    }
}

fn no_device(location: &Location, is_required: bool) -> Result<Protection, Refusal> {
    let mut line = Line::error();
    if !is_required {
        line.text(UNPROTECTED);
    }
    describe_no_device(&mut line, location);
    if is_required {
        line.text("; name a file with --lock PATH, or leave out --require")
            .end();
        return Err(Refusal::Code(report::NO_LOCATION));
    }
    line.end();
    Ok(Protection::None)
}

pub(crate) fn describe_no_device(line: &mut Line, location: &Location) {
    line.escaped(location.path().directory())
        .text(" is not a mount point, so this is no balena device");
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
    protection.end();
    code
}

pub(crate) fn report_fork(errno: Errno) -> i32 {
    Line::error()
        .text("cannot start a process: errno ")
        .number(errno.raw_os_error() as u32)
        .text("; too many processes or open files, or too little memory")
        .end();
    report::IO
}

/// Forwards signals, reaps children and tends the protection until the command has ended; its exit code.
fn follow(job: &Job, options: &Options, signals: &Signals, protection: &mut Protection) -> i32 {
    let mut end_of_grace = u64::MAX;
    loop {
        let now = milliseconds();
        if !protection.tend(options, now) {
            job.signal(SIGTERM);
            end_of_grace = now + GRACE_MS;
        }
        if now >= end_of_grace {
            job.signal(SIGKILL);
            end_of_grace = u64::MAX;
        }
        let timeout = protection.due(now).min(end_of_grace - now);
        match signals.wait(SignalSet::all(), Some(timeout as u32)) {
            Some(signal) if signal.number == SIGCHLD => {
                if let Some(code) = job.reap(signals) {
                    return code;
                }
            }
            // Of the lock's watch, which `tend` looks at.
            Some(signal) if signal.number == SIGIO && signal.is_from_kernel => {}
            Some(signal) => job.forward(signal),
            None => {}
        }
    }
}
