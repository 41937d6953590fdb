//! A lock that doesn't carry its path: for the C library, whose callers have memory for that.
//!
//! Each call of one hold is given the same path. For `targets/` alone: no part of the API, and nothing is promised of it.

use core::ffi::CStr;

use crate::flock::EXCLUSIVE;
use crate::location::Origin;
use crate::lock::SUPERVISOR_UID;
use crate::place::Place;
use crate::{Error, Holder, Release, adopt, inode, lock};

pub use crate::hold::Hold;
pub use crate::wait::Wait;

/// As [`UpdateLock::try_acquire`](crate::UpdateLock::try_acquire); `None` where that tries again.
///
/// # Errors
///
/// As [`UpdateLock::try_acquire`](crate::UpdateLock::try_acquire).
pub fn try_acquire(path: &CStr) -> Result<Option<Hold>, Error> {
    lock::attempt(path, EXCLUSIVE)
}

/// As [`Waiter::new`](crate::Waiter::new).
#[must_use]
pub fn new_wait() -> Wait {
    Wait::new()
}

/// As [`Waiter::after_loss`](crate::Waiter::after_loss).
#[must_use]
pub fn wait_after_loss(mut lost: Hold) -> Wait {
    Wait::after_loss(&mut lost)
}

/// As [`Waiter::wait`](crate::Waiter::wait), in milliseconds; `u64::MAX` stands for no end.
///
/// # Errors
///
/// As [`Waiter::wait`](crate::Waiter::wait).
pub fn wait(wait: &mut Wait, path: &CStr, timeout: u64) -> Result<Hold, Error> {
    wait.wait(path, timeout, EXCLUSIVE)
}

/// As [`UpdateLock::is_held`](crate::UpdateLock::is_held).
///
/// # Errors
///
/// As [`UpdateLock::is_held`](crate::UpdateLock::is_held).
pub fn is_held(hold: &Hold, path: &CStr) -> Result<bool, Error> {
    hold.is_at(path)
}

/// As [`UpdateLock::release`](crate::UpdateLock::release).
///
/// # Errors
///
/// As [`UpdateLock::release`](crate::UpdateLock::release).
pub fn release(hold: Hold, path: &CStr) -> Result<Release, Error> {
    lock::give_back(&hold, path)
}

/// Who [`status`](crate::status) says holds the lock: in the way of a user who can't adopt anything, so that there is one
/// function to look in a program.
///
/// # Errors
///
/// As [`status`](crate::status).
pub fn holder(path: &CStr) -> Result<Option<Holder>, Error> {
    match adopt::adopt(path, SUPERVISOR_UID, EXCLUSIVE) {
        Err(Error::Held(holder)) => Ok(Some(holder)),
        Err(error) => Err(error),
        Ok(_) => Ok(None),
    }
}

/// Finds the lock as [`Location::find`](crate::Location::find) does, and writes its path with a closing NUL into `buffer`.
/// Whether the lock [protects](crate::Location::protects).
///
/// # Errors
///
/// As [`Location::find`](crate::Location::find); [`Error::PathTooLong`] where `buffer` is too short.
pub fn locate<'e>(
    buffer: &mut [u8],
    variable: impl Fn(&'static str) -> Option<&'e [u8]>,
) -> Result<bool, Error> {
    let place = Place::find(variable)?;
    let mut name = 0;
    let mut length = 0;
    for &byte in place.head.iter().chain(place.tail) {
        *buffer.get_mut(length).ok_or(Error::PathTooLong)? = byte;
        length += 1;
        if byte == b'/' {
            name = length;
        }
    }
    *buffer.get_mut(length).ok_or(Error::PathTooLong)? = 0;
    if name == length {
        return Err(Error::InvalidPath);
    }
    Ok(place.origin == Origin::UserVariable || is_in_mount_point(buffer, name))
}

/// Whether the directory of the path in `buffer` is a mount point. It is read where it is, as if the path ended before the
/// file's `name`, since a copy takes more room on the stack than all else together.
fn is_in_mount_point(buffer: &mut [u8], name: usize) -> bool {
    let Some(first) = buffer.get_mut(name).map(core::mem::take) else {
        return false;
    };
    let directory = match name {
        0 => Ok(c"./"),
        _ => CStr::from_bytes_until_nul(buffer),
    };
    let is = directory.is_ok_and(|directory| inode::is_mount_point(directory) == Some(true));
    if let Some(place) = buffer.get_mut(name) {
        *place = first;
    }
    is
}
