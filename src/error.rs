//! What can go wrong, as a type for programs and as a line for people.

use core::fmt;

use crate::{Errno, Holder};

/// Why a lock could not be found, taken, looked at or released.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Error {
    /// Somebody holds the lock, or something is in its place.
    Held(Holder),
    /// The lock was taken away from its holder, and is left to whoever did that: for five seconds at most, if no
    /// Supervisor comes.
    GivingWay,
    /// The effective user is 65534 (`nobody`): the Supervisor takes such a user's lock file for its own and removes it.
    Nobody,
    /// Neither the environment nor the directories say where the lock is: not a balena device, as it seems.
    NoLocation,
    /// A path exceeds [`PATH_CAPACITY`](crate::PATH_CAPACITY).
    PathTooLong,
    /// A path is empty, has a NUL in it or ends in `/`.
    InvalidPath,
    /// A system call failed.
    System {
        /// What was being done.
        operation: Operation,
        /// Why the kernel refused.
        errno: Errno,
    },
}

/// The step during which a system call failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Operation {
    /// `openat(2)` with `O_CREAT|O_EXCL`, of the lock file.
    Create,
    /// `openat(2)` of a file that is there.
    Open,
    /// `flock(2)`.
    Lock,
    /// `fstat(2)`, `fstatat(2)` or `statx(2)`.
    Stat,
    /// `fchmod(2)`.
    Mark,
    /// `unlinkat(2)`.
    Remove,
    /// `read(2)`.
    Read,
    /// `write(2)` or `ftruncate(2)`.
    Write,
}

impl Operation {
    /// What was being done, to follow "cannot".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create the lock file",
            Self::Open => "open the lock file",
            Self::Lock => "flock the lock file",
            Self::Stat => "look at the lock file",
            Self::Mark => "change the lock file's mode",
            Self::Remove => "remove the lock file",
            Self::Read => "read the lock file",
            Self::Write => "write the lock file's note",
        }
    }
}

impl Error {
    pub(crate) const fn system(operation: Operation, errno: Errno) -> Self {
        Self::System { operation, errno }
    }

    /// For `map_err`.
    pub(crate) fn at(operation: Operation) -> impl Fn(Errno) -> Self {
        move |errno| Self::system(operation, errno)
    }

    /// The errno of a failed system call.
    #[must_use]
    pub const fn errno(&self) -> Option<Errno> {
        match self {
            Self::System { errno, .. } => Some(*errno),
            _ => None,
        }
    }

    /// What happened, in a few words, without [`core::fmt`].
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Held(holder) => holder.as_str(),
            Self::GivingWay => "taken away from its holder, and left to the override",
            Self::Nobody => {
                "user 65534 (nobody) has no protection: the Supervisor takes its lock for its own"
            }
            Self::NoLocation => "no update lock here: this does not look like a balena device",
            Self::PathTooLong => "the path is longer than 255 bytes",
            Self::InvalidPath => "the path is empty, contains a NUL or ends in a slash",
            Self::System { operation, .. } => operation.as_str(),
        }
    }

    /// Why the kernel refused, in a few words; for the errors that a lock file can meet, else `None`.
    #[must_use]
    pub const fn reason(&self) -> Option<&'static str> {
        let Self::System { errno, .. } = self else {
            return None;
        };
        Some(match *errno {
            Errno::ACCESS => "permission denied",
            Errno::PERM => "operation not permitted",
            Errno::NOENT => "no such file or directory",
            Errno::NOTDIR => "a part of the path is not a directory",
            Errno::NOTEMPTY => "directory not empty",
            Errno::ROFS => "read-only file system",
            Errno::NOSPC => "no space left",
            Errno::NAMETOOLONG => "file name too long",
            Errno::LOOP => "too many symbolic links",
            Errno::MFILE | Errno::NFILE => "too many open files",
            Errno::NOMEM => "out of memory",
            Errno::NOLCK => "out of locks",
            Errno::IO => "I/O error",
            _ => return None,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System { operation, errno } => {
                write!(f, "cannot {}: ", operation.as_str())?;
                match self.reason() {
                    Some(reason) => f.write_str(reason),
                    None => write!(f, "errno {}", errno.raw_os_error()),
                }
            }
            other => f.write_str(other.as_str()),
        }
    }
}

impl core::error::Error for Error {}

impl embedded_io::Error for Error {
    fn kind(&self) -> embedded_io::ErrorKind {
        use embedded_io::ErrorKind;
        match self {
            Self::Held(_) => ErrorKind::AlreadyExists,
            Self::GivingWay => ErrorKind::Other,
            Self::Nobody => ErrorKind::PermissionDenied,
            Self::NoLocation => ErrorKind::NotFound,
            Self::PathTooLong | Self::InvalidPath => ErrorKind::InvalidInput,
            Self::System { errno, .. } => match *errno {
                Errno::NOENT | Errno::NOTDIR => ErrorKind::NotFound,
                Errno::ACCESS | Errno::PERM => ErrorKind::PermissionDenied,
                Errno::EXIST => ErrorKind::AlreadyExists,
                Errno::INVAL | Errno::NAMETOOLONG | Errno::LOOP => ErrorKind::InvalidInput,
                Errno::INTR => ErrorKind::Interrupted,
                Errno::NOMEM | Errno::NOLCK => ErrorKind::OutOfMemory,
                _ => ErrorKind::Other,
            },
        }
    }
}
