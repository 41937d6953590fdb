//! Paths as C passes them.

use core::ffi::{CStr, c_char};

use update_lock::PATH_CAPACITY;

use crate::code::Code;

/// The path at a pointer, if it can be one of a lock.
///
/// # Safety
///
/// `path` is `NULL`, or a string that stays as it is for as long as the answer is in use.
pub(crate) unsafe fn path<'p>(path: *const c_char) -> Result<&'p CStr, Code> {
    if path.is_null() {
        return Err(Code::NULL);
    }
    // SAFETY: a string, by the caller's promise.
    let path = unsafe { CStr::from_ptr(path) };
    match path.to_bytes() {
        [] | [.., b'/'] => Err(Code::INVALID),
        long if long.len() >= PATH_CAPACITY => Err(Code::TOO_LONG),
        _ => Ok(path),
    }
}
