//! Taking, keeping and giving back.

use core::ffi::{CStr, c_char, c_int};
use core::mem::MaybeUninit;
use core::ptr::drop_in_place;

use update_lock::pathless::{self, Hold, Wait};
use update_lock::{PATH_CAPACITY, Release};

use crate::code::Code;

/// The longest path of a lock in bytes, its closing NUL included.
pub const UPDATE_LOCK_PATH_CAPACITY: usize = 256;

const _: () = assert!(UPDATE_LOCK_PATH_CAPACITY == PATH_CAPACITY);

/// The lock was taken away before it was given back, by an override or by hand: the work that it was for was not protected
/// to its end.
pub const UPDATE_LOCK_LOST: c_int = 1;

/// A lock, in the caller's memory. It needs no preparation, and may be copied or moved while it is held. What is in it is the
/// library's own affair; its 384 bytes are the same on each architecture.
#[repr(C)]
pub struct Lock {
    /// What the lock is held or waited for by: here, since stacks may be short.
    state: [u64; 16],
    /// The path of the lock file; empty while the lock isn't held.
    path: [c_char; UPDATE_LOCK_PATH_CAPACITY],
}

/// Takes the lock at `path` if nobody has it, or if its holder is dead, and doesn't wait. `lock` must not be held.
///
/// Returns 0; `-EBUSY` if somebody holds the lock, or something else is in its place: `update_lock_holder()` tells who or
/// what; `-EPERM` if the effective user is 65534 (`nobody`), whose lock files the Supervisor takes for its own; `-EFAULT`
/// if a pointer is `NULL`; `-EINVAL` if the path is empty or ends in a slash; `-ENAMETOOLONG` if it is longer than 255
/// bytes; else the negative errno of a system call that failed, such as `-ENOENT` where the directory is missing, or
/// `-EACCES` where it can't be written. `lock` isn't held then.
///
/// # Safety
///
/// `lock` is `NULL` or points to a lock, `path` is `NULL` or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn update_lock_try_acquire(lock: *mut Lock, path: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    Code::answer(unsafe { try_acquire(lock, path) })
}

/// Takes the lock at `path`, waiting for it for at most that many milliseconds, and giving way to an override. A signal
/// neither ends the wait nor stretches it.
///
/// Returns what `update_lock_try_acquire()` does, but `-ETIMEDOUT` for `-EBUSY`.
///
/// # Safety
///
/// As for `update_lock_try_acquire()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn update_lock_acquire_timeout(
    lock: *mut Lock,
    path: *const c_char,
    milliseconds: u32,
) -> c_int {
    // SAFETY: the caller's promise.
    Code::answer(unsafe { wait(lock, path, milliseconds.into()) })
}

/// Takes the lock at `path`, waiting for it as long as it takes.
///
/// Returns what `update_lock_try_acquire()` does, but never `-EBUSY`.
///
/// # Safety
///
/// As for `update_lock_try_acquire()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn update_lock_acquire(lock: *mut Lock, path: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    Code::answer(unsafe { wait(lock, path, u64::MAX) })
}

/// Whether the lock is still there: an override takes it away without a word.
///
/// Returns 1 if it is, 0 if it has been lost; `-EBADF` if `lock` isn't held; `-EFAULT` if it is `NULL`; else the negative
/// errno of a system call that failed.
///
/// # Safety
///
/// `lock` is `NULL`, or has been given to an acquire before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn update_lock_is_held(lock: *const Lock) -> c_int {
    // SAFETY: the caller's promise.
    let lock = unsafe { lock.as_ref() };
    Code::answer(lock.ok_or(Code::NULL).and_then(Lock::is_held))
}

/// Takes a lock again that has been lost, waiting for it for at most that many milliseconds: until the update is over that it
/// was taken away for, or for five seconds, if none comes. An acquire would come before that update.
///
/// Returns 0, also if the lock hasn't been lost; `-EBADF` if `lock` isn't held; else what `update_lock_acquire_timeout()`
/// does: after a failure `lock` isn't held any more, and what was lost is forgotten.
///
/// # Safety
///
/// As for `update_lock_is_held()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn update_lock_retake(lock: *mut Lock, milliseconds: u32) -> c_int {
    // SAFETY: the caller's promise.
    let lock = unsafe { lock.as_mut() };
    let outcome = lock.ok_or(Code::NULL);
    Code::answer(outcome.and_then(|lock| lock.retake(milliseconds.into())))
}

/// Gives the lock back. It never removes what somebody else has put in its place.
///
/// Returns 0; `UPDATE_LOCK_LOST` if the lock had been taken away before; `-EBADF` if `lock` isn't held; `-EFAULT` if it is
/// `NULL`; else the negative errno of a system call that failed: a file that stays then counts as a dead holder's, and the
/// next acquire takes it over. In any case `lock` isn't held any more.
///
/// # Safety
///
/// As for `update_lock_is_held()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn update_lock_release(lock: *mut Lock) -> c_int {
    // SAFETY: the caller's promise.
    let lock = unsafe { lock.as_mut() };
    Code::answer(lock.ok_or(Code::NULL).and_then(Lock::release))
}

/// # Safety
///
/// As for `update_lock_try_acquire`.
unsafe fn try_acquire(lock: *mut Lock, path: *const c_char) -> Result<c_int, Code> {
    // SAFETY: the caller's promise.
    let lock = unsafe { lock.as_mut() }.ok_or(Code::NULL)?;
    // SAFETY: the caller's promise.
    let path = unsafe { lock.set_path(path) }?;
    loop {
        match pathless::try_acquire(path) {
            Ok(None) => {}
            Ok(Some(hold)) => {
                put(&mut lock.state, hold);
                return Ok(0);
            }
            Err(error) => {
                lock.forget();
                return Err(error.into());
            }
        }
    }
}

/// # Safety
///
/// As for `update_lock_try_acquire`.
unsafe fn wait(lock: *mut Lock, path: *const c_char, milliseconds: u64) -> Result<c_int, Code> {
    // SAFETY: the caller's promise.
    let lock = unsafe { lock.as_mut() }.ok_or(Code::NULL)?;
    // SAFETY: the caller's promise.
    unsafe { lock.set_path(path) }?;
    put(&mut lock.state, pathless::new_wait());
    // SAFETY: so it has.
    unsafe { lock.wait(milliseconds) }
}

const _: () = assert!(size_of::<Lock>() == 384);

/// Puts something into the state, and nobody drops what has been there.
fn put<T>(state: &mut [u64; 16], value: T) -> &mut T {
    const { assert!(size_of::<T>() <= size_of::<[u64; 16]>() && align_of::<T>() <= align_of::<u64>()) };
    // SAFETY: there is room for it.
    unsafe { &mut *state.as_mut_ptr().cast::<MaybeUninit<T>>() }.write(value)
}

impl Lock {
    /// Copies the path, if it can be a file's; else the lock isn't held, whatever it was.
    ///
    /// # Safety
    ///
    /// `path` is `NULL` or a string.
    #[inline(never)]
    unsafe fn set_path(&mut self, path: *const c_char) -> Result<&CStr, Code> {
        // SAFETY: the caller's promise.
        match unsafe { self.copy(path) } {
            // SAFETY: it has been copied, NUL and all.
            None => Ok(unsafe { CStr::from_ptr(self.path.as_ptr()) }),
            Some(code) => {
                self.forget();
                Err(code)
            }
        }
    }

    /// What is wrong with the path, if it isn't copied to its end.
    ///
    /// # Safety
    ///
    /// As for `set_path`.
    unsafe fn copy(&mut self, path: *const c_char) -> Option<Code> {
        if path.is_null() {
            return Some(Code::NULL);
        }
        let mut last = b'/';
        for (i, to) in self.path.iter_mut().enumerate() {
            // SAFETY: the string hasn't ended before.
            *to = unsafe { *path.add(i) };
            match *to as u8 {
                0 if last == b'/' => return Some(Code::INVALID),
                0 => return None,
                byte => last = byte,
            }
        }
        Some(Code::TOO_LONG)
    }

    /// The path, if the lock is held.
    fn path(&self) -> Result<&CStr, Code> {
        if self.path[0] == 0 {
            return Err(Code::NOT_HELD);
        }
        // SAFETY: `set_path` has copied a string, NUL and all.
        Ok(unsafe { CStr::from_ptr(self.path.as_ptr()) })
    }

    /// From now on it isn't held.
    fn forget(&mut self) {
        self.path[0] = 0;
    }

    /// Waits for the lock at the path that has been copied.
    ///
    /// # Safety
    ///
    /// The state has a wait, for that path.
    unsafe fn wait(&mut self, milliseconds: u64) -> Result<c_int, Code> {
        // SAFETY: the caller's promise.
        let wait = unsafe { &mut *self.state.as_mut_ptr().cast::<Wait>() };
        // SAFETY: `set_path` has copied a string, NUL and all.
        let path = unsafe { CStr::from_ptr(self.path.as_ptr()) };
        let outcome = pathless::wait(wait, path, milliseconds);
        // SAFETY: nobody reads it again.
        unsafe { drop_in_place(wait) };
        match outcome {
            Ok(hold) => {
                put(&mut self.state, hold);
                Ok(0)
            }
            Err(error) => {
                self.forget();
                Err(match error.into() {
                    Code::BUSY => Code::TIMED_OUT,
                    code => code,
                })
            }
        }
    }

    /// # Safety
    ///
    /// The lock is held, and nobody uses the hold again that is taken out of it.
    unsafe fn take_hold(&self) -> Hold {
        // SAFETY: an acquire has put one there, since the lock is held.
        unsafe { self.state.as_ptr().cast::<Hold>().read() }
    }

    fn is_held(&self) -> Result<c_int, Code> {
        let path = self.path()?;
        // SAFETY: an acquire has put one there, since the lock is held.
        let hold = unsafe { &*self.state.as_ptr().cast::<Hold>() };
        Ok(pathless::is_held(hold, path)?.into())
    }

    fn retake(&mut self, milliseconds: u64) -> Result<c_int, Code> {
        if self.is_held()? == 1 {
            return Ok(0);
        }
        self.lose();
        // SAFETY: that has put one there.
        unsafe { self.wait(milliseconds) }
    }

    /// Puts a wait in the place of the lost hold, and takes no room on the stack any more when that begins.
    #[inline(never)]
    fn lose(&mut self) {
        // SAFETY: what is put into the state next isn't this hold.
        let hold = unsafe { self.take_hold() };
        put(&mut self.state, pathless::wait_after_loss(hold));
    }

    fn release(&mut self) -> Result<c_int, Code> {
        let path = self.path()?;
        // SAFETY: the lock is forgotten below.
        let hold = unsafe { self.take_hold() };
        let outcome = pathless::release(hold, path);
        self.forget();
        match outcome? {
            Release::Released => Ok(0),
            Release::Lost => Ok(UPDATE_LOCK_LOST),
        }
    }
}
