//! When the lock is to be held: not before `--after`, not in the windows of `--open`, not unless `--while` says so.

use rustix::process::{WaitOptions, wait};
use update_lock::{Leave, LockPath, UpdateLock, status};
use update_lock_start::{Environment, Signals, complain, milliseconds, text};

use crate::api;
use crate::condition::Condition;
use crate::lock::Lock;
use crate::options::Options;
use crate::protection::release;
use crate::windows::Windows;

/// Nothing is due.
pub(crate) const NEVER: u64 = u32::MAX as u64;

/// How often the command of `--while` is run, unless `--every` says so.
const EVERY_MS: u32 = 90_000;

/// What the options say about when the lock is to be held.
pub(crate) struct Schedule {
    start: u64,
    windows: Option<Windows>,
    condition: Option<Condition>,
    environment: Environment,
}

impl Schedule {
    /// The lock is always to be held.
    pub(crate) fn always(environment: Environment) -> Self {
        Self {
            start: 0,
            windows: None,
            condition: None,
            environment,
        }
    }

    /// What the options say; an exit code where the time zone isn't known.
    pub(crate) fn of(options: &Options, environment: Environment) -> Result<Self, i32> {
        let start = match options.after {
            Some(after) => milliseconds() + u64::from(after),
            None => 0,
        };
        Ok(Self {
            start,
            windows: Windows::of(options, environment)?,
            condition: options.condition.map(|command| {
                Condition::new(command, options.every.unwrap_or(EVERY_MS), environment)
            }),
            environment,
        })
    }

    /// Whether the lock is to be held; `None` before that is known.
    pub(crate) fn wants(&mut self, now: u64, signals: &Signals) -> Option<bool> {
        let answer = match &mut self.condition {
            Some(condition) => condition.answer(now, signals),
            None => Some(true),
        };
        if now < self.start || self.windows.as_mut().is_some_and(Windows::is_open) {
            return Some(false);
        }
        answer
    }

    /// In how many milliseconds to ask again.
    pub(crate) fn due(&self, now: u64) -> u64 {
        let windows = self
            .windows
            .as_ref()
            .map_or(NEVER, |_| Windows::INTERVAL_MS);
        let condition = self.condition.as_ref();
        let condition = condition.map_or(NEVER, |condition| condition.due(now));
        let start = match self.start.saturating_sub(now) {
            0 => NEVER,
            start => start,
        };
        start.min(windows).min(condition)
    }

    /// Gives a lock back that isn't wanted any more.
    pub(crate) fn give_back(&self, lock: Lock) -> Idle {
        let mut idle = Idle::new(lock.path());
        let left = match release(lock) {
            Some(Leave::Released) => text!("%: the lock is given back"),
            Some(_) => text!("%: the lock is left to those who share it"),
            None => return idle,
        };
        complain(left, idle.path.as_bytes());
        idle.has_news = true;
        idle.tend(self);
        idle
    }

    /// Reaps whatever has ended, orphans too.
    pub(crate) fn reap(&mut self) {
        while let Ok(Some((process, status))) = wait(WaitOptions::NOHANG) {
            if let Some(condition) = &mut self.condition {
                condition.ended(process, status);
            }
        }
    }

    /// It is over.
    pub(crate) fn end(&self) {
        if let Some(condition) = &self.condition {
            condition.end();
        }
    }
}

/// A time in which the lock isn't wanted.
pub(crate) struct Idle {
    path: LockPath,
    /// The lock will be free by us, and the Supervisor hasn't been told: it would find out only after up to a quarter of an
    /// hour.
    has_news: bool,
}

impl Idle {
    pub(crate) fn new(path: &LockPath) -> Self {
        Self {
            path: path.clone(),
            has_news: false,
        }
    }

    pub(crate) fn path(&self) -> &LockPath {
        &self.path
    }

    /// Gives back what a dead holder has left, so that an app which crashes again and again can be updated; and has the
    /// Supervisor look once the lock is free, if others share it later than that.
    pub(crate) fn tend(&mut self, schedule: &Schedule) {
        let gave_back = give_back_stale(&self.path);
        if gave_back || self.has_news && matches!(status(&self.path), Ok(None)) {
            self.has_news = false;
            api::tell_beside(schedule.environment);
        }
    }
}

/// Gives back what a dead holder has left; whether there was anything.
pub(crate) fn give_back_stale(path: &LockPath) -> bool {
    matches!(status(path), Ok(Some(found)) if found.is_adoptable)
        && UpdateLock::try_acquire(path).is_ok_and(|lock| lock.release().is_ok())
}
