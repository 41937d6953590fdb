//! What was at a lock's path, and what became of it.

use core::ffi::CStr;

use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags};

use crate::inode::{Facts, Inode};
use crate::{Errno, Error, Holder, Operation, mark};

/// A file that was at a lock's path. It is kept open, so that it can be asked, and no other gets its number: by `O_PATH`,
/// which needs no permission, and whose close is no event.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) holder: Holder,
    pub(crate) inode: Inode,
    file: OwnedFd,
}

/// Why a file isn't there any more. The numbers are those of `wait.rs`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its owner released the lock.
    Released,
    /// It was ours by its mode, and was taken away by force or by hand.
    Lost,
    /// Whoever removed another tool's file: nobody can tell.
    Unknown,
}

impl Seen {
    /// Opens what is at `path`, to keep it; `None` where nothing is.
    pub(crate) fn open(path: &CStr) -> Result<Option<(OwnedFd, Facts)>, Error> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(Error::system(Operation::Open, errno)),
        };
        let facts = Facts::of_file(&file)?;
        Ok(Some((file, facts)))
    }

    pub(crate) fn new(holder: Holder, facts: &Facts, file: OwnedFd) -> Self {
        Self {
            holder,
            inode: facts.inode(),
            file,
        }
    }

    /// Why it has gone.
    pub(crate) fn fate(&self) -> Result<Fate, Error> {
        Ok(match self.holder {
            Holder::Supervisor => Fate::Released,    // 4
            Holder::Foreign { .. } => Fate::Unknown, // 5
            _ if self.is_marked_released()? => Fate::Released,
            _ => Fate::Lost, // 3
        })
    }

    fn is_marked_released(&self) -> Result<bool, Error> {
        Ok(Facts::of_file(&self.file)?.mode().contains(mark::RELEASED))
    }
}
