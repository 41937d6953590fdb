//! The clocks, by system call: the vDSO's way is 2 KiB long, and a process here asks for the time a few times a second, or each
//! millisecond for the quarter of one before it gives up.

use crate::arch::syscall;

/// A clock of the kernel.
#[derive(Clone, Copy)]
pub enum Clock {
    /// Since the epoch, as far as the device knows.
    Realtime = 0,
    /// Since some moment; it never jumps.
    Monotonic = 1,
}

/// Seconds and nanoseconds.
#[cfg(target_pointer_width = "64")]
#[must_use]
pub fn now(clock: Clock) -> (u64, u32) {
    let mut time = [0_i64; 2];
    // SAFETY: the kernel writes two 64-bit words.
    let outcome = unsafe { syscall!(__NR_clock_gettime, clock as usize, time.as_mut_ptr()) };
    if outcome.is_err() {
        return (0, 0);
    }
    let [seconds, nanoseconds] = time;
    (seconds as u64, nanoseconds as u32)
}

/// Seconds and nanoseconds.
///
/// `clock_gettime64` came with Linux 5.1, and older engines' filters refuse it; the call before it ends in 2038.
#[cfg(target_pointer_width = "32")]
#[must_use]
pub fn now(clock: Clock) -> (u64, u32) {
    let mut time = [0_i64; 2];
    // SAFETY: the kernel writes two 64-bit words.
    if unsafe { syscall!(__NR_clock_gettime64, clock as usize, time.as_mut_ptr()) }.is_ok() {
        let [seconds, nanoseconds] = time;
        return (seconds as u64, nanoseconds as u32);
    }
    let mut time = [0_u32; 2];
    // SAFETY: the kernel writes two 32-bit words.
    let _ = unsafe { syscall!(__NR_clock_gettime, clock as usize, time.as_mut_ptr()) };
    let [seconds, nanoseconds] = time;
    (seconds.into(), nanoseconds)
}

/// Of the monotonic clock: since about when the kernel started.
#[must_use]
pub fn milliseconds() -> u64 {
    let (seconds, nanoseconds) = now(Clock::Monotonic);
    seconds * 1000 + u64::from(nanoseconds / 1_000_000)
}

/// Whether the clock of the epoch is known to be right: NTP has set it since the device started, by `adjtimex(2)`.
///
/// Where an engine's filter refuses that call, nothing is known against the clock.
#[must_use]
pub fn is_synchronized() -> bool {
    /// What the call returns of a clock that isn't (`TIME_ERROR`).
    const UNSYNCHRONIZED: usize = 5;
    // `struct timex` is 208 bytes on 64 bits and 128 on 32. Its first word, the modes, asks to change nothing.
    let mut state = [0_usize; 32];
    // SAFETY: the kernel writes no more than the structure, which fits.
    let outcome = unsafe { syscall!(__NR_adjtimex, state.as_mut_ptr()) };
    outcome != Ok(UNSYNCHRONIZED)
}
