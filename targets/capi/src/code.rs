//! Errors as C has them: negative errnos.

use core::ffi::c_int;

use update_lock::{Errno, Error};

/// What a call answers where it fails: a negative errno.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(c_int);

impl Code {
    /// Somebody holds the lock.
    pub(crate) const BUSY: Self = Self::of(Errno::BUSY);
    /// Somebody still holds the lock.
    pub(crate) const TIMED_OUT: Self = Self::of(Errno::TIMEDOUT);
    /// What is given back isn't held.
    pub(crate) const NOT_HELD: Self = Self::of(Errno::BADF);
    /// A pointer is `NULL`.
    pub(crate) const NULL: Self = Self::of(Errno::FAULT);
    /// A path doesn't fit.
    pub(crate) const TOO_LONG: Self = Self::of(Errno::NAMETOOLONG);
    /// A path can't be a file's.
    pub(crate) const INVALID: Self = Self::of(Errno::INVAL);
    /// Nothing says where the lock is.
    pub(crate) const NO_LOCATION: Self = Self::of(Errno::NODEV);
    /// The user is `nobody`, or the kernel says so.
    pub(crate) const NOT_PERMITTED: Self = Self::of(Errno::PERM);

    pub(crate) const fn of(errno: Errno) -> Self {
        Self(-errno.raw_os_error())
    }

    /// The errno.
    ///
    /// # Panics
    ///
    /// For those that don't fit into a byte; at compile time only.
    pub(crate) const fn number(self) -> u8 {
        assert!(self.0 > -0x100);
        -self.0 as u8
    }

    /// The answer of a call: what it comes to, or why it failed.
    pub(crate) fn answer(outcome: Result<c_int, Self>) -> c_int {
        match outcome {
            Ok(answer) | Err(Self(answer)) => answer,
        }
    }
}

impl From<Error> for Code {
    fn from(error: Error) -> Self {
        match error {
            Error::Held(_) | Error::GivingWay => Self::BUSY,
            Error::Nobody => Self::NOT_PERMITTED,
            Error::NoLocation => Self::NO_LOCATION,
            Error::PathTooLong => Self::TOO_LONG,
            Error::System { errno, .. } => Self::of(errno),
            _ => Self::INVALID,
        }
    }
}
