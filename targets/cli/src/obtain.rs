//! Waiting for the lock, as `run` and `acquire` do: in sight of signals, and saying for whom.

use update_lock::{Error, LockPath, Waiter};
use update_lock_start::number::{SIGCHLD, SIGHUP, SIGINT, SIGIO, SIGQUIT, SIGTERM, SIGTSTP};
use update_lock_start::{Line, SignalSet, Signals, milliseconds, signal_when_readable, text};

use crate::job::Standing;
use crate::lock::Lock;
use crate::options::{Key, Options, Wait};
use crate::report;
use crate::schedule::Schedule;

/// As long as somebody's probe may look like a holder, and a refused Supervisor keeps a lock: not worth a word.
const PATIENCE_MS: u64 = 250;
/// How often to look for that long before giving up, since nobody must give up because of probes: a loop of them leaves
/// gaps that are as long as the start of a process.
const LAST_INTERVAL_MS: u64 = 1;
/// How often to say that the wait goes on.
const REMINDER_MS: u64 = 60_000;

/// What the wait listens to.
const OURS: SignalSet = SignalSet::of(&[SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCHLD, SIGIO]);

/// What became of the wait.
pub(crate) enum Outcome {
    Acquired(Lock),
    /// Held until the time was over, or an error.
    Failed(Error),
    /// The schedule doesn't want it any more.
    Unwanted,
    /// This signal ended the wait.
    Ended(u32),
}

/// Takes the lock, waiting for it as long as the options say and the `schedule` wants it.
pub(crate) fn obtain(
    waiter: &mut Waiter,
    options: &Options,
    schedule: &mut Schedule,
    signals: &Signals,
    standing: Standing,
) -> Outcome {
    let start = milliseconds();
    let end = match options.wait {
        Wait::ForEver => u64::MAX,
        Wait::AtMost(limit) => start + u64::from(limit),
    };
    let last = end.saturating_sub(PATIENCE_MS);
    let mut reminder = Reminder::new(start);
    loop {
        let now = milliseconds();
        if schedule.wants(now, signals) != Some(true) {
            return Outcome::Unwanted;
        }
        let refusal = match Lock::look(waiter, options.has(Key::Shared), now) {
            Ok(lock) => return Outcome::Acquired(lock),
            Err(refusal @ (Error::Held(_) | Error::GivingWay)) if now < end => refusal,
            Err(error) => return Outcome::Failed(error),
        };
        let signal = if now < last {
            until_news(
                waiter,
                last,
                refusal,
                &mut reminder,
                schedule,
                signals,
                standing,
            )
        } else {
            sleep(LAST_INTERVAL_MS, schedule, signals, standing)
        };
        if let Some(signal) = signal {
            return Outcome::Ended(signal);
        }
    }
}

/// Waits until a look is due, at `end` at the latest, or the lock isn't wanted; the signal that ends the wait, if one
/// came.
fn until_news(
    waiter: &mut Waiter,
    end: u64,
    refusal: Error,
    reminder: &mut Reminder,
    schedule: &mut Schedule,
    signals: &Signals,
    standing: Standing,
) -> Option<u32> {
    loop {
        let now = milliseconds();
        reminder.speak(now, waiter.path(), refusal);
        let due = due(waiter, now).min(end.saturating_sub(now));
        if due == 0 || schedule.wants(now, signals) != Some(true) {
            return None;
        }
        let timeout = due.min(reminder.next - now).min(schedule.due(now));
        if let Some(signal) = sleep(timeout, schedule, signals, standing) {
            return Some(signal);
        }
        if waiter.has_news() {
            return None;
        }
    }
}

/// In how many milliseconds a look is due, unless a signal tells of news.
pub(crate) fn due(waiter: &mut Waiter, now: u64) -> u64 {
    if let Some(watch) = waiter.watch() {
        signal_when_readable(watch);
    }
    waiter.due(now)
}

/// Says for whom the wait is: at once, for each new kind of holder, and every minute.
pub(crate) struct Reminder {
    next: u64,
    last: Option<Error>,
}

impl Reminder {
    /// Of a wait that begins now.
    pub(crate) fn new(now: u64) -> Self {
        Self {
            next: now + PATIENCE_MS,
            last: None,
        }
    }

    /// Of one that is known about; by what was said last, if that was an error.
    pub(crate) fn after(now: u64, last: Option<Error>) -> Self {
        Self {
            next: now + REMINDER_MS,
            last,
        }
    }

    pub(crate) fn speak(&mut self, now: u64, path: &LockPath, refusal: Error) {
        let is_wait = matches!(refusal, Error::Held(_) | Error::GivingWay);
        let is_news = self.last.map_or(!is_wait, |last| last != refusal);
        if now < self.next && !is_news {
            return;
        }
        self.next = now + REMINDER_MS;
        self.last = Some(refusal);
        let mut line = Line::error();
        report::describe(line.text(text!("waiting for ")), Some(path), refusal);
    }
}

/// The signal that ends the wait, if one came. Those that only concern the command stay pending until it runs.
pub(crate) fn sleep(
    milliseconds: u64,
    schedule: &mut Schedule,
    signals: &Signals,
    standing: Standing,
) -> Option<u32> {
    match signals.wait(OURS, Some(milliseconds as u32))?.number {
        SIGCHLD => schedule.reap(),
        SIGTSTP => standing.stop(signals),
        SIGIO => {}
        signal if !signals.is_ignored(signal) => return Some(signal),
        _ => {}
    }
    None
}
