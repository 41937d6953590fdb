//! Descriptors 0, 1 and 2.

use rustix::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

/// Descriptors 0, 1 and 2.
// SAFETY: each of the programs begins by opening those that its caller has left closed. A program that closes them opens
// them again before it uses them.
pub const STANDARD: [BorrowedFd<'static>; 3] = unsafe {
    [
        BorrowedFd::borrow_raw(0),
        BorrowedFd::borrow_raw(1),
        BorrowedFd::borrow_raw(2),
    ]
};

/// Opens those that the caller has closed: otherwise the lock file would get such a number, and messages be written
/// into it. The command finds them closed again.
pub fn open_missing() {
    while let Ok(file) = open_nothing() {
        if file.as_raw_fd() > 2 {
            break;
        }
        let _ = file.into_raw_fd();
    }
}

/// `/dev/null`, or where there is none, in a container from `scratch`, something else that nobody writes to.
fn open_nothing() -> Result<OwnedFd, Errno> {
    let open = |path, flags| openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty());
    open(c"/dev/null", OFlags::RDWR).or_else(|_| open(c"/", OFlags::RDONLY))
}
