//! Taking, keeping and giving back an update lock.
//!
//! # How this works
//!
//! The lock is owned by whoever holds `flock` on the inode that the path names now. The file's existence stops the
//! Supervisor, the `flock` stops the host's reboot, and either stops another user of this library.
//!
//! 1. User 65534 is refused: the Supervisor removes that user's lock files as its own leftovers.
//! 2. `openat` with `O_CREAT|O_EXCL` creates the file and marks it as ours in one step. Of any number of contenders one
//!    gets past here.
//! 3. `flock` it. Between 2 and 3 somebody may have opened it: the host to probe it, or a contender who saw our file
//!    with a free `flock`, took it for a dead holder's and adopted it. A probe ends within a quarter of a second. An
//!    adopter doesn't let go: then the lock is the adopter's, and so is the file.
//! 4. `fstat` it. The file may have been removed between 2 and 4, by an override or by an adopter that has come and
//!    gone: then our `flock` protects a file without a name. Without links, start again at 2.
//! 5. Where a file is there at 2, its holder may be dead: `adopt.rs`.
//!
//! After 4 the lock is ours until somebody else unlinks the file: nobody else who follows this protocol
//! does, since they would have to hold the `flock` first.
//!
//! 6. Release: the path may have come to name somebody else's file, after an override. Only where it still names our
//!    inode is it ours to remove.
//! 7. The mark `RELEASED` tells those who wait that the `unlink` is no override.
//! 8. `unlink`, and only then close: a file with a free `flock` looks like a dead holder's, and would be adopted
//!    between the two. A crash before the `unlink` leaves just that, rightly.
//!
//! What remains: root can be overridden between 6 and 8, and then removes the Supervisor's file. For other users the
//! sticky bit of the directory refuses that.

use core::ffi::CStr;
use core::time::Duration;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FlockOperation, OFlags};
use rustix::process::geteuid;

use crate::flock::{EXCLUSIVE, flock_past_probes};
use crate::hold::Hold;
use crate::inode::{self, Facts};
use crate::{Errno, Error, Holder, Identity, LockPath, Note, Operation, Waiter, adopt, mark, note};

/// `nobody`, as whom the Supervisor creates its own lock files.
pub(crate) const SUPERVISOR_UID: u32 = 65534;

/// A held update lock: while it lives, the Supervisor installs no update and the host doesn't reboot.
///
/// Dropping it releases it; [`release`](Self::release) does so too and tells whether the lock was still there.
///
/// # `fork`
///
/// A child that the program forks shares the descriptor and with it the `flock`, and its copy of this
/// handle would release the lock when it is dropped. Let the child `exec` at once (the descriptor is `O_CLOEXEC`), or
/// have it [`leave_behind`](Self::leave_behind) its copy.
#[must_use = "the lock is released as soon as this is dropped"]
#[derive(Debug)]
pub struct UpdateLock {
    pub(crate) hold: Hold,
    pub(crate) path: LockPath,
    pub(crate) is_released: bool,
}

/// What a release found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "a lost lock means that the protected work was not protected to its end"]
pub enum Release {
    /// The lock was still ours, and is free now.
    Released,
    /// It had been taken away before, by an override or by hand. Nothing was removed.
    Lost,
}

impl UpdateLock {
    /// Takes the lock if nobody has it, or if its holder is dead.
    ///
    /// It answers at once, except that a `flock` which fails on the file that it has just created is tried again for a
    /// quarter of a second. A probe of the host's reboot check on a dead holder's file looks like a holder for a
    /// moment: [`acquire_timeout`](Self::acquire_timeout) sees through that.
    ///
    /// # Errors
    ///
    /// - [`Error::Held`]: by whom. `Held(Stale)` where the holder is dead, but its file belongs to another user.
    /// - [`Error::Nobody`]: the effective user is 65534.
    /// - [`Error::System`]: `Create` fails with `ENOENT` where the directory is missing, with `EACCES` or `EROFS` where
    ///   it can't be written. `Lock` or `Stat` (out of locks, I/O error) leave the file that was created: nobody can know
    ///   whose it is by then. The next acquire adopts it.
    pub fn try_acquire(path: &LockPath) -> Result<Self, Error> {
        try_take(path.as_c_str(), EXCLUSIVE).map(|hold| Self::of(hold, path))
    }

    /// Takes the lock, waiting for it as long as it takes.
    ///
    /// As [`acquire_timeout`](Self::acquire_timeout), without an end.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Self::try_acquire), but never [`Error::Held`].
    pub fn acquire(path: &LockPath) -> Result<Self, Error> {
        Self::acquire_timeout(path, Duration::MAX)
    }

    /// Takes the lock, waiting for it for at most `timeout`, and giving way to an override: see [`Waiter`].
    ///
    /// It takes a free lock, and a dead holder's, at once. A signal neither ends the wait nor stretches it. The lock then
    /// keeps the wait's `inotify` descriptor until it is released.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Self::try_acquire); [`Error::Held`] or [`Error::GivingWay`] when `timeout` has passed.
    pub fn acquire_timeout(path: &LockPath, timeout: Duration) -> Result<Self, Error> {
        Waiter::new(path).wait(timeout)
    }

    /// Whether the lock is still ours: `false` after an override.
    ///
    /// # Errors
    ///
    /// [`Error::System`] where the path can't be looked up any more.
    pub fn is_held(&self) -> Result<bool, Error> {
        self.hold.is_at(self.path.as_c_str())
    }

    /// Waits for the loss of the lock, for at most `timeout`: `true` when it has been taken away, `false` when the time has
    /// passed.
    ///
    /// A signal neither ends the wait nor stretches it. It uses the `inotify` descriptor that a wait for the lock has left,
    /// or leaves one, which is closed after the release; where there is none, it looks ten times a second.
    ///
    /// ```no_run
    /// use core::time::Duration;
    /// use update_lock::{Error, UpdateLock, Waiter};
    ///
    /// /// Holds the lock for ever, but for what its owner overrides it for.
    /// fn hold(mut lock: UpdateLock) -> Result<(), Error> {
    ///     loop {
    ///         if lock.wait_lost(Duration::MAX)? {
    ///             // Once the Supervisor has come and gone.
    ///             lock = Waiter::after_loss(lock).wait(Duration::MAX)?;
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`is_held`](Self::is_held).
    pub fn wait_lost(&mut self, timeout: Duration) -> Result<bool, Error> {
        self.hold.wait_lost(self.path.as_c_str(), timeout)
    }

    /// Gives the lock back, and says whether it was still ours.
    ///
    /// # Errors
    ///
    /// [`Error::System`]: the file could not be compared or removed. The lock is given up all the same: what remains is
    /// a dead holder's file, which the next acquire adopts.
    pub fn release(mut self) -> Result<Release, Error> {
        self.is_released = true;
        self.give_back()
    }

    /// Forgets the handle and leaves the lock as it is.
    ///
    /// File and `flock` stay until this process ends, or until the program that it executes ends, if the
    /// descriptor's `FD_CLOEXEC` was cleared. The next acquire then adopts the file.
    pub fn leave_behind(self) {
        core::mem::forget(self);
    }

    /// Writes who holds the lock and why into the file, for a person who looks at it.
    ///
    /// The lock is valid without it, and whatever comes of it.
    ///
    /// # Errors
    ///
    /// [`Error::System`]: `Write` fails with `ENOSPC` on a full disk; `Open` with `ENOENT` after a loss.
    pub fn write_note(&self, note: &Note<'_>) -> Result<(), Error> {
        note::replace(self.path.as_c_str(), self.hold.inode, note)
    }

    /// Reads what the watch that a wait has left has to say. Who holds such a lock for long does so now and then: events
    /// that nobody reads take the kernel's memory, up to some limit.
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
            is_released: false,
        }
    }

    fn give_back(&self) -> Result<Release, Error> {
        give_back(&self.hold, self.path.as_c_str())
    }
}

/// Steps 6 to 8.
pub(crate) fn give_back(hold: &Hold, path: &CStr) -> Result<Release, Error> {
    if !hold.is_at(path)? {
        step!("lock: lost before the release"); // 6
        return Ok(Release::Lost);
    }
    remove(&hold.file, path)
}

/// Steps 7 and 8, of a lock that is known to be there.
pub(crate) fn remove(file: &OwnedFd, path: &CStr) -> Result<Release, Error> {
    // Without the mark the removal looks like an override to those who wait: they are late, not wrong.
    let _ = rustix::fs::fchmod(file, mark::HELD.union(mark::RELEASED)); // 7
    match rustix::fs::unlinkat(CWD, path, AtFlags::empty()) {
        Ok(()) => {
            step!("lock: released"); // 8
            Ok(Release::Released)
        }
        // An override has come since 6; by the second its file is there, and the directory's sticky bit keeps it.
        Err(Errno::NOENT | Errno::PERM) => Ok(Release::Lost),
        Err(errno) => Err(Error::system(Operation::Remove, errno)),
    }
}

impl Drop for UpdateLock {
    fn drop(&mut self) {
        if !self.is_released {
            let _ = self.give_back();
        }
    }
}

/// The locked descriptor. It is open for writing or for reading only, as the lock was created or adopted.
impl AsFd for UpdateLock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.hold.file.as_fd()
    }
}

/// Steps 1 to 5.
pub(crate) fn try_take(path: &CStr, how: FlockOperation) -> Result<Hold, Error> {
    loop {
        match attempt(path, how) {
            Ok(None) => step!("lock: removed underneath, again"),
            Ok(Some(hold)) => {
                step!("lock: acquired");
                return Ok(hold);
            }
            Err(error) => return Err(error),
        }
    }
}

/// The same once; `None` where the file was removed meanwhile.
pub(crate) fn attempt(path: &CStr, how: FlockOperation) -> Result<Option<Hold>, Error> {
    let user = user()?;
    match create(path)? {
        Some(file) => claim(path, file, how),
        None => adopt::adopt(path, user, how), // 5
    }
}

/// Step 1: the user that takes the lock.
pub(crate) fn user() -> Result<u32, Error> {
    match geteuid().as_raw() {
        SUPERVISOR_UID => Err(Error::Nobody),
        user => Ok(user),
    }
}

/// Step 2. `None` where something is there already.
#[inline(always)]
pub(crate) fn create(path: &CStr) -> Result<Option<OwnedFd>, Error> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    match rustix::fs::openat(CWD, path, flags, mark::HELD) {
        Ok(file) => {
            step!("lock: created");
            Ok(Some(file))
        }
        Err(Errno::EXIST) => Ok(None),
        Err(errno) => Err(Error::system(Operation::Create, errno)),
    }
}

/// Steps 3 and 4. `None` where the file was removed meanwhile.
pub(crate) fn claim(
    path: &CStr,
    file: OwnedFd,
    how: FlockOperation,
) -> Result<Option<Hold>, Error> {
    if !flock_past_probes(&file, how)? {
        return Err(Error::Held(Holder::App));
    }
    let facts = Facts::of_file(&file)?;
    let is_ours = match facts.links() {
        0 => false,
        1 => true,
        // Somebody linked it, and may have removed the name that counts.
        _ => inode::names(path, facts.inode())?,
    };
    Ok(is_ours.then(|| Hold::new(file, facts.inode())))
}
