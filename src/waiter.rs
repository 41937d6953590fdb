//! Waiting for a lock, as a program does that may have an event loop.

use core::time::Duration;

use rustix::fd::BorrowedFd;

use crate::flock::{EXCLUSIVE, SHARED};
use crate::stopwatch::milliseconds;
use crate::wait::Wait;
use crate::{Error, LockPath, SharedLock, UpdateLock};

/// Waits for a lock without missing a release, and without breaking an override.
///
/// It has no clock: who waits passes the time, in milliseconds since any moment. For a wait by a thread that can block
/// there are [`wait`](Self::wait) and [`UpdateLock::acquire_timeout`].
///
/// ```no_run
/// use update_lock::{Error, LockPath, UpdateLock, Waiter};
///
/// # fn now() -> u64 { 0 }
/// # fn poll(descriptor: Option<rustix::fd::BorrowedFd<'_>>, milliseconds: u64) {}
/// fn wait(path: &LockPath) -> Result<UpdateLock, Error> {
///     let mut waiter = Waiter::new(path);
///     loop {
///         match waiter.look(now()) {
///             Err(Error::Held(_) | Error::GivingWay) => {}
///             outcome => return outcome,
///         }
///         waiter.watch();
///         let due = waiter.due(now());
///         poll(waiter.watch(), due);
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Waiter {
    path: LockPath,
    wait: Wait,
}

impl Waiter {
    /// A waiter that hasn't looked yet.
    #[must_use]
    pub fn new(path: &LockPath) -> Self {
        Self {
            path: path.clone(),
            wait: Wait::new(),
        }
    }

    /// A waiter for a lock that has been lost, to take it again once the override is over.
    #[must_use]
    pub fn after_loss(mut lock: UpdateLock) -> Self {
        lock.is_released = true;
        Self {
            path: lock.path.clone(),
            wait: Wait::after_loss(&mut lock.hold),
        }
    }

    /// The same for a shared hold.
    #[must_use]
    pub fn after_shared_loss(mut lock: SharedLock) -> Self {
        lock.has_left = true;
        Self {
            path: lock.path.clone(),
            wait: Wait::after_loss(&mut lock.hold),
        }
    }

    /// Takes the lock, if it can be taken without breaking an override. With the lock goes the watch, which is closed
    /// when the lock has been released.
    ///
    /// # Errors
    ///
    /// - [`Error::Held`]: by whom. Look again when there are news.
    /// - [`Error::GivingWay`]: it was taken away from its holder. Look again when there are news, or at [`due`](Self::due).
    /// - Others as [`UpdateLock::try_acquire`].
    pub fn look(&mut self, now: u64) -> Result<UpdateLock, Error> {
        let hold = self.wait.look(self.path.as_c_str(), now, EXCLUSIVE)?;
        Ok(UpdateLock::of(hold, &self.path))
    }

    /// Takes a shared hold: as [`look`](Self::look), and beside others who share the lock.
    ///
    /// # Errors
    ///
    /// As [`look`](Self::look), and as [`SharedLock::try_acquire`].
    pub fn look_shared(&mut self, now: u64) -> Result<SharedLock, Error> {
        let hold = self.wait.look(self.path.as_c_str(), now, SHARED)?;
        Ok(SharedLock::of(hold, &self.path))
    }

    /// Takes the lock, waiting for at most `timeout` by a clock of its own, for a thread that can block.
    ///
    /// # Errors
    ///
    /// As [`UpdateLock::acquire_timeout`].
    pub fn wait(mut self, timeout: Duration) -> Result<UpdateLock, Error> {
        let hold = self
            .wait
            .wait(self.path.as_c_str(), milliseconds(timeout), EXCLUSIVE)?;
        Ok(UpdateLock::of(hold, &self.path))
    }

    /// Takes a shared hold, waiting for at most `timeout` by a clock of its own, for a thread that can block.
    ///
    /// # Errors
    ///
    /// As [`SharedLock::acquire_timeout`].
    pub fn wait_shared(mut self, timeout: Duration) -> Result<SharedLock, Error> {
        let hold = self
            .wait
            .wait(self.path.as_c_str(), milliseconds(timeout), SHARED)?;
        Ok(SharedLock::of(hold, &self.path))
    }

    /// The path of the lock file.
    #[must_use]
    pub fn path(&self) -> &LockPath {
        &self.path
    }

    /// In how many milliseconds a look is due, should there be no news.
    #[must_use]
    pub fn due(&self, now: u64) -> u64 {
        self.wait.lookout.due(now)
    }

    /// What becomes readable when there may be news: armed by the first call, after which a look is due.
    ///
    /// `None` where `inotify` is refused, for example by its limit: 128 instances for each user by default.
    pub fn watch(&mut self) -> Option<BorrowedFd<'_>> {
        self.wait.lookout.watch(self.path.as_c_str())
    }

    /// Whether anything has happened to the lock since the last call or look; files beside it don't count.
    pub fn has_news(&mut self) -> bool {
        self.wait.lookout.has_news(self.path.as_c_str())
    }
}
