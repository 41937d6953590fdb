//! What keeps updates away from a command: taken late, lost, and taken again.

use rustix::process::{Pid, getpid};
use update_lock::{LockPath, Note, Waiter};
use update_lock_start::{Clock, Line, Signals, complain, now, text};

use crate::lock::Lock;
use crate::nested;
use crate::obtain;
use crate::options::{Key, OnLost, Options};
use crate::report::{self, report};
use crate::schedule::{NEVER, Schedule, give_back_stale};

/// How often to look whether the lock is still there, where no watch tells.
const INTERVAL_MS: u64 = 1000;

/// 2020-01-01: a clock before it has not been set since the device started.
pub(crate) const CLOCK_IS_SET: u64 = 1_577_836_800;

/// What keeps updates away from the command.
pub(crate) enum Protection {
    Lock(Lock),
    /// Nothing yet, or nothing any more: the lock is waited for.
    Later(Waiter),
    /// Nothing: the schedule doesn't want the lock now.
    Idle(LockPath),
    /// Nothing: this is no balena device, what runs this has the lock, or it was lost.
    None,
}

impl Protection {
    /// None for the time being. What an earlier start has left is given back, so that an app which crashes again and again
    /// can be updated.
    pub(crate) fn idle(path: &LockPath) -> Self {
        give_back_stale(path);
        Self::Idle(path.clone())
    }

    /// Sees to it that it is still there, or comes. `false` if the command is to be stopped.
    pub(crate) fn tend(
        &mut self,
        options: &Options,
        schedule: &mut Schedule,
        signals: &Signals,
        now: u64,
    ) -> bool {
        let is_wanted = schedule.wants(now, signals) != Some(false);
        match self {
            Self::Lock(_) | Self::Later(_) if !is_wanted => self.give_back(schedule),
            Self::Idle(path) if is_wanted => *self = Self::Later(Waiter::new(path)),
            _ => {}
        }
        if let Self::Lock(lock) = self {
            lock.forget_news();
        }
        match self {
            Self::Lock(lock) if lock.is_held() == Ok(false) => {
                if let Self::Lock(lock) = core::mem::replace(self, Self::None) {
                    return self.lose(lock, options.on_lost);
                }
            }
            Self::Later(waiter) => {
                let is_due = waiter.has_news() || waiter.due(now) == 0;
                let is_shared = options.has(Key::Shared);
                if is_due && let Ok(lock) = Lock::look(waiter, is_shared, now) {
                    write_own_note(&lock, options);
                    complain(text!("%: locked now"), lock.path().as_bytes());
                    *self = Self::Lock(lock);
                }
            }
            _ => {}
        }
        true
    }

    /// In how many milliseconds to tend it next, unless a signal tells of news.
    pub(crate) fn due(&mut self, schedule: &Schedule, now: u64) -> u64 {
        let due = match self {
            Self::Lock(_) => INTERVAL_MS,
            Self::Later(waiter) => obtain::due(waiter, now),
            Self::Idle(_) => NEVER,
            Self::None => return NEVER,
        };
        due.min(schedule.due(now))
    }

    fn give_back(&mut self, schedule: &Schedule) {
        let path = match self {
            Self::Lock(lock) => lock.path(),
            Self::Later(waiter) => waiter.path(),
            _ => return,
        };
        let path = path.clone();
        if let Self::Lock(lock) = core::mem::replace(self, Self::Idle(path)) {
            schedule.give_back(lock);
        }
    }

    fn lose(&mut self, lock: Lock, on_lost: OnLost) -> bool {
        report_loss(lock.path(), on_lost);
        if on_lost == OnLost::Retake {
            *self = Self::Later(lock.into_waiter());
        }
        on_lost != OnLost::Stop
    }

    /// The command has ended.
    pub(crate) fn end(self) {
        if let Self::Lock(lock) = self {
            let _ = release(lock);
        }
    }
}

/// Says that the lock was taken away, and what comes of it.
pub(crate) fn report_loss(path: &LockPath, on_lost: OnLost) {
    let consequence = match on_lost {
        OnLost::Retake => text!("it will be taken again when that is over"),
        OnLost::Stop => text!("stopping"),
        OnLost::Ignore => text!("going on unprotected"),
    };
    let mut line = Line::error();
    line.filled(
        text!("%: the lock was taken away, by an override or by hand; "),
        path.as_bytes(),
    );
    line.text(consequence).end();
}

/// Gives the lock back, and says so if it has been lost; whether it hadn't.
pub(crate) fn release(lock: Lock) -> bool {
    let path = lock.path().clone();
    match lock.release() {
        Ok(true) => return true,
        Ok(false) => complain(
            text!(
                "%: the lock was taken away before the release, by an override or by hand; nothing removed"
            ),
            path.as_bytes(),
        ),
        Err(error) => {
            report(Some(&path), error);
        }
    }
    false
}

/// Who holds the lock: this process, for its command.
pub(crate) fn write_own_note(lock: &Lock, options: &Options) {
    nested::mark(lock, options);
    let program = { options.arguments }.next().unwrap_or_default();
    write_note(lock, options, getpid(), program);
}

/// The note is a courtesy: without it the lock is as good.
pub(crate) fn write_note(lock: &Lock, options: &Options, process: Pid, program: &[u8]) {
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
