//! What keeps updates away from a command: taken late, lost, and taken again.

use rustix::process::{Pid, getpid};
use update_lock::{LockPath, Note, Release, UpdateLock, Waiter, status};
use update_lock_start::{Clock, Line, complain, now, text};

use crate::obtain;
use crate::options::{OnLost, Options};
use crate::report::{self, report};

/// How often to look whether the lock is still there, where no watch tells.
const INTERVAL_MS: u64 = 1000;

/// Nothing is due.
const NEVER: u64 = u32::MAX as u64;

/// 2020-01-01: a clock before it has not been set since the device started.
const CLOCK_IS_SET: u64 = 1_577_836_800;

/// What keeps updates away from the command.
pub(crate) enum Protection {
    Lock(UpdateLock),
    /// Nothing before that time: the command must have been up for a while.
    After(LockPath, u64),
    /// Nothing yet, or nothing any more: the lock is waited for.
    Later(Waiter),
    /// Nothing: this is no balena device, what runs this has the lock, or it was lost.
    None,
}

impl Protection {
    /// Protects a command only when it has been up for a while, so that one which crashes again and again can be updated:
    /// what an earlier start has left is given back first.
    pub(crate) fn after(path: &LockPath, milliseconds: u32) -> Self {
        if let Ok(Some(found)) = status(path)
            && found.is_adoptable
            && let Ok(lock) = UpdateLock::try_acquire(path)
        {
            let _ = lock.release();
        }
        Self::After(
            path.clone(),
            obtain::milliseconds() + u64::from(milliseconds),
        )
    }

    /// Sees to it that it is still there, or comes. `false` if the command is to be stopped.
    pub(crate) fn tend(&mut self, options: &Options, now: u64) -> bool {
        if let Self::After(path, start) = self
            && now >= *start
        {
            *self = Self::Later(Waiter::new(path));
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
                if is_due && let Ok(lock) = waiter.look(now) {
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
    pub(crate) fn due(&mut self, now: u64) -> u64 {
        match self {
            Self::Lock(_) => INTERVAL_MS,
            Self::After(_, start) => start.saturating_sub(now),
            Self::Later(waiter) => obtain::due(waiter, now),
            Self::None => NEVER,
        }
    }

    fn lose(&mut self, lock: UpdateLock, on_lost: OnLost) -> bool {
        let consequence = match on_lost {
            OnLost::Retake => text!("it will be taken again when that is over"),
            OnLost::Stop => text!("stopping the command"),
            OnLost::Ignore => text!("the command goes on unprotected"),
        };
        let mut line = Line::error();
        line.filled(
            text!("%: the lock was taken away, by an override or by hand; "),
            lock.path().as_bytes(),
        );
        line.text(consequence).end();
        if on_lost == OnLost::Retake {
            *self = Self::Later(Waiter::after_loss(lock));
        }
        on_lost != OnLost::Stop
    }

    /// The command has ended.
    pub(crate) fn end(self) {
        let Self::Lock(lock) = self else {
            return;
        };
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
}

/// Who holds the lock: this process, for its command.
pub(crate) fn write_own_note(lock: &UpdateLock, options: &Options) {
    let program = { options.arguments }.next().unwrap_or_default();
    write_note(lock, options, getpid(), program);
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
