//! Errors as C has them: a negative errno.

use core::ffi::c_int;

use update_lock::{Errno, Error};

/// What C is told of an error.
pub(crate) fn code(error: Error) -> c_int {
    let errno = match error {
        Error::Held(_) | Error::GivingWay => Errno::BUSY,
        Error::Nobody => Errno::PERM,
        Error::NoLocation => Errno::NODEV,
        Error::PathTooLong => Errno::NAMETOOLONG,
        Error::System { errno, .. } => errno,
        _ => Errno::INVAL,
    };
    -errno.raw_os_error()
}
