//! A lock that doesn't carry its path: for the C library, whose callers have memory for that.
//!
//! Each call of one hold is given the same path.

use core::ffi::CStr;
use core::time::Duration;

use crate::flock::EXCLUSIVE;
use crate::holder::Found;
use crate::wait::Wait;
use crate::{Error, Holder, Release, lock};

pub use crate::hold::Hold;
pub use crate::inode::Inode;

/// As [`UpdateLock::try_acquire`](crate::UpdateLock::try_acquire).
pub fn try_acquire(path: &CStr) -> Result<Hold, Error> {
    lock::try_take(path, EXCLUSIVE)
}

/// As [`UpdateLock::acquire_timeout`](crate::UpdateLock::acquire_timeout).
pub fn acquire_timeout(path: &CStr, timeout: Duration) -> Result<Hold, Error> {
    Wait::new().wait(path, timeout, EXCLUSIVE)
}

/// As [`UpdateLock::is_held`](crate::UpdateLock::is_held).
pub fn is_held(hold: &Hold, path: &CStr) -> Result<bool, Error> {
    hold.is_at(path)
}

/// As [`UpdateLock::release`](crate::UpdateLock::release).
pub fn release(hold: Hold, path: &CStr) -> Result<Release, Error> {
    lock::give_back(&hold, path)
}

/// Who [`status`](crate::status) says holds the lock.
pub fn holder(path: &CStr) -> Result<Option<Holder>, Error> {
    Ok(Found::look(path)?.map(|found| found.holder))
}
