//! A path of fixed capacity, ready for the kernel.

use core::ffi::CStr;

use heapless::CString;

use crate::Error;

/// The longest path in bytes, its closing NUL included.
///
/// The Supervisor's own paths take 32 at most; the rest is room for tests and for other uses.
pub const PATH_CAPACITY: usize = 256;

/// The path of a lock file: NUL-terminated, at most [`PATH_CAPACITY`] bytes, stored in place.
///
/// ```
/// use update_lock::LockPath;
///
/// let path = LockPath::new(b"/tmp/balena/updates.lock")?;
/// assert_eq!(path.file_name(), b"updates.lock");
/// # Ok::<(), update_lock::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockPath(CString<PATH_CAPACITY>);

impl LockPath {
    /// Copies `path`, absolute or relative to the working directory.
    ///
    /// A relative path means another file after a change of the working directory: prefer an absolute one.
    ///
    /// # Errors
    ///
    /// - [`Error::PathTooLong`]: `path` and its NUL exceed [`PATH_CAPACITY`].
    /// - [`Error::InvalidPath`]: it is empty, has a NUL in it, or names a directory by ending in `/`.
    pub fn new(path: &[u8]) -> Result<Self, Error> {
        match path {
            [] | [.., b'/'] => Err(Error::InvalidPath),
            _ => Self::joined(path, b""),
        }
    }

    /// `path` as seen from `directory`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn in_directory(directory: &[u8], path: &[u8]) -> Result<Self, Error> {
        let directory = Self::joined(directory, b"/")?;
        Self::joined(directory.as_bytes(), path)
    }

    /// `head` followed by `tail`.
    pub(crate) fn joined(head: &[u8], tail: &[u8]) -> Result<Self, Error> {
        let mut path = Self::empty();
        path.extend(head)?;
        path.extend(tail)?;
        Ok(path)
    }

    /// A path to be extended where it is: to return one takes the stack of several.
    pub(crate) fn empty() -> Self {
        Self(CString::new())
    }

    /// Byte by byte, since heapless searches longer pieces for a NUL, by 200 bytes of code.
    pub(crate) fn extend(&mut self, bytes: &[u8]) -> Result<(), Error> {
        for &byte in bytes {
            if byte == 0 {
                return Err(Error::InvalidPath);
            }
            self.0
                .extend_from_bytes(&[byte])
                .map_err(|_| Error::PathTooLong)?;
        }
        Ok(())
    }

    /// The path as system calls take it.
    #[must_use]
    pub fn as_c_str(&self) -> &CStr {
        self.0.as_c_str()
    }

    /// The path without its NUL.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.as_c_str().to_bytes()
    }

    /// What follows the last `/`.
    #[must_use]
    pub fn file_name(&self) -> &[u8] {
        file_name(self.as_c_str())
    }

    /// What precedes the file name: `/tmp/balena/`, and `./` where there is no `/`.
    #[must_use]
    pub fn directory(&self) -> &[u8] {
        directory(self.as_c_str())
    }
}

/// As [`LockPath::file_name`].
pub(crate) fn file_name(path: &CStr) -> &[u8] {
    split(path).1
}

/// As [`LockPath::directory`].
pub(crate) fn directory(path: &CStr) -> &[u8] {
    match split(path).0 {
        [] => b"./",
        directory => directory,
    }
}

fn split(path: &CStr) -> (&[u8], &[u8]) {
    let path = path.to_bytes();
    let name = path
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(0, |slash| slash + 1);
    path.split_at_checked(name).unwrap_or((path, b""))
}
