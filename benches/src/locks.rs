//! The crates' locks, each taken and given back as its documentation shows it.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use fslock::LockFile;
use named_lock::NamedLock;
use pidlock::{Pidlock, PidlockError};
use update_lock::{LockPath, UpdateLock};

use crate::Outcome;

/// Does something under the lock at a path. `false` where somebody else holds the lock.
pub(crate) type Attempt = fn(&Path, &mut dyn FnMut()) -> Outcome<bool>;

/// What a Rust program may lock a file with.
pub(crate) struct Lock {
    pub(crate) name: &'static str,
    /// One attempt.
    pub(crate) attempt: Attempt,
    /// The same, when it has waited for the lock; `None` where the crate can't wait.
    pub(crate) wait: Option<Attempt>,
}

/// All of them.
pub(crate) const LOCKS: &[Lock] = &[
    Lock {
        name: "update-lock",
        attempt: |path, work| match UpdateLock::try_acquire(&LockPath::try_from(path)?) {
            Ok(lock) => {
                work();
                Ok(lock.release()? == update_lock::Release::Released)
            }
            Err(update_lock::Error::Held(_)) => Ok(false),
            Err(error) => Err(error.into()),
        },
        wait: Some(|path, work| {
            let lock = UpdateLock::acquire(&LockPath::try_from(path)?)?;
            work();
            Ok(lock.release()? == update_lock::Release::Released)
        }),
    },
    Lock {
        name: "std",
        attempt: std_recipe,
        wait: None,
    },
    Lock {
        name: "fs4",
        attempt: |path, work| {
            let file = open(path)?;
            match fs4::FileExt::try_lock(&file) {
                Ok(()) => {
                    work();
                    fs4::FileExt::unlock(&file)?;
                    Ok(true)
                }
                Err(fs4::TryLockError::WouldBlock) => Ok(false),
                Err(fs4::TryLockError::Error(error)) => Err(error.into()),
            }
        },
        wait: Some(|path, work| {
            let file = open(path)?;
            fs4::FileExt::lock(&file)?;
            work();
            fs4::FileExt::unlock(&file)?;
            Ok(true)
        }),
    },
    Lock {
        name: "fd-lock",
        attempt: |path, work| {
            let mut lock = fd_lock::RwLock::new(open(path)?);
            let guard = lock.try_write();
            done(guard.map(|_guard| work()))
        },
        wait: Some(|path, work| {
            let mut lock = fd_lock::RwLock::new(open(path)?);
            let _guard = lock.write()?;
            work();
            Ok(true)
        }),
    },
    Lock {
        name: "fslock",
        attempt: |path, work| {
            let mut lock = LockFile::open(path)?;
            let is_ours = lock.try_lock()?;
            if is_ours {
                work();
                lock.unlock()?;
            }
            Ok(is_ours)
        },
        wait: Some(|path, work| {
            let mut lock = LockFile::open(path)?;
            lock.lock()?;
            work();
            lock.unlock()?;
            Ok(true)
        }),
    },
    Lock {
        name: "named-lock",
        attempt: |path, work| {
            let lock = NamedLock::with_path(path)?;
            match lock.try_lock() {
                Ok(_guard) => {
                    work();
                    Ok(true)
                }
                Err(named_lock::Error::WouldBlock) => Ok(false),
                Err(error) => Err(error.into()),
            }
        },
        wait: Some(|path, work| {
            let lock = NamedLock::with_path(path)?;
            let _guard = lock.lock()?;
            work();
            Ok(true)
        }),
    },
    Lock {
        name: "pidlock",
        attempt: |path, work| {
            let mut lock = Pidlock::new_validated(path)?;
            match lock.acquire() {
                Ok(()) => {
                    work();
                    lock.release()?;
                    Ok(true)
                }
                Err(PidlockError::LockExists) => Ok(false),
                Err(error) => Err(error.into()),
            }
        },
        wait: None,
    },
];

/// The file that stays, of those that lock one.
fn open(path: &Path) -> io::Result<File> {
    File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn done(outcome: io::Result<()>) -> Outcome<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Both of the locks of a device, by the standard library alone. It removes whatever is at the path by then.
fn std_recipe(path: &Path, work: &mut dyn FnMut()) -> Outcome<bool> {
    let file = match File::create_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        file => file?,
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Ok(false),
        outcome => outcome?,
    }
    work();
    fs::remove_file(path)?;
    Ok(true)
}
