//! `run`: a command under the lock, also as PID 1.

use update_lock::{Error, Location, Waiter};
use update_lock_start::number::{SIGCHLD, SIGIO, SIGKILL, SIGTERM};
use update_lock_start::{Environment, Line, SignalSet, Signals, complain, milliseconds, text};

use crate::job::{Job, Standing};
use crate::nested;
use crate::obtain::{Outcome, Reminder, obtain};
use crate::options::{Key, Options};
use crate::protection::{Protection, write_own_note};
use crate::report;
use crate::schedule::Schedule;

/// How long a command may take to end by itself once it is told to.
const GRACE_MS: u64 = 10_000;

/// Takes the lock, runs the command, gives the lock back; the command's exit code.
#[inline(never)] // with a frame of its own: Thumb code reaches less than 1 KiB of it by short instructions
pub(crate) fn run(options: &Options, environment: Environment) -> i32 {
    let signals = Signals::block();
    let standing = Standing::new(options.has(Key::Group));
    let mut schedule = match Schedule::of(options, environment) {
        Ok(schedule) => schedule,
        Err(code) => return code,
    };
    let run = Run {
        options,
        environment,
        signals: &signals,
        standing,
    };
    match run.protect(&mut schedule) {
        Ok(mut protection) => {
            let code = run.supervise(&mut schedule, &mut protection);
            protection.end();
            code
        }
        Err(Refusal::Code(report::USAGE)) => report::USAGE,
        Err(Refusal::Code(code)) => options.exit_code.unwrap_or(code),
        Err(Refusal::Signal(signal)) => 128 + signal as i32,
    }
}

/// Why the command isn't started.
enum Refusal {
    /// The exit code; everything has been said.
    Code(i32),
    /// A signal came during the wait.
    Signal(u32),
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

/// What doesn't change during a `run`.
struct Run<'o> {
    options: &'o Options,
    environment: Environment,
    signals: &'o Signals,
    standing: Standing,
}

impl Run<'_> {
    /// Takes the lock, if it is to be taken before the command starts.
    fn protect(&self, schedule: &mut Schedule) -> Result<Protection, Refusal> {
        let Self {
            options,
            environment,
            signals,
            standing,
        } = *self;
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
        if nested::is_held_above(path, options, environment) {
            return Ok(Protection::theirs(path, options.on_lost));
        }
        // `--after` counts from the command's start.
        if options.after.is_some() || schedule.wants(milliseconds(), signals) == Some(false) {
            return Ok(Protection::idle(path, schedule));
        }
        let mut waiter = Waiter::new(path);
        match obtain(&mut waiter, options, schedule, signals, standing) {
            Outcome::Acquired(lock) => {
                write_own_note(&lock, options);
                Ok(Protection::Lock(lock))
            }
            Outcome::Unwanted => Ok(Protection::idle(path, schedule)),
            Outcome::Ended(signal) => Err(Refusal::Signal(signal)),
            Outcome::Failed(error) if options.has(Key::OrRun) => {
                let mut line = Line::error();
                report::describe(line.text(text!("running unprotected: ")), Some(path), error);
                let reminder = Reminder::after(milliseconds(), Some(error));
                Ok(Protection::Later(waiter, reminder))
            }
            Outcome::Failed(error) => Err(Refusal::Code(report::give_up(path, error))),
        }
    }

    /// Starts the command and stays with it to its end; the exit code.
    fn supervise(&self, schedule: &mut Schedule, protection: &mut Protection) -> i32 {
        let lock = match protection {
            Protection::Lock(lock) => Some(&*lock),
            _ => None,
        };
        match Job::start(
            self.standing,
            self.signals,
            lock,
            self.options,
            self.environment,
        ) {
            Ok(job) => {
                let code = self.follow(&job, schedule, protection);
                job.end();
                code
            }
            Err(errno) => {
                let code = report::report_fork(errno);
                self.options.exit_code.unwrap_or(code)
            }
        }
    }

    /// Forwards signals, reaps children and tends the protection until the command has ended; its exit code.
    fn follow(&self, job: &Job, schedule: &mut Schedule, protection: &mut Protection) -> i32 {
        let signals = self.signals;
        let mut end_of_grace = u64::MAX;
        loop {
            let now = milliseconds();
            if !protection.tend(self.options, schedule, signals, now) {
                job.stop(SIGTERM);
                end_of_grace = now + GRACE_MS;
            }
            if now >= end_of_grace {
                job.stop(SIGKILL);
                end_of_grace = u64::MAX;
            }
            let timeout = protection.due(schedule, now).min(end_of_grace - now);
            match signals.wait(SignalSet::all(), Some(timeout as u32)) {
                // Of the lock's watch, which `tend` looks at.
                Some(signal) if signal.number == SIGIO && signal.is_from_kernel => {}
                Some(signal) if signal.number != SIGCHLD => job.forward(signal),
                // Or it didn't come: where SIGCHLD is ignored after all.
                _ => {
                    if let Some(code) = job.reap(signals) {
                        return code;
                    }
                }
            }
        }
    }
}
