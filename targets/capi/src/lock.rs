//! Taking, keeping and giving back.

use core::ffi::{CStr, c_char, c_int};
use core::mem::ManuallyDrop;
use core::time::Duration;

use rustix::fd::{FromRawFd, IntoRawFd, OwnedFd};
use update_lock::pathless::{self, Hold, Inode};
use update_lock::{Errno, Error, Release};

use crate::error::code;

/// The longest path of a lock in bytes, its closing NUL included.
pub const UPDATE_LOCK_PATH_CAPACITY: usize = 256;

/// A lock that is held, in the caller's memory. All of it is for the library alone.
#[repr(C)]
pub struct Lock {
    /// The lock file's device.
    device: u64,
    /// The lock file's inode.
    inode: u64,
    /// The descriptor that has the `flock`.
    file: c_int,
    /// The `inotify` descriptor that a wait has left, or -1.
    watch: c_int,
    /// The path of the lock file; empty while the lock isn't held.
    path: [u8; UPDATE_LOCK_PATH_CAPACITY],
}

/// Takes the lock if nobody has it, or if its holder is dead.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn update_lock_try_acquire(lock: *mut Lock, path: *const c_char) -> c_int {
    unsafe { acquire(lock, path, pathless::try_acquire) }
}

/// Takes the lock, waiting for it for at most that many milliseconds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn update_lock_acquire_timeout(
    lock: *mut Lock,
    path: *const c_char,
    milliseconds: u32,
) -> c_int {
    let timeout = Duration::from_millis(milliseconds.into());
    unsafe { acquire(lock, path, |path| pathless::acquire_timeout(path, timeout)) }
}

/// Gives the lock back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn update_lock_release(lock: *mut Lock) -> c_int {
    let Some(lock) = (unsafe { lock.as_mut() }) else {
        return -Errno::FAULT.raw_os_error();
    };
    let Some(hold) = lock.hold() else {
        return -Errno::INVAL.raw_os_error();
    };
    let hold = ManuallyDrop::into_inner(hold);
    let outcome = pathless::release(hold, lock.path());
    lock.path[0] = 0;
    match outcome {
        Ok(Release::Released) => 0,
        Ok(Release::Lost) => 1,
        Err(error) => code(error),
    }
}

unsafe fn acquire(
    lock: *mut Lock,
    path: *const c_char,
    take: impl FnOnce(&CStr) -> Result<Hold, Error>,
) -> c_int {
    let Some(lock) = (unsafe { lock.as_mut() }) else {
        return -Errno::FAULT.raw_os_error();
    };
    if path.is_null() {
        return -Errno::FAULT.raw_os_error();
    }
    let mut i = 0;
    loop {
        let Some(to) = lock.path.get_mut(i) else {
            lock.path[0] = 0;
            return -Errno::NAMETOOLONG.raw_os_error();
        };
        *to = unsafe { *path.add(i) } as u8;
        if *to == 0 {
            break;
        }
        i += 1;
    }
    match take(lock.path()) {
        Ok(hold) => {
            lock.device = hold.inode.device;
            lock.inode = hold.inode.number;
            lock.file = hold.file.into_raw_fd();
            lock.watch = hold.watch.map_or(-1, IntoRawFd::into_raw_fd);
            0
        }
        Err(error) => {
            lock.path[0] = 0;
            code(error)
        }
    }
}

impl Lock {
    fn path(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.path).unwrap_or_default()
    }

    fn hold(&self) -> Option<ManuallyDrop<Hold>> {
        (self.path[0] != 0).then(|| {
            ManuallyDrop::new(Hold {
                file: unsafe { OwnedFd::from_raw_fd(self.file) },
                inode: Inode {
                    device: self.device,
                    number: self.inode,
                },
                watch: (self.watch >= 0).then(|| unsafe { OwnedFd::from_raw_fd(self.watch) }),
            })
        })
    }
}
