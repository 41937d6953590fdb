//! The time that has passed, without the clock, whose vDSO costs 2.4 KB on some architectures.

use core::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_gettime,
    timerfd_settime,
};

use crate::pause::pause;

/// Longer than any device runs, and as long as timers of 32 bits can be.
const HORIZON_S: i64 = i32::MAX as i64;

/// The longest pause where pauses are what is counted, so that not much is lost when one is cut short.
const SLICE_MS: u64 = 100;

/// Counts milliseconds from its start.
#[derive(Debug)]
pub(crate) enum Stopwatch {
    /// A timer that won't ring: what is left of it tells what has passed. No signal can stretch that.
    Timer(OwnedFd),
    /// The pauses that were made. For older engines' filters, which refuse timers of 64 bits.
    Pauses(u64),
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        match start_timer() {
            Ok(timer) => Self::Timer(timer),
            Err(_) => Self::Pauses(0),
        }
    }

    /// Milliseconds since the start.
    pub(crate) fn elapsed(&self) -> u64 {
        match self {
            Self::Timer(timer) => timerfd_gettime(timer).map_or(0, |left| elapsed(&left.it_value)),
            Self::Pauses(elapsed) => *elapsed,
        }
    }

    /// Waits until `file` is readable, or `milliseconds` have passed; a signal handler cuts it short.
    pub(crate) fn poll(&mut self, file: Option<BorrowedFd<'_>>, milliseconds: u64) {
        self.poll_for(PollFlags::IN, file, milliseconds);
    }

    /// Waits until `file` is as `flags` say, or `milliseconds` have passed; a signal handler cuts it short.
    #[inline(never)]
    pub(crate) fn poll_for(
        &mut self,
        flags: PollFlags,
        file: Option<BorrowedFd<'_>>,
        milliseconds: u64,
    ) {
        let milliseconds = match self {
            Self::Timer(_) => milliseconds.min(1000 * u64::from(u16::MAX)),
            Self::Pauses(_) => milliseconds.min(SLICE_MS),
        };
        let timeout = Timespec {
            tv_sec: (milliseconds as u32 / 1000).into(),
            tv_nsec: (milliseconds as u32 % 1000 * 1_000_000).into(),
        };
        let outcome = match file {
            Some(file) => {
                let event = PollFd::from_borrowed_fd(file, flags);
                poll(&mut [event], Some(&timeout))
            }
            None => poll(&mut [], Some(&timeout)),
        };
        if let Self::Pauses(elapsed) = self {
            if outcome == Ok(0) {
                *elapsed += milliseconds;
            } else {
                // However often there are events or signals, time passes.
                pause(1);
                *elapsed += 1;
            }
        }
    }
}

/// Whole milliseconds, not less than `time`; `u64::MAX` stands for no end.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    let rest = time.subsec_nanos().div_ceil(1_000_000);
    let seconds = time.as_secs().saturating_mul(1000);
    seconds.saturating_add(rest.into())
}

#[inline(never)]
fn start_timer() -> rustix::io::Result<OwnedFd> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
    let horizon = Itimerspec {
        it_interval: Timespec::default(),
        it_value: Timespec {
            tv_sec: HORIZON_S,
            tv_nsec: 0,
        },
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &horizon)?;
    // A filter may let the one pass and refuse the other.
    timerfd_gettime(&timer)?;
    Ok(timer)
}

fn elapsed(left: &Timespec) -> u64 {
    let seconds = (HORIZON_S - left.tv_sec) as u64;
    // Rounded up, so that no time is over too early.
    let milliseconds = (left.tv_nsec as u32).div_ceil(1_000_000);
    (seconds * 1000).saturating_sub(milliseconds.into())
}
