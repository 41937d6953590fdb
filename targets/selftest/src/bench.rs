//! A directory for the checks, and what is done to the lock's file there.

use rustix::fd::OwnedFd;
use rustix::fs::{
    AtFlags, CWD, FlockOperation, Mode, OFlags, Stat, flock, openat, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::getpid;
use update_lock::{LockPath, UpdateLock};
use update_lock_start::Line;

use crate::failure::{Failure, Outcome};

/// The names that the checks use in it.
const NAMES: [&[u8]; 2] = [b"updates.lock", b"other"];

/// A directory, and in it the lock's path.
pub(crate) struct Bench {
    directory: LockPath,
    /// The lock's path.
    pub(crate) path: LockPath,
    /// That of another file.
    pub(crate) other: LockPath,
}

impl Bench {
    /// Makes the directory, in `parent`; there must not be one of that name.
    pub(crate) fn new(parent: &[u8]) -> Result<Self, Failure> {
        let mut name = Line::string();
        let pid = getpid().as_raw_pid() as u32;
        name.bytes(b"update-lock-selftest.").number(pid);
        let directory = LockPath::in_directory(parent, name.as_bytes())?;
        let [path, other] = NAMES;
        let bench = Self {
            path: LockPath::in_directory(directory.as_bytes(), path)?,
            other: LockPath::in_directory(directory.as_bytes(), other)?,
            directory,
        };
        rustix::fs::mkdir(bench.directory.as_c_str(), Mode::RWXU)?;
        Ok(bench)
    }

    /// Removes what a check has left.
    pub(crate) fn clear(&self) {
        for path in [&self.path, &self.other] {
            for flags in [AtFlags::empty(), AtFlags::REMOVEDIR] {
                let _ = unlinkat(CWD, path.as_c_str(), flags);
            }
        }
    }

    /// Removes the directory.
    pub(crate) fn remove(&self) {
        let _ = rustix::fs::rmdir(self.directory.as_c_str());
    }

    pub(crate) fn acquire(&self) -> Result<UpdateLock, Failure> {
        Ok(UpdateLock::try_acquire(&self.path)?)
    }

    /// What is at the lock's path.
    pub(crate) fn stat(&self) -> Result<Option<Stat>, Failure> {
        match statat(CWD, self.path.as_c_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    pub(crate) fn is_there(&self) -> Result<bool, Failure> {
        Ok(self.stat()?.is_some())
    }

    /// The inode's number, 0 where there is no file.
    pub(crate) fn inode(&self) -> Result<u64, Failure> {
        #[allow(clippy::useless_conversion, reason = "not on 32 bits")]
        Ok(self.stat()?.map_or(0, |stat| stat.st_ino.into()))
    }

    /// Whether somebody who probes the file, as the host does before it reboots, is granted its `flock`.
    pub(crate) fn flock_is_free(&self) -> Result<bool, Failure> {
        let file = openat(CWD, self.path.as_c_str(), OFlags::RDONLY, Mode::empty())?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Puts a file there, as another tool does.
    pub(crate) fn put(
        &self,
        path: &LockPath,
        mode: Mode,
        content: &[u8],
    ) -> Result<OwnedFd, Failure> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let file = openat(CWD, path.as_c_str(), flags, mode)?;
        let _ = rustix::io::write(&file, content)?;
        Ok(file)
    }

    /// Puts a file there, as helios, a Supervisor, does: it looks like ours, but for its content.
    pub(crate) fn put_supervisors(&self) -> Outcome {
        let mode = Mode::RUSR | Mode::WUSR | Mode::SVTX;
        self.put(&self.path, mode, &[0x02, 0x63]).map(drop)
    }

    /// Takes the lock's file away, as an override does.
    pub(crate) fn take_away(&self) -> Outcome {
        Ok(rustix::fs::unlink(self.path.as_c_str())?)
    }
}
