//! Waiting for the lock, as `run` does: in sight of signals, and saying for whom.

use update_lock::{Error, Holder, LockPath, UpdateLock};
use update_lock_start::number::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use update_lock_start::{Clock, Line, SignalSet, Signals, now};

use crate::job::{Standing, reap_orphans};
use crate::options::Wait;
use crate::report;

/// As long as somebody's probe may look like a holder, and a refused Supervisor keeps a lock: not worth a word.
const PATIENCE_MS: u64 = 250;
/// How often to look meanwhile: a loop of probes leaves gaps that are as long as the start of a process.
const PATIENT_INTERVAL_MS: u32 = 1;
/// How often to look later.
const INTERVAL_MS: u32 = 100;
/// How often to say that the wait goes on.
const REMINDER_MS: u64 = 60_000;

/// What became of the wait.
pub(crate) enum Outcome {
    Acquired(UpdateLock),
    /// Held until the time was over, or an error.
    Failed(Error),
    /// This signal ended the wait.
    Ended(u32),
}

/// Takes the lock, waiting for it as long as `wait` says.
pub(crate) fn obtain(
    path: &LockPath,
    wait: Wait,
    signals: &Signals,
    standing: Standing,
) -> Outcome {
    let start = milliseconds();
    let mut reminder = Reminder::new(start + PATIENCE_MS);
    loop {
        let holder = match UpdateLock::try_acquire(path) {
            Ok(lock) => return Outcome::Acquired(lock),
            Err(Error::Held(holder)) => holder,
            Err(error) => return Outcome::Failed(error),
        };
        let now = milliseconds();
        let interval = if now < start + PATIENCE_MS {
            PATIENT_INTERVAL_MS
        } else {
            INTERVAL_MS
        };
        let interval = match wait {
            Wait::ForEver => interval,
            Wait::AtMost(limit) => match (start + u64::from(limit)).saturating_sub(now) {
                0 => return Outcome::Failed(Error::Held(holder)),
                left => interval.min(left as u32),
            },
        };
        reminder.speak(now, path, holder);
        if let Some(signal) = sleep(interval, signals, standing) {
            return Outcome::Ended(signal);
        }
    }
}

/// Says for whom the wait is: at once, for each new kind of holder, and every minute.
struct Reminder {
    next: u64,
    last: Option<Holder>,
}

impl Reminder {
    fn new(first: u64) -> Self {
        Self {
            next: first,
            last: None,
        }
    }

    fn speak(&mut self, now: u64, path: &LockPath, holder: Holder) {
        let is_news = self.last.is_some_and(|last| last != holder);
        if now < self.next && !is_news {
            return;
        }
        self.next = now + REMINDER_MS;
        self.last = Some(holder);
        let mut line = Line::error();
        report::describe(line.text("waiting for "), Some(path), Error::Held(holder));
    }
}

/// The signal that ends the wait, if one came. Those that only concern the command stay pending until it runs.
fn sleep(interval: u32, signals: &Signals, standing: Standing) -> Option<u32> {
    let ours = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCHLD];
    match signals.wait(SignalSet::of(&ours), Some(interval))?.number {
        SIGCHLD => reap_orphans(),
        SIGTSTP => standing.stop(signals),
        signal if !signals.is_ignored(signal) => return Some(signal),
        _ => {}
    }
    None
}

/// Since some moment.
pub(crate) fn milliseconds() -> u64 {
    let (seconds, nanoseconds) = now(Clock::Monotonic);
    seconds * 1000 + u64::from(nanoseconds / 1_000_000)
}
