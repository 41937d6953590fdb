//! Descriptors that a caller has left open.

use crate::arch::syscall;

/// Up to where descriptors are closed one by one, where the kernel can't do it at once.
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
