//! When to look at a lock: steps 1 and 2 in `wait.rs`.

use core::ffi::CStr;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

use crate::events::{EVENTS, History};
use crate::path::{self, file_name};
use crate::stopwatch::Stopwatch;
use crate::{Error, LockPath, Operation};

/// How often to look where `inotify` would tell.
const SAFETY_INTERVAL_MS: u64 = 1000;

/// How often to look where nothing would.
const INTERVAL_MS: u64 = 100;

/// Tells when there may be something new to see at a lock's path, which each call is given: always the same.
#[derive(Debug)]
pub(crate) struct Lookout {
    inotify: Inotify,
    /// Which files have come to the path and gone.
    pub(crate) history: History,
    /// When the next look is due.
    pub(crate) next: u64,
}

#[derive(Debug)]
enum Inotify {
    NotYet,
    Armed(OwnedFd),
    Refused,
}

impl Lookout {
    /// With what another one has armed.
    pub(crate) fn new(watch: Option<OwnedFd>) -> Self {
        Self {
            inotify: watch.map_or(Inotify::NotYet, Inotify::Armed),
            history: History::default(),
            next: 0,
        }
    }

    /// Gives out what has been armed, whose close stalls for milliseconds. It can be armed again.
    pub(crate) fn take_watch(&mut self) -> Option<OwnedFd> {
        match core::mem::replace(&mut self.inotify, Inotify::NotYet) {
            Inotify::Armed(watch) => Some(watch),
            _ => None,
        }
    }

    /// Puts the next look off, since one is made now.
    pub(crate) fn put_off(&mut self, now: u64) {
        let interval = match self.inotify {
            Inotify::Refused => INTERVAL_MS,
            _ => SAFETY_INTERVAL_MS, // 2
        };
        self.next = now.saturating_add(interval);
    }

    /// In how many milliseconds a look is due, should there be no news.
    pub(crate) fn due(&self, now: u64) -> u64 {
        self.next.saturating_sub(now)
    }

    /// What becomes readable when there may be news: armed by the first call, after which a look is due.
    pub(crate) fn watch(&mut self, path: &CStr) -> Option<BorrowedFd<'_>> {
        if matches!(self.inotify, Inotify::NotYet) {
            self.inotify = arm(path).map_or(Inotify::Refused, Inotify::Armed);
            self.next = 0; // 1
        }
        self.armed().map(AsFd::as_fd)
    }

    fn armed(&self) -> Option<&OwnedFd> {
        match &self.inotify {
            Inotify::Armed(watch) => Some(watch),
            _ => None,
        }
    }

    /// Whether anything has happened to the lock since the last call that a look could tell.
    pub(crate) fn has_news(&mut self, path: &CStr) -> bool {
        let Inotify::Armed(watch) = &self.inotify else {
            return false;
        };
        let mut is_any = false;
        let mut events = [0; EVENTS];
        while let Ok(length @ 1..) = rustix::io::read(watch, &mut events) {
            let events = events.get(..length).unwrap_or_default();
            is_any |= self.history.hear(events, file_name(path));
        }
        is_any
    }

    /// What a look found has gone before it could be kept open: its end is heard of, if anything is.
    pub(crate) fn miss(&mut self) {
        if self.armed().is_some() {
            self.history.miss();
        }
    }

    /// Waits until a look is due; `false` when the time is over.
    pub(crate) fn wait(&mut self, path: &CStr, clock: &mut Stopwatch, end: u64) -> bool {
        loop {
            self.watch(path);
            let now = clock.elapsed();
            let (left, due) = (end.saturating_sub(now), self.due(now));
            if due == 0 || left == 0 {
                return left > 0;
            }
            clock.poll(self.armed().map(AsFd::as_fd), left.min(due));
            if self.has_news(path) {
                return true;
            }
        }
    }
}

/// Not within `wait`, since the directory takes more room on the stack than all else there.
#[inline(never)]
fn arm(path: &CStr) -> Result<OwnedFd, Error> {
    let watch =
        init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(Error::at(Operation::Open))?;
    let mut directory = LockPath::empty();
    directory.extend(path::directory(path))?;
    let events = WatchFlags::CREATE
        | WatchFlags::DELETE
        | WatchFlags::MOVED_FROM
        | WatchFlags::MOVED_TO
        | WatchFlags::CLOSE_WRITE
        | WatchFlags::ATTRIB
        // A release ends with a close, which is no news.
        | WatchFlags::EXCL_UNLINK;
    add_watch(&watch, directory.as_c_str(), events).map_err(Error::at(Operation::Open))?;
    Ok(watch)
}
