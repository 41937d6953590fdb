//! What rustix can't do with descriptors.

use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::io::Errno;
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

/// Sets the times of a file: that changes nothing else, and wakes up who watches its attributes.
pub fn touch(file: BorrowedFd<'_>) {
    // SAFETY: without a path the file is the descriptor's, and without times they are the current one.
    let _ = unsafe { syscall!(__NR_utimensat, file.as_raw_fd(), 0, 0, 0) };
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

/// The commands of `fcntl(2)` for locks of open file descriptions, and the kinds of them.
const F_OFD_GETLK: usize = 36;
const F_OFD_SETLK: usize = 37;
const F_RDLCK: i16 = 0;
const F_WRLCK: i16 = 1;
const F_UNLCK: i16 = 2;

/// The kernel's `struct flock`, the one of 64 bits.
#[derive(Default)]
#[repr(C)]
struct Range {
    kind: i16,
    /// From the file's start.
    whence: i16,
    start: u64,
    length: u64,
    process: i32,
}

impl Range {
    fn of(kind: i16, start: u64) -> Self {
        Self {
            kind,
            start,
            length: 1,
            ..Self::default()
        }
    }

    fn pass_to(&mut self, file: BorrowedFd<'_>, command: usize) -> Result<(), Errno> {
        let file = file.as_raw_fd();
        #[cfg(target_pointer_width = "64")]
        // SAFETY: the structure is laid out as the kernel's.
        let outcome = unsafe { syscall!(__NR_fcntl, file, command, &raw mut *self) };
        #[cfg(target_pointer_width = "32")]
        // SAFETY: as above.
        let outcome = unsafe { syscall!(__NR_fcntl64, file, command, &raw mut *self) };
        outcome.map(drop)
    }
}

/// Locks a byte of a file, which needn't be there, for as long as the descriptor or a copy of it is open.
///
/// # Errors
///
/// `EAGAIN`: somebody else has it.
pub fn lock_byte(file: BorrowedFd<'_>, at: u64) -> Result<(), Errno> {
    match Range::of(F_RDLCK, at).pass_to(file, F_OFD_SETLK) {
        // It is open for writing only.
        Err(Errno::BADF) => Range::of(F_WRLCK, at).pass_to(file, F_OFD_SETLK),
        outcome => outcome,
    }
}

/// Whether somebody else has locked that byte.
///
/// # Errors
///
/// As `fcntl(2)`.
pub fn is_byte_locked(file: BorrowedFd<'_>, at: u64) -> Result<bool, Errno> {
    let mut range = Range::of(F_WRLCK, at);
    range.pass_to(file, F_OFD_GETLK)?;
    Ok(range.kind != F_UNLCK)
}
