//! What an exclusive and a shared hold have in common.

use rustix::fd::OwnedFd;

use crate::inode::{self, Inode};
use crate::{Error, LockPath};

/// A file at a lock's path with a `flock` on it, exclusive or shared. Its drop gives up the `flock` and leaves the file.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) file: OwnedFd,
    pub(crate) inode: Inode,
    pub(crate) path: LockPath,
    /// What a wait has armed. It is closed last: that stalls for milliseconds.
    pub(crate) watch: Option<OwnedFd>,
}

impl Hold {
    pub(crate) fn new(file: OwnedFd, inode: Inode, path: &LockPath) -> Self {
        Self {
            file,
            inode,
            path: path.clone(),
            watch: None,
        }
    }

    pub(crate) fn is_at_path(&self) -> Result<bool, Error> {
        inode::names(&self.path, self.inode)
    }

    pub(crate) fn forget_news(&self) {
        let mut events = [0; 512];
        if let Some(watch) = &self.watch {
            while let Ok(1..) = rustix::io::read(watch, &mut events) {}
        }
    }
}
