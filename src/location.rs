//! Where the lock is: what the environment, the Supervisor's version or the directories say.

use crate::{Error, LockPath, decimal, inode};

/// The three eras of the path, the newest first.
///
/// `/tmp/balena` and `/tmp/resin` are one directory of the host, mounted twice.
const ERAS: [Era; 3] = [
    Era {
        since: (7, 22),
        directory: b"/tmp/balena/",
        name: b"updates.lock",
    },
    Era {
        since: (4, 0),
        directory: b"/tmp/resin/",
        name: OLD_NAME,
    },
    Era {
        since: (0, 0),
        directory: OLDEST_DIRECTORY,
        name: OLD_NAME,
    },
];

const OLD_NAME: &[u8] = b"resin-updates.lock";
const OLDEST_DIRECTORY: &[u8] = b"/data/";

struct Era {
    /// The first Supervisor that looks there: major and minor version.
    since: (u32, u32),
    directory: &'static [u8],
    name: &'static [u8],
}

impl Era {
    fn located(&self, origin: Origin) -> Result<Location, Error> {
        let path = LockPath::joined(self.directory, self.name)?;
        Ok(Location { path, origin })
    }
}

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
        let set = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(path) = set("UPDATE_LOCK_PATH") {
            return Self::named(path, Origin::UserVariable);
        }
        if let Some(path) = set("BALENA_APP_LOCK_PATH").or_else(|| set("RESIN_APP_LOCK_PATH")) {
            return Self::named(path, Origin::SupervisorVariable);
        }
        let version = set("BALENA_SUPERVISOR_VERSION").or_else(|| set("RESIN_SUPERVISOR_VERSION"));
        match version.and_then(parse_version) {
            Some(version) => Self::of_version(version),
            None => Self::of_directories(),
        }
    }

    fn named(path: &[u8], origin: Origin) -> Result<Self, Error> {
        LockPath::new(path).map(|path| Self { path, origin })
    }

    fn of_version(version: (u32, u32)) -> Result<Self, Error> {
        let era = ERAS.iter().find(|era| version >= era.since);
        era.ok_or(Error::NoLocation)?.located(Origin::Version)
    }

    fn of_directories() -> Result<Self, Error> {
        let mut plain = None;
        for era in &ERAS {
            match is_mount_point(era.directory) {
                Some(true) => return era.located(Origin::Directory),
                // A plain `/data` is anybody's.
                Some(false) if era.directory != OLDEST_DIRECTORY => plain = plain.or(Some(era)),
                _ => {}
            }
        }
        plain.ok_or(Error::NoLocation)?.located(Origin::Directory)
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
        is_mount_point(self.path.directory()) == Some(true)
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
        self.path.directory() == OLDEST_DIRECTORY && self.path.file_name() == OLD_NAME
    }

    /// Whether the host looks at the lock before it reboots: only at files named `updates.lock`.
    #[must_use]
    pub fn stops_host_reboot(&self) -> bool {
        self.path.file_name() == b"updates.lock"
    }
}

/// As [`Location::is_mount_point`]; `None` where there is no such directory, or it can't be looked into.
fn is_mount_point(directory: &[u8]) -> Option<bool> {
    let device = |tail| inode::device(LockPath::joined(directory, tail)?.as_c_str());
    Some(device(b".").ok()? != device(b"..").ok()?)
}

/// Major and minor version of `v7.22.0-rc1+build`, whatever follows them.
fn parse_version(text: &[u8]) -> Option<(u32, u32)> {
    let text = text.strip_prefix(b"v").unwrap_or(text);
    let mut numbers = text
        .split(|byte| !byte.is_ascii_digit())
        .map(decimal::parse);
    let major = numbers.next()??;
    Some((major, numbers.next().flatten().unwrap_or(0)))
}
