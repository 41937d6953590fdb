//! Sleeping a short while.

use rustix::event::Timespec;

/// How long a `flock` that fails may be somebody's probe, and no reason to give up.
///
/// The host's reboot check keeps it until `flock(1)` has ended: milliseconds, and tens of them on a Pi Zero.
pub(crate) const PROBE_MS: u32 = 250;

/// How often to look again meanwhile: shorter than any pause between the probes of a loop, which starts a
/// process for each.
pub(crate) const PROBE_INTERVAL_MS: u32 = 1;

/// Sleeps for less than a second. A signal handler that runs meanwhile cuts it short.
///
/// By `poll(2)` without descriptors, since it is there on every kernel and passes every engine's filter.
pub(crate) fn pause(milliseconds: u32) {
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: (milliseconds * 1_000_000).into(),
    };
    let _ = rustix::event::poll(&mut [], Some(&timeout));
}
