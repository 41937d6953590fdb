//! The path of the lock, how it was found, and what it is worth.

use crate::place::{OLD_NAME, OLDEST_DIRECTORY, Place};
use crate::{Error, LockPath, inode};

/// How a location was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Origin {
    /// The caller named the path.
    Explicit,
    /// `UPDATE_LOCK_PATH`: the user named the path.
    UserVariable,
    /// `BALENA_APP_LOCK_PATH` or `RESIN_APP_LOCK_PATH`: the Supervisor named the path.
    SupervisorVariable,
    /// The version in `BALENA_SUPERVISOR_VERSION` or `RESIN_SUPERVISOR_VERSION`.
    Version,
    /// The directories that are there.
    Directory,
}

/// The path of the update lock, and how it was found.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Location {
    path: LockPath,
    origin: Origin,
}

impl Location {
    /// The location that the caller names.
    #[must_use]
    pub fn explicit(path: LockPath) -> Self {
        Self {
            path,
            origin: Origin::Explicit,
        }
    }

    /// Finds the lock by the environment, which `variable` looks up, else by the directories.
    ///
    /// In this order: `UPDATE_LOCK_PATH`, `BALENA_APP_LOCK_PATH`, `RESIN_APP_LOCK_PATH`; the version in
    /// `BALENA_SUPERVISOR_VERSION` or `RESIN_SUPERVISOR_VERSION` (7.22.0 and 4.0.0 moved the lock); the first of
    /// `/tmp/balena`, `/tmp/resin` and `/data` that is a mount point, else the first of the two former that is there.
    /// An empty variable counts as unset, and a version that can't be read too.
    ///
    /// ```
    /// use update_lock::{Location, Origin};
    ///
    /// let environment = |name: &str| match name {
    ///     "RESIN_SUPERVISOR_VERSION" => Some(&b"v6.4.2"[..]),
    ///     _ => None,
    /// };
    /// let location = Location::find(environment)?;
    /// assert_eq!(location.path().as_bytes(), b"/tmp/resin/resin-updates.lock");
    /// assert_eq!(location.origin(), Origin::Version);
    /// # Ok::<(), update_lock::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Error::NoLocation`]: nothing says where the lock is.
    /// - [`Error::PathTooLong`], [`Error::InvalidPath`]: a variable's value is no path of a file.
    pub fn find<'e>(variable: impl Fn(&'static str) -> Option<&'e [u8]>) -> Result<Self, Error> {
        let place = Place::find(variable)?;
        let path = match place.tail {
            [] => LockPath::new(place.head)?,
            tail => LockPath::joined(place.head, tail)?,
        };
        Ok(Self {
            path,
            origin: place.origin,
        })
    }

    /// The path of the lock file.
    #[must_use]
    pub fn path(&self) -> &LockPath {
        &self.path
    }

    /// How it was found.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Whether the lock's directory is a mount point, as it is on a device; a lock elsewhere protects nothing.
    ///
    /// It is taken for one if its device number differs from its parent's. What can't be looked up is none.
    #[must_use]
    pub fn is_mount_point(&self) -> bool {
        LockPath::joined(self.path.directory(), b"")
            .is_ok_and(|directory| inode::is_mount_point(directory.as_c_str()) == Some(true))
    }

    /// Whether this user may create files in the lock's directory, by `faccessat(2)`.
    ///
    /// # Errors
    ///
    /// [`Error::System`] of the operation `Create`: `ENOENT`, `EACCES`, `EROFS`.
    pub fn check_writable(&self) -> Result<(), Error> {
        LockPath::joined(self.path.directory(), b".")
            .and_then(|path| inode::check_writable(path.as_c_str()))
    }

    /// Whether this lock protects the app on this device: its directory is a mount point, or a person named the path.
    #[must_use]
    pub fn protects(&self) -> bool {
        matches!(self.origin, Origin::Explicit | Origin::UserVariable) || self.is_mount_point()
    }

    /// Whether the Supervisor removes the lock whenever it starts, as those before 4.0.0 do.
    #[must_use]
    pub fn is_cleared_by_supervisor(&self) -> bool {
        self.path.directory() == OLDEST_DIRECTORY.to_bytes() && self.path.file_name() == OLD_NAME
    }

    /// Whether the host looks at the lock before it reboots: only at files named `updates.lock`.
    #[must_use]
    pub fn stops_host_reboot(&self) -> bool {
        self.path.file_name() == b"updates.lock"
    }
}
