//! The facade for programs with `std`: paths, `io::Error`, the process's environment.

use rust_std::ffi::OsStr;
use rust_std::io;
use rust_std::os::unix::ffi::OsStrExt;
use rust_std::path::Path;

use crate::{Error, Location, LockPath};

impl TryFrom<&Path> for LockPath {
    type Error = Error;

    /// As [`LockPath::new`].
    fn try_from(path: &Path) -> Result<Self, Error> {
        Self::new(path.as_os_str().as_bytes())
    }
}

impl AsRef<Path> for LockPath {
    fn as_ref(&self) -> &Path {
        Path::new(OsStr::from_bytes(self.as_bytes()))
    }
}

impl Location {
    /// [`find`](Self::find) with the environment of this process.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    pub fn from_env() -> Result<Self, Error> {
        let variables: rust_std::vec::Vec<_> = rust_std::env::vars_os().collect();
        Self::find(|name| {
            let (_, value) = variables.iter().find(|(key, _)| key == name)?;
            Some(value.as_bytes())
        })
    }
}

/// A failed system call becomes its errno, `Held` becomes `WouldBlock`, and the rest keeps its text.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        use io::ErrorKind;
        if let Some(errno) = error.errno() {
            return Self::from_raw_os_error(errno.raw_os_error());
        }
        let kind = match error {
            Error::Held(_) | Error::GivingWay => ErrorKind::WouldBlock,
            Error::Nobody => ErrorKind::PermissionDenied,
            Error::NoLocation => ErrorKind::NotFound,
            _ => ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

/// A connection that could not be made becomes its errno, and the rest keeps its text, with the kind that embedded code
/// knows.
#[cfg(feature = "supervisor")]
impl From<crate::ApiError> for io::Error {
    fn from(error: crate::ApiError) -> Self {
        match error.errno() {
            Some(errno) => Self::from_raw_os_error(errno.raw_os_error()),
            None => Self::new(embedded_io::Error::kind(&error).into(), error),
        }
    }
}
