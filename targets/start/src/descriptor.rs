//! What rustix can't do with descriptors.

use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::process::getpid;

use crate::arch::syscall;

/// Up to where descriptors are closed one by one, where the kernel can't do it at once. What a caller has opened beyond
/// stays open there: nobody has so many, and their limit, a million in many containers, would take a second.
const MANY: usize = 4096;

/// Closes all descriptors but the standard ones. To be called before the program opens any.
pub fn close_inherited() {
    close(3, u32::MAX as usize);
}

/// Closes the standard descriptors, which are to be opened anew.
pub fn close_standard() {
    close(0, 2);
}

/// `close_range(2)` came with Linux 5.9, and older engines' filters refuse it.
fn close(first: usize, last: usize) {
    // SAFETY: the program uses none of them: it has opened none yet, or opens them anew.
    if unsafe { syscall!(__NR_close_range, first, last, 0) }.is_ok() {
        return;
    }
    for descriptor in first..=last.min(MANY) {
        // SAFETY: as above.
        let _ = unsafe { syscall!(__NR_close, descriptor) };
    }
}

/// The commands of `fcntl(2)`, and the flags that it is to set.
const F_SETFL: usize = 4;
const F_SETOWN: usize = 8;
const O_NONBLOCK: usize = 0o4000;
const O_ASYNC: usize = 0o20000;

/// Has the kernel send SIGIO to this process whenever `file` becomes readable, so that one wait is for signals and for it.
pub fn signal_when_readable(file: BorrowedFd<'_>) {
    let file = file.as_raw_fd();
    // SAFETY: both calls take plain numbers.
    let _ = unsafe { syscall!(__NR_fcntl, file, F_SETOWN, getpid().as_raw_pid()) };
    // SAFETY: as above.
    let _ = unsafe { syscall!(__NR_fcntl, file, F_SETFL, O_NONBLOCK | O_ASYNC) };
}
