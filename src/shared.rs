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
//!    too, it was one of the latter, which ends. Granted, the member tries for the exclusive one once more, and refused
//!    again, members remain, of which one will be the last.
//! 4. Between a refusal and the next attempt a member holds nothing, and another one may be the last. That one's mark of a
//!    release on the file tells it from a loss.
//!
//! What remains: two probes in exactly the two moments of 3 can make the last member leave a file behind, which the next
//! acquire adopts.

use core::ffi::CStr;
use core::time::Duration;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::FlockOperation;

use crate::flock::{EXCLUSIVE, SHARED, flock_past_probes, try_flock};
use crate::hold::Hold;
use crate::inode::Facts;
use crate::lock::{remove, try_take};
use crate::{Error, Identity, LockPath, Note, Release, Waiter, mark, note};

/// A shared hold of the update lock: while it or any other lives, the Supervisor installs no update and the host doesn't
/// reboot.
///
/// Dropping it leaves; the last one out removes the file. What a `fork` does to it is what it does to an
/// [`UpdateLock`](crate::UpdateLock).
#[must_use = "the hold is given up as soon as this is dropped"]
#[derive(Debug)]
pub struct SharedLock {
    pub(crate) hold: Hold,
    pub(crate) path: LockPath,
    pub(crate) has_left: bool,
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
    /// It answers at once, as [`UpdateLock::try_acquire`](crate::UpdateLock::try_acquire) does.
    ///
    /// # Errors
    ///
    /// As [`UpdateLock::try_acquire`](crate::UpdateLock::try_acquire). Only the file's user and root can join, since the
    /// last one out removes it: for others it is [`Error::Held`].
    pub fn try_acquire(path: &LockPath) -> Result<Self, Error> {
        try_take(path.as_c_str(), SHARED).map(|hold| Self::of(hold, path))
    }

    /// Takes a shared hold, waiting for it as long as it takes.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Self::try_acquire), but never [`Error::Held`].
    pub fn acquire(path: &LockPath) -> Result<Self, Error> {
        Self::acquire_timeout(path, Duration::MAX)
    }

    /// Takes a shared hold, waiting for it for at most `timeout`, and giving way to an override: see [`Waiter`].
    ///
    /// As [`UpdateLock::acquire_timeout`](crate::UpdateLock::acquire_timeout). An exclusive acquirer may wait for ever while
    /// members come and go.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Self::try_acquire); [`Error::Held`] or [`Error::GivingWay`] when `timeout` has passed.
    pub fn acquire_timeout(path: &LockPath, timeout: Duration) -> Result<Self, Error> {
        Waiter::new(path).wait_shared(timeout)
    }

    /// Whether the lock is still ours: `false` after an override.
    ///
    /// # Errors
    ///
    /// [`Error::System`] where the path can't be looked up any more.
    pub fn is_held(&self) -> Result<bool, Error> {
        self.hold.is_at(self.path.as_c_str())
    }

    /// Waits for the loss of the lock, for at most `timeout`: as [`UpdateLock::wait_lost`](crate::UpdateLock::wait_lost).
    ///
    /// # Errors
    ///
    /// As [`is_held`](Self::is_held).
    pub fn wait_lost(&mut self, timeout: Duration) -> Result<bool, Error> {
        self.hold.wait_lost(self.path.as_c_str(), timeout)
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

    /// Forgets the handle and leaves the hold as it is: see [`UpdateLock::leave_behind`](crate::UpdateLock::leave_behind).
    pub fn leave_behind(self) {
        core::mem::forget(self);
    }

    /// Writes who holds the lock and why into the file, in place of what another member wrote.
    ///
    /// # Errors
    ///
    /// As [`UpdateLock::write_note`](crate::UpdateLock::write_note).
    pub fn write_note(&self, note: &Note<'_>) -> Result<(), Error> {
        note::replace(self.path.as_c_str(), self.hold.inode, note)
    }

    /// Reads what the watch that a wait has left has to say: see
    /// [`UpdateLock::forget_news`](crate::UpdateLock::forget_news).
    pub fn forget_news(&self) {
        self.hold.forget_news();
    }

    /// Closes the watch that a wait has left, which stalls for milliseconds.
    pub fn close_watch(&mut self) {
        self.hold.watch = None;
    }

    /// Which file the lock is, for [`HELD_VARIABLE`](crate::HELD_VARIABLE) in the environment of a child.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity::of(self.hold.inode)
    }

    /// The path of the lock file.
    #[must_use]
    pub fn path(&self) -> &LockPath {
        &self.path
    }

    pub(crate) fn of(hold: Hold, path: &LockPath) -> Self {
        Self {
            hold,
            path: path.clone(),
            has_left: false,
        }
    }

    fn give_up(&self) -> Result<Leave, Error> {
        give_up(&self.hold, self.path.as_c_str())
    }
}

/// Steps 2 to 4.
pub(crate) fn give_up(hold: &Hold, path: &CStr) -> Result<Leave, Error> {
    let file = &hold.file;
    let is_last = is_last(file)?;
    if !hold.is_at(path)? {
        return Ok(
            match Facts::of_file(file)?.mode().contains(mark::RELEASED) {
                true => Leave::Left, // 4
                false => Leave::Lost,
            },
        );
    }
    if !is_last {
        // Copies of the descriptor, what a command has started has one, are no members.
        let _ = rustix::fs::flock(file, FlockOperation::Unlock);
        return Ok(Leave::Left);
    }
    match remove(file, path)? {
        Release::Released => Ok(Leave::Released),
        Release::Lost => Ok(Leave::Lost),
    }
}

/// Steps 2 and 3. With `true` comes the exclusive `flock`.
fn is_last(file: &OwnedFd) -> Result<bool, Error> {
    // Whoever has it past all probes is an exclusive holder, which has adopted the file meanwhile.
    Ok(try_flock(file, EXCLUSIVE)?
        || flock_past_probes(file, SHARED)? && try_flock(file, EXCLUSIVE)?)
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
        self.hold.file.as_fd()
    }
}
