//! Shared holds: several jobs, each of which needs that no update comes while it runs.
//!
//! A shared hold is the same file with a shared `flock`. The host's exclusive `flock` fails while any is there, and so does
//! that of an exclusive acquirer.
//!
//! 1. The first creates the file as everybody does; others join. Joining and adopting are one: whether the other members
//!    live or are all dead, the shared `flock` is granted, and the file stays in place.
//! 2. To leave, a member tries to make its `flock` exclusive. Granted: it is the last one, and releases as everybody does. The
//!    kernel lets go of the shared lock before it tries for the exclusive one, so the path is compared only after that:
//!    another last member may have removed the file in between.
//! 3. Refused: members remain, or somebody probes, or another member is leaving just now. A shared `flock` tells: refused,
//!    too, it was one of the latter, and the member tries again. Granted, it tries for the exclusive one once more, and
//!    refused again, members remain, of which one will be the last.
//!
//! What remains: two probes in exactly the two moments of 3 can make the last member leave a file behind, which the next
//! acquire adopts.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::FlockOperation;

use crate::adopt::may_adopt;
use crate::holder::Found;
use crate::inode::{self, Facts, Inode};
use crate::lock::{create, remove, try_flock, try_flock_as, user};
use crate::pause::{PROBE_INTERVAL_MS, PROBE_MS, pause};
use crate::{Error, Holder, LockPath, Operation, Release, mark};

/// A shared hold of the update lock: while it or any other lives, the Supervisor installs no update and the host doesn't
/// reboot.
///
/// Dropping it leaves; the last one out removes the file. What a `fork` does to it is what it does to an
/// [`UpdateLock`](crate::UpdateLock).
#[must_use = "the hold is given up as soon as this is dropped"]
#[derive(Debug)]
pub struct SharedLock {
    file: OwnedFd,
    inode: Inode,
    path: LockPath,
    has_left: bool,
}

/// What leaving a shared hold found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "a lost lock means that the protected work was not protected to its end"]
pub enum Leave {
    /// This was the last one: the lock is free now.
    Released,
    /// Others still hold it.
    Left,
    /// The lock had been taken away before, by an override or by hand. Nothing was removed.
    Lost,
}

impl SharedLock {
    /// Takes a shared hold, if the lock is free, its holders are dead, or all of them share it.
    ///
    /// A probe of the host looks like an exclusive holder for a moment: it is tried again for a quarter of a second.
    ///
    /// # Errors
    ///
    /// As [`UpdateLock::try_acquire`](crate::UpdateLock::try_acquire). Only the file's user and root can join, since the
    /// last one out removes it: for others it is [`Error::Held`].
    pub fn try_acquire(path: &LockPath) -> Result<Self, Error> {
        let user = user()?;
        loop {
            let file = match create(path)? {
                Some(file) => file,
                None => match joinable(path, user)? {
                    Some(file) => file,
                    None => continue,
                },
            };
            if let Some(inode) = join(path, &file)? {
                step!("shared: joined");
                return Ok(Self {
                    file,
                    inode,
                    path: path.clone(),
                    has_left: false,
                });
            }
        }
    }

    /// Whether the lock is still ours: `false` after an override.
    ///
    /// # Errors
    ///
    /// [`Error::System`] where the path can't be looked up any more.
    pub fn is_held(&self) -> Result<bool, Error> {
        inode::names(&self.path, self.inode)
    }

    /// Gives the hold up, and says what became of the lock.
    ///
    /// # Errors
    ///
    /// [`Error::System`]: the file could not be compared or removed. The hold is given up all the same: what remains is the
    /// others', or a dead holder's file, which the next acquire adopts.
    pub fn leave(mut self) -> Result<Leave, Error> {
        self.has_left = true;
        self.give_up()
    }

    /// The path of the lock file.
    #[must_use]
    pub fn path(&self) -> &LockPath {
        &self.path
    }

    fn give_up(&self) -> Result<Leave, Error> {
        if !self.is_last()? {
            let is_held = self.is_held()?;
            return Ok(if is_held { Leave::Left } else { Leave::Lost });
        }
        if !self.is_held()? {
            return Ok(Leave::Lost);
        }
        match remove(&self.file, &self.path)? {
            Release::Released => Ok(Leave::Released),
            Release::Lost => Ok(Leave::Lost),
        }
    }

    /// Steps 2 and 3. With `true` comes the exclusive `flock`.
    fn is_last(&self) -> Result<bool, Error> {
        let mut waited = 0;
        loop {
            if try_flock(&self.file)? {
                return Ok(true);
            }
            if try_flock_as(&self.file, FlockOperation::NonBlockingLockShared)? {
                return try_flock(&self.file);
            }
            if waited == PROBE_MS {
                // Whoever has it isn't a probe: an exclusive holder, which has adopted the file meanwhile.
                return Ok(false);
            }
            pause(PROBE_INTERVAL_MS);
            waited += PROBE_INTERVAL_MS;
        }
    }
}

impl Drop for SharedLock {
    fn drop(&mut self) {
        if !self.has_left {
            let _ = self.give_up();
        }
    }
}

/// The locked descriptor.
impl AsFd for SharedLock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// What is there, if this user may join it; `None` where it has gone.
fn joinable(path: &LockPath, user: u32) -> Result<Option<OwnedFd>, Error> {
    let Some(found) = Found::look(path)? else {
        return Ok(None);
    };
    let (uid, is_kept) = (found.facts.uid(), found.is_kept());
    // By an exclusive `flock`, which is free where all members are dead: then the shared one is as well.
    let holder = found.holder;
    let is_ours = matches!(holder, Holder::App | Holder::Stale) && may_adopt(uid, user);
    match found.file {
        Some(file) if is_ours && !(is_kept && holder == Holder::App) => Ok(Some(file)),
        _ => Err(Error::Held(holder)),
    }
}

/// Takes the shared `flock` of an open file, and sees that the path still names it; `None` where it doesn't.
fn join(path: &LockPath, file: &OwnedFd) -> Result<Option<Inode>, Error> {
    let mut waited = 0;
    while !try_flock_as(file, FlockOperation::NonBlockingLockShared)? {
        if waited == PROBE_MS {
            return Err(Error::Held(Holder::App));
        }
        pause(PROBE_INTERVAL_MS);
        waited += PROBE_INTERVAL_MS;
    }
    let inode = Facts::of_file(file)?.inode();
    let Some(now) = Facts::of_path(path)?.filter(|now| now.inode() == inode) else {
        return Ok(None);
    };
    if !mark::HELD.contains(now.mode()) {
        rustix::fs::fchmod(file, mark::HELD).map_err(Error::at(Operation::Mark))?;
    }
    Ok(Some(inode))
}
