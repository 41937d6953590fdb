//! Where the lock is.

use core::ffi::{CStr, c_char, c_int};
use core::slice;

use update_lock::{PATH_CAPACITY, pathless};

use crate::code::Code;

/// The lock is not in a directory that the Supervisor has mounted: as it seems, this is no balena device.
pub const UPDATE_LOCK_UNPROTECTED: c_int = 1;

/// Finds the lock of this device and writes its path, with a closing NUL, to `path`, which has room for `size` bytes:
/// `UPDATE_LOCK_PATH_CAPACITY` is always enough.
///
/// `environment` is the program's own, `environ` or the third argument of `main()`; `NULL` is an empty one. The path is what
/// `UPDATE_LOCK_PATH`, `BALENA_APP_LOCK_PATH` or `RESIN_APP_LOCK_PATH` says, else what belongs to the version in
/// `BALENA_SUPERVISOR_VERSION` or `RESIN_SUPERVISOR_VERSION`, else in the first of `/tmp/balena`, `/tmp/resin` and `/data`
/// that is a mount point, else in the first of the former two that is there.
///
/// Returns 0; `UPDATE_LOCK_UNPROTECTED` where the lock can be taken, but no Supervisor looks at it, since nothing is mounted
/// there and `UPDATE_LOCK_PATH` doesn't name it either; `-ENODEV` where nothing says where the lock is; `-EFAULT` if `path` is
/// `NULL`; `-ENAMETOOLONG` if there is too little room for the path, or it is longer than 255 bytes; `-EINVAL` if a
/// variable ends in a slash.
///
/// # Safety
///
/// `path` is `NULL` or has room for `size` bytes; `environment` is `NULL` or ends with a `NULL`, and has strings before that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn update_lock_location(
    path: *mut c_char,
    size: usize,
    environment: *const *mut c_char,
) -> c_int {
    if path.is_null() {
        return Code::answer(Err(Code::NULL));
    }
    // SAFETY: the room that the caller promises, or less.
    let buffer = unsafe { slice::from_raw_parts_mut(path.cast(), size.min(PATH_CAPACITY)) };
    // SAFETY: the caller's promise.
    let found = pathless::locate(buffer, |name| unsafe { variable(environment, name) });
    Code::answer(match found {
        Ok(true) => Ok(0),
        Ok(false) => Ok(UPDATE_LOCK_UNPROTECTED),
        Err(error) => Err(error.into()),
    })
}

/// The value of the variable `name`.
///
/// # Safety
///
/// `environment` as for `update_lock_location`.
unsafe fn variable<'e>(mut environment: *const *mut c_char, name: &str) -> Option<&'e [u8]> {
    if environment.is_null() {
        return None;
    }
    loop {
        // SAFETY: there is a pointer, since none before this one was `NULL`.
        let entry = unsafe { *environment };
        if entry.is_null() {
            return None;
        }
        // SAFETY: a string, by the caller's promise.
        let entry = unsafe { CStr::from_ptr(entry) }.to_bytes();
        let value = entry.strip_prefix(name.as_bytes());
        if let Some(value) = value.and_then(|rest| rest.strip_prefix(b"=")) {
            return Some(value);
        }
        // SAFETY: this wasn't the last one.
        environment = unsafe { environment.add(1) };
    }
}
