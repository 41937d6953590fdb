//! Locks that a keeper holds: a process that holds a lock for a script, which itself could not.
//!
//! Script and keeper find each other by the lock file alone, without a process id that could be somebody else's by now:
//!
//! 1. The keeper takes the lock as everybody does, and marks the file [`KEPT`].
//! 2. Who wants it released finds that mark, and sets [`ASKED`] beside it.
//! 3. The keeper sees that by `fstat`, releases as everybody does, and ends.
//! 4. The other one knows by the `flock` which the keeper has let go of. Where the path still names the file then, the
//!    keeper died, and the file is removed in its place, under the `flock` that was free.
//! 5. Whoever adopts a dead keeper's file between 2 and 4 sets the mode back. It is no keeper's lock then, and left alone.
//!
//! What remains: a keeper that dies between the look and the mark of 2, and whose file is adopted in that very moment,
//! leaves its adopter with a lock that is marked as a keeper's.

use rustix::fd::OwnedFd;
use rustix::fs::Mode;

use crate::flock::{EXCLUSIVE, try_flock};
use crate::holder::Found;
use crate::inode::{self, Facts};
use crate::lock::remove;
use crate::mark::{ASKED, HELD, KEPT, RELEASED};
use crate::{Error, Holder, LockPath, Operation, UpdateLock};

impl UpdateLock {
    /// Marks the lock as a keeper's: it is to be released when [`is_asked`](Self::is_asked) says so.
    ///
    /// # Errors
    ///
    /// [`Error::System`]: `Mark`, where the file belongs to another user.
    pub fn mark_kept(&self) -> Result<(), Error> {
        mark(&self.hold.file, KEPT)
    }

    /// Whether the keeper of this lock is asked to release it. A `chmod` is what changes it: `inotify(7)` has
    /// `IN_ATTRIB` for that.
    ///
    /// # Errors
    ///
    /// [`Error::System`]: `Stat`.
    pub fn is_asked(&self) -> Result<bool, Error> {
        Ok(Facts::of_file(&self.hold.file)?.mode().contains(ASKED))
    }
}

/// A keeper that has been asked to release its lock.
#[must_use = "the keeper has not released the lock yet"]
#[derive(Debug)]
pub struct Request<'p> {
    file: OwnedFd,
    path: &'p LockPath,
}

impl<'p> Request<'p> {
    /// Asks the keeper of the lock at `path`; `None` where there is no lock.
    ///
    /// # Errors
    ///
    /// - [`Error::Held`]: it isn't a keeper's, and has been left alone.
    /// - [`Error::System`]: `Mark` fails with `EPERM` where the keeper is another user's.
    pub fn send(path: &'p LockPath) -> Result<Option<Self>, Error> {
        let Some(found) = Found::look(path.as_c_str())? else {
            return Ok(None);
        };
        let is_kept = found.is_kept();
        let Some(file) = found.file.filter(|_| is_kept) else {
            return Err(Error::Held(found.holder));
        };
        mark(&file, KEPT.union(ASKED))?; // 2
        step!("keeper: asked");
        Ok(Some(Self { file, path }))
    }

    /// The path of the lock file.
    #[must_use]
    pub fn path(&self) -> &LockPath {
        self.path
    }

    /// Whether the lock that was kept is released now. Ask again after a short while if not.
    ///
    /// # Errors
    ///
    /// [`Error::System`]: the keeper died, and its file could not be removed.
    pub fn is_done(&self) -> Result<bool, Error> {
        let is_free = try_flock(&self.file, EXCLUSIVE)?;
        let facts = Facts::of_file(&self.file)?;
        let is_keepers = facts.mode().intersects(ASKED.union(RELEASED));
        if !is_keepers || !inode::names(self.path.as_c_str(), facts.inode())? {
            return Ok(true); // 3, 5
        }
        if is_free {
            step!("keeper: died");
            let _ = remove(&self.file, self.path.as_c_str())?; // 4
        }
        Ok(is_free)
    }
}

impl Found {
    /// Whether the holder is a keeper, dead or alive.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self.holder, Holder::App | Holder::Stale) && self.facts.mode().contains(KEPT)
    }
}

fn mark(file: &OwnedFd, bits: Mode) -> Result<(), Error> {
    rustix::fs::fchmod(file, HELD.union(bits)).map_err(Error::at(Operation::Mark))
}
