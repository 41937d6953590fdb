//! Sleeping a short while.

use rustix::event::{Timespec, poll};

/// Sleeps for less than a second, given in microseconds.
#[inline(always)] // with its numbers known it takes less on ARMv6
pub(crate) fn pause(microseconds: u32) {
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: (microseconds * 1000) as _,
    };
    let _ = poll(&mut [], Some(&timeout));
}
