//! `hold`: the lock for its own sake, as a service beside those that it protects.

use core::convert::Infallible;

use update_lock::{Location, LockPath, Waiter};
use update_lock_start::{Environment, Signals, complain, milliseconds, text};

use crate::job::Standing;
use crate::lock::Lock;
use crate::nested;
use crate::obtain::{self, Outcome, obtain};
use crate::options::{OnLost, Options};
use crate::protection::{INTERVAL_MS, release, report_loss, write_own_note};
use crate::report::{self, report};
use crate::schedule::{Idle, NEVER, Schedule};

/// Holds the lock whenever the schedule wants it, until a signal ends that.
#[inline(never)] // with a frame of its own: Thumb code reaches less than 1 KiB of it by short instructions
pub(crate) fn hold(options: &Options, environment: Environment) -> i32 {
    let path = match crate::acquire::path(options, environment) {
        Ok(path) => path,
        Err(code) => return code,
    };
    // Before a condition or a window is waited for.
    if let Some(error) = report::missing(&Location::explicit(path.clone())) {
        return report(Some(&path), error);
    }
    if nested::is_held_above(&path, options, environment) {
        return 0;
    }
    let signals = Signals::block();
    let schedule = match Schedule::of(options, environment) {
        Ok(schedule) => schedule,
        Err(code) => return code,
    };
    let mut hold = Hold {
        options,
        schedule,
        signals,
        standing: Standing::new(false),
    };
    let Err(code) = hold.go_on(&path);
    hold.schedule.end();
    code
}

struct Hold<'o> {
    options: &'o Options,
    schedule: Schedule,
    signals: Signals,
    standing: Standing,
}

/// Why a lock isn't kept any longer.
enum End {
    /// The schedule doesn't want it.
    Unwanted,
    /// It was taken away.
    Lost,
    /// A signal ends it all, with this exit code.
    Code(i32),
}

impl Hold<'_> {
    /// Waits for the lock and keeps it, again and again, until an exit code ends that.
    fn go_on(&mut self, path: &LockPath) -> Result<Infallible, i32> {
        let mut waiter = Waiter::new(path);
        let mut idle = Idle::new(path);
        loop {
            self.until_wanted(&mut idle)?;
            let (options, standing) = (self.options, self.standing);
            let lock = match obtain(
                &mut waiter,
                options,
                &mut self.schedule,
                &self.signals,
                standing,
            ) {
                Outcome::Acquired(lock) => lock,
                Outcome::Unwanted => continue,
                Outcome::Ended(signal) => return Err(128 + signal as i32),
                Outcome::Failed(error) => return Err(report(Some(path), error)),
            };
            write_own_note(&lock, self.options);
            complain(text!("%: locked now"), path.as_bytes());
            waiter = match self.keep(&lock) {
                End::Unwanted => {
                    idle = self.schedule.give_back(lock);
                    Waiter::new(path)
                }
                End::Lost => self.after_loss(lock)?,
                End::Code(code) => {
                    let _ = release(lock);
                    return Err(code);
                }
            };
        }
    }

    fn until_wanted(&mut self, idle: &mut Idle) -> Result<(), i32> {
        loop {
            let now = milliseconds();
            match self.schedule.wants(now, &self.signals) {
                Some(true) => return Ok(()),
                Some(false) => idle.tend(&self.schedule),
                None => {}
            }
            self.sleep(self.schedule.due(now).min(INTERVAL_MS))?;
        }
    }

    fn keep(&mut self, lock: &Lock) -> End {
        loop {
            let now = milliseconds();
            if self.schedule.wants(now, &self.signals) != Some(true) {
                return End::Unwanted;
            }
            lock.forget_news();
            if lock.is_held() == Ok(false) {
                return End::Lost;
            }
            if let Err(code) = self.sleep(self.schedule.due(now).min(INTERVAL_MS)) {
                return End::Code(code);
            }
        }
    }

    fn after_loss(&mut self, lock: Lock) -> Result<Waiter, i32> {
        let on_lost = self.options.on_lost;
        report_loss(lock.path(), on_lost);
        match on_lost {
            OnLost::Retake => Ok(lock.into_waiter()),
            OnLost::Stop => Err(report::HELD),
            OnLost::Ignore => loop {
                self.sleep(NEVER)?;
            },
        }
    }

    /// The exit code where a signal ends it.
    fn sleep(&mut self, milliseconds: u64) -> Result<(), i32> {
        match obtain::sleep(
            milliseconds,
            &mut self.schedule,
            &self.signals,
            self.standing,
        ) {
            Some(signal) => Err(128 + signal as i32),
            None => Ok(()),
        }
    }
}
