//! What keeps updates away from a command: taken late, lost, and taken again.

use rustix::fs::{AtFlags, CWD};
use rustix::process::{Pid, getpid};
use update_lock::{Leave, LockPath, Note, Waiter, path_stat};
use update_lock_start::{Clock, Line, Signals, complain, now, text};

use crate::lock::Lock;
use crate::nested;
use crate::obtain::{self, Reminder};
use crate::options::{Key, OnLost, Options};
use crate::report::{self, report};
use crate::schedule::{Idle, NEVER, Schedule};

/// How often to look whether the lock is still there, where no watch tells; or whether a dead holder has left one that isn't
/// wanted.
pub(crate) const INTERVAL_MS: u64 = 1000;

/// 2020-01-01: a clock before it has not been set since the device started.
pub(crate) const CLOCK_IS_SET: u64 = 1_577_836_800;

/// What keeps updates away from the command.
pub(crate) enum Protection {
    Lock(Lock),
    /// Nothing yet, or nothing any more: the lock is waited for.
    Later(Waiter, Reminder),
    /// Nothing: the schedule doesn't want the lock now.
    Idle(Idle),
    /// The lock of what runs this, as long as the path names that device and inode: the command ends with it.
    Theirs(LockPath, Option<(u64, u64)>),
    /// Nothing: this is no balena device, what runs this has the lock, or it was lost.
    None,
}

impl Protection {
    /// None for the time being.
    pub(crate) fn idle(path: &LockPath, schedule: &Schedule) -> Self {
        let mut idle = Idle::new(path);
        idle.tend(schedule);
        Self::Idle(idle)
    }

    /// What runs this has the lock, and sees to it: of its loss, only who wants to stop need know.
    pub(crate) fn theirs(path: &LockPath, on_lost: OnLost) -> Self {
        match on_lost {
            OnLost::Stop => Self::Theirs(path.clone(), identity(path)),
            _ => Self::None,
        }
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
            Self::Lock(_) | Self::Later(..) if !is_wanted => self.give_back(schedule),
            Self::Idle(idle) if !is_wanted => idle.tend(schedule),
            Self::Idle(idle) => {
                *self = Self::Later(Waiter::new(idle.path()), Reminder::new(now));
            }
            _ => {}
        }
        if let Self::Lock(lock) = self {
            lock.forget_news();
        }
        match self {
            Self::Lock(lock) if lock.is_held() == Ok(false) => {
                if let Self::Lock(lock) = core::mem::replace(self, Self::None) {
                    return self.lose(lock, options.on_lost, now);
                }
            }
            Self::Later(waiter, reminder) => {
                if let Some(lock) = take_late(waiter, reminder, options, now) {
                    *self = Self::Lock(lock);
                }
            }
            Self::Theirs(path, theirs) if identity(path) != *theirs => {
                report_loss(path, OnLost::Stop);
                *self = Self::None;
                return false;
            }
            _ => {}
        }
        true
    }

    /// In how many milliseconds to tend it next, unless a signal tells of news.
    pub(crate) fn due(&mut self, schedule: &Schedule, now: u64) -> u64 {
        let due = match self {
            Self::Lock(_) | Self::Idle(_) => INTERVAL_MS,
            Self::Later(waiter, _) => obtain::due(waiter, now),
            Self::Theirs(..) => return INTERVAL_MS,
            Self::None => return NEVER,
        };
        due.min(schedule.due(now))
    }

    fn give_back(&mut self, schedule: &Schedule) {
        let path = match self {
            Self::Lock(lock) => lock.path(),
            Self::Later(waiter, _) => waiter.path(),
            _ => return,
        };
        let idle = Self::Idle(Idle::new(path));
        if let Self::Lock(lock) = core::mem::replace(self, idle) {
            *self = Self::Idle(schedule.give_back(lock));
        }
    }

    fn lose(&mut self, lock: Lock, on_lost: OnLost, now: u64) -> bool {
        report_loss(lock.path(), on_lost);
        if on_lost == OnLost::Retake {
            *self = Self::Later(lock.into_waiter(), Reminder::after(now, None));
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

/// Looks at the lock if that is due, and says why it can't be taken yet.
fn take_late(
    waiter: &mut Waiter,
    reminder: &mut Reminder,
    options: &Options,
    now: u64,
) -> Option<Lock> {
    if !waiter.has_news() && waiter.due(now) > 0 {
        return None;
    }
    match Lock::look(waiter, options.has(Key::Shared), now) {
        Ok(lock) => {
            write_own_note(&lock, options);
            complain(text!("%: locked now"), lock.path().as_bytes());
            Some(lock)
        }
        Err(error) => {
            reminder.speak(now, waiter.path(), error);
            None
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

/// Gives the lock back, and says so if it has been lost; what became of it otherwise.
pub(crate) fn release(lock: Lock) -> Option<Leave> {
    let path = lock.path().clone();
    match lock.release() {
        Ok(Leave::Lost) => complain(
            text!(
                "%: the lock was taken away before the release, by an override or by hand; nothing removed"
            ),
            path.as_bytes(),
        ),
        Ok(leave) => return Some(leave),
        Err(error) => {
            report(Some(&path), error);
        }
    }
    None
}

/// Device and inode of what the path names.
#[allow(
    clippy::useless_conversion,
    reason = "the fields' widths differ between architectures"
)]
fn identity(path: &LockPath) -> Option<(u64, u64)> {
    let stat = path_stat(CWD, path.as_c_str(), AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some((stat.st_dev.into(), stat.st_ino.into()))
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
