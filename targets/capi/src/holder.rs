//! Who holds a lock.

use core::ffi::{c_char, c_int};

use update_lock::{Holder, pathless};

use crate::code::Code;
use crate::path::path;

/// The lock is free.
pub const UPDATE_LOCK_FREE: c_int = 0;

/// The Supervisor has the lock, during an update. It gives it back by itself.
pub const UPDATE_LOCK_SUPERVISOR: c_int = 1;

/// A program that lives has the lock, and uses this library or `update-lock`.
pub const UPDATE_LOCK_APP: c_int = 2;

/// Such a program has died with the lock. The next acquire by its user or by root takes it over.
pub const UPDATE_LOCK_STALE: c_int = 3;

/// Anything else is there: another tool's file, a directory, a symbolic link. It stays until somebody removes it.
pub const UPDATE_LOCK_FOREIGN: c_int = 4;

/// Looks who holds the lock at `path`, without taking it.
///
/// Returns `UPDATE_LOCK_FREE`, `UPDATE_LOCK_SUPERVISOR`, `UPDATE_LOCK_APP`, `UPDATE_LOCK_STALE` or `UPDATE_LOCK_FOREIGN`;
/// `-EFAULT`, `-EINVAL` or `-ENAMETOOLONG` for a pointer or a path as for `update_lock_try_acquire()`; else the negative
/// errno of a system call that failed.
///
/// # Safety
///
/// `path` is `NULL` or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn update_lock_holder(path: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    Code::answer(unsafe { holder(path) })
}

/// # Safety
///
/// As for `update_lock_holder`.
unsafe fn holder(pointer: *const c_char) -> Result<c_int, Code> {
    // SAFETY: the caller's promise.
    let path = unsafe { path(pointer) }?;
    Ok(match pathless::holder(path)? {
        None => UPDATE_LOCK_FREE,
        Some(Holder::Supervisor) => UPDATE_LOCK_SUPERVISOR,
        Some(Holder::App) => UPDATE_LOCK_APP,
        Some(Holder::Stale) => UPDATE_LOCK_STALE,
        Some(_) => UPDATE_LOCK_FOREIGN,
    })
}
