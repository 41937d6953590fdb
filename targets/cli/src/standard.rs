//! Descriptors 0, 1 and 2.

use rustix::fd::{AsRawFd, IntoRawFd};
use rustix::fs::{CWD, Mode, OFlags};

/// Opens those that the caller has closed: otherwise the lock file would get such a number, and messages be written
/// into it. The command finds them closed again.
pub(crate) fn open_missing() {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    while let Ok(file) = rustix::fs::openat(CWD, c"/dev/null", flags, Mode::empty()) {
        if file.as_raw_fd() > 2 {
            break;
        }
        let _ = file.into_raw_fd();
    }
}
