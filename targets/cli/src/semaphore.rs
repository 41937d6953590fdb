//! The file that says "taken" by being there, as procmail's `lockfile` makes it: no mark, no `flock`, no note.
//!
//! How its removal is kept from others' files:
//!
//! 1. What is given back is compared with what was created. That stays open until then, so that no other file can have its
//!    inode number. What is left is the moment between the comparison and the `unlink`.
//! 2. What is removed by force is looked at again with its `flock` held. Of two of this program that find the same old
//!    file, one has its `flock` from before its last look until after its `unlink`; the other finds it held, or gets it
//!    when the path names nothing, or a file that isn't old. So neither removes what the other has created since.
//! 3. procmail's own program takes no `flock`: it may remove the old file between our last look and our `unlink`. But it
//!    waits then before it creates a file, as we do: that is what the suspension is for. What is left is a third process
//!    that creates its file in this moment.
//! 4. Who holds an update lock holds its `flock` too, and isn't robbed, however old the file is.

use core::ffi::CStr;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, Stat, flock, openat, unlinkat};
use update_lock::{Errno, path_stat};
use update_lock_start::{Clock, now};

/// A file that this process has created.
pub(crate) struct Semaphore {
    path: &'static CStr,
    file: OwnedFd,
}

impl Semaphore {
    /// Creates it, under its own name from the start: the Supervisor's search stumbles over temporary files.
    pub(crate) fn create(path: &'static CStr) -> Result<Self, Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let mode = Mode::RUSR | Mode::RGRP | Mode::ROTH;
        let file = match openat(CWD, path, flags | OFlags::CLOEXEC, mode) {
            // It says so of each path that ends in a slash, whether something is there or not.
            Err(Errno::ISDIR) => return Err(look(path).err().unwrap_or(Errno::EXIST)),
            file => file?,
        };
        // On a full disk it stays empty, and is as good: that it is there is what counts.
        let _ = rustix::io::write(&file, b"0");
        Ok(Self { path, file })
    }

    /// Removes it, unless somebody has put another file there.
    pub(crate) fn give_back(&self) {
        let own = path_stat(self.file.as_fd(), c"", AtFlags::EMPTY_PATH);
        if let (Ok(own), Ok(found)) = (own, look(self.path))
            && (own.st_dev, own.st_ino) == (found.st_dev, found.st_ino)
        {
            let _ = unlinkat(CWD, self.path, AtFlags::empty());
        }
    }
}

/// What the path names, a symbolic link itself included.
fn look(path: &CStr) -> Result<Stat, Errno> {
    path_stat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)
}

/// Removes what is older than `limit` seconds, unless its `flock` is held; whether it did.
pub(crate) fn remove_by_force(path: &CStr, limit: i32) -> Result<bool, Errno> {
    if !is_older(path, limit) {
        return Ok(false);
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    // Without it, for a symbolic link or a private file, there are only the two calls below.
    let file = openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty());
    if let Ok(file) = &file
        && flock(file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK)
    {
        return Ok(false);
    }
    if !is_older(path, limit) {
        return Ok(false);
    }
    unlinkat(CWD, path, AtFlags::empty())?;
    Ok(true)
}

#[allow(
    clippy::unnecessary_cast,
    reason = "the field's width differs between architectures"
)]
fn is_older(path: &CStr, limit: i32) -> bool {
    let (seconds, _) = now(Clock::Realtime);
    look(path).is_ok_and(|found| seconds as i64 - found.st_mtime as i64 > i64::from(limit))
}
