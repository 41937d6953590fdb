//! What an exclusive and a shared hold have in common.

use core::ffi::CStr;
use core::time::Duration;

use rustix::fd::OwnedFd;

use crate::Error;
use crate::events::EVENTS;
use crate::inode::{self, Inode};
use crate::lookout::Lookout;
use crate::stopwatch::{Stopwatch, milliseconds};

/// A file at a lock's path with a `flock` on it, exclusive or shared. Its drop gives up the `flock` and leaves the file.
#[derive(Debug)]
pub struct Hold {
    pub(crate) file: OwnedFd,
    pub(crate) inode: Inode,
    /// What a wait has armed. It is closed last: that stalls for milliseconds.
    pub(crate) watch: Option<OwnedFd>,
}

impl Hold {
    pub(crate) fn new(file: OwnedFd, inode: Inode) -> Self {
        Self {
            file,
            inode,
            watch: None,
        }
    }

    pub(crate) fn is_at(&self, path: &CStr) -> Result<bool, Error> {
        inode::names(path, self.inode)
    }

    pub(crate) fn forget_news(&self) {
        let mut events = [0; EVENTS];
        if let Some(watch) = &self.watch {
            while let Ok(1..) = rustix::io::read(watch, &mut events) {}
        }
    }

    /// Waits until the path names another file or none, for at most `timeout`.
    pub(crate) fn wait_lost(&mut self, path: &CStr, timeout: Duration) -> Result<bool, Error> {
        let mut lookout = Lookout::new(self.watch.take());
        let outcome = self.until_lost(path, &mut lookout, milliseconds(timeout));
        self.watch = lookout.take_watch();
        outcome
    }

    fn until_lost(&self, path: &CStr, lookout: &mut Lookout, timeout: u64) -> Result<bool, Error> {
        let mut clock = Stopwatch::start();
        let mut is_over = timeout == 0;
        loop {
            lookout.put_off(clock.elapsed());
            let is_lost = !self.is_at(path)?;
            if is_lost || is_over {
                return Ok(is_lost);
            }
            is_over = !lookout.wait(path, &mut clock, timeout);
        }
    }
}
