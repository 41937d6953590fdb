//! The lock, exclusive or shared.

use rustix::fd::{AsFd, BorrowedFd};
use update_lock::{
    Error, Identity, Leave, LockPath, Note, Release, SharedLock, UpdateLock, Waiter,
};

pub(crate) enum Lock {
    Exclusive(UpdateLock),
    Shared(SharedLock),
}

use Lock::{Exclusive, Shared};

impl Lock {
    /// Takes it, if it can be taken now.
    #[inline(never)]
    pub(crate) fn look(waiter: &mut Waiter, is_shared: bool, now: u64) -> Result<Self, Error> {
        if is_shared {
            waiter.look_shared(now).map(Shared)
        } else {
            waiter.look(now).map(Exclusive)
        }
    }

    pub(crate) fn path(&self) -> &LockPath {
        match self {
            Exclusive(lock) => lock.path(),
            Shared(lock) => lock.path(),
        }
    }

    pub(crate) fn identity(&self) -> Identity {
        match self {
            Exclusive(lock) => lock.identity(),
            Shared(lock) => lock.identity(),
        }
    }

    pub(crate) fn is_held(&self) -> Result<bool, Error> {
        match self {
            Exclusive(lock) => lock.is_held(),
            Shared(lock) => lock.is_held(),
        }
    }

    pub(crate) fn forget_news(&self) {
        match self {
            Exclusive(lock) => lock.forget_news(),
            Shared(lock) => lock.forget_news(),
        }
    }

    pub(crate) fn close_watch(&mut self) {
        match self {
            Exclusive(lock) => lock.close_watch(),
            Shared(lock) => lock.close_watch(),
        }
    }

    /// Of a shared lock it is the note of who has come last.
    pub(crate) fn write_note(&self, note: &Note) -> Result<(), Error> {
        match self {
            Exclusive(lock) => lock.write_note(note),
            Shared(lock) => lock.write_note(note),
        }
    }

    /// Gives it back.
    pub(crate) fn release(self) -> Result<Leave, Error> {
        match self {
            Exclusive(lock) => lock.release().map(|release| match release {
                Release::Released => Leave::Released,
                Release::Lost => Leave::Lost,
            }),
            Shared(lock) => lock.leave(),
        }
    }

    pub(crate) fn leave_behind(self) {
        match self {
            Exclusive(lock) => lock.leave_behind(),
            Shared(lock) => lock.leave_behind(),
        }
    }

    /// A waiter for a lock that was taken away.
    pub(crate) fn into_waiter(self) -> Waiter {
        match self {
            Exclusive(lock) => Waiter::after_loss(lock),
            Shared(lock) => Waiter::after_shared_loss(lock),
        }
    }
}

impl AsFd for Lock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Exclusive(lock) => lock.as_fd(),
            Shared(lock) => lock.as_fd(),
        }
    }
}
