//! Following a lock that others hold.
//!
//! # How this works
//!
//! A watch wakes up as a waiter does, and as that it keeps the file that it saw last open: steps 1 to 5 of `wait.rs`. Each
//! look keeps open what is there now, sees whose it is, and compares:
//!
//! 1. Another file, or none: the last one is asked what became of it. That is told before what is there now.
//! 2. The same file with another holder: that one has died, or somebody has adopted its file.
//! 3. A file of ours that wasn't there at the last look has been made just now, and its maker may not have come to its
//!    `flock` yet. It counts as that maker's for a quarter of a second, in which its `flock` isn't touched.
//! 4. A `flock` that is free tells of a death only while the path names the file: a release ends with the `flock`, too.
//!
//! What remains: a first look can fall between the two calls of a maker, and tell of a death. The next one corrects it.

use core::time::Duration;

use rustix::fd::BorrowedFd;

use crate::holder::Found;
use crate::inode::{self, Facts};
use crate::lock::SUPERVISOR_UID;
use crate::lookout::Lookout;
use crate::pause::PROBE_MS;
use crate::seen::{Fate, Seen};
use crate::stopwatch::{Stopwatch, milliseconds};
use crate::{Error, Holder, LockPath};

/// How long the `flock` of a new file may take: longer than a busy device keeps its maker from the processor.
const NEW_FILE_MS: u64 = PROBE_MS as u64;

/// What has happened to a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event {
    /// It has this holder now: who came where nobody was, in place of another one, or by adopting a dead one's file.
    /// [`Holder::Stale`] is the holder before, which has died.
    Taken(Holder),
    /// Its holder gave it back. The Supervisor's own file, or another tool's, has gone, whoever removed it.
    Freed,
    /// It was taken away from an application of this library, by an override or by hand.
    Lost,
}

/// Tells what happens to a lock, in order, without taking it.
///
/// The first look tells who has the lock, if anybody does. What follows is told by one event for each change, the end of
/// one holder before the beginning of the next: an override, for example, is `Lost`, `Taken(Supervisor)`, `Freed`.
///
/// A look sees what is there, and what became of what it saw last. Missed is a holder that came and went between two
/// looks, and one that died and whose file was adopted before the next look. The members of a shared hold are one holder.
/// An adoption makes no news, nor does the death of an adopter: they are told by the look of each second.
///
/// Like a [`Waiter`](crate::Waiter) it has no clock: who waits passes the time, in milliseconds since any moment. For a
/// thread that can block there is [`wait`](Self::wait), which has a clock of its own: use one or the other.
///
/// ```no_run
/// use update_lock::{Error, Event, LockPath, Watch};
///
/// # fn now() -> u64 { 0 }
/// # fn poll(descriptor: Option<rustix::fd::BorrowedFd<'_>>, milliseconds: u64) {}
/// fn follow(path: &LockPath, tell: impl Fn(Event)) -> Result<(), Error> {
///     let mut watch = Watch::new(path);
///     loop {
///         while let Some(event) = watch.look(now())? {
///             tell(event);
///         }
///         watch.watch();
///         let due = watch.due(now());
///         poll(watch.watch(), due);
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Watch {
    path: LockPath,
    lookout: Lookout,
    has_looked: bool,
    seen: Option<Seen>,
    /// Until when the `flock` of what was seen is left to its maker.
    settled: u64,
    /// What the last look saw after what it told.
    untold: Option<Event>,
    /// That of `wait`.
    clock: Option<Stopwatch>,
}

impl Watch {
    /// A watch that hasn't looked yet.
    #[must_use]
    pub fn new(path: &LockPath) -> Self {
        Self {
            path: path.clone(),
            lookout: Lookout::new(None),
            has_looked: false,
            seen: None,
            settled: 0,
            untold: None,
            clock: None,
        }
    }

    /// What has happened since the last look; `None` where nothing has. Look when there are news, when [`due`](Self::due)
    /// says so, and until it is `None`.
    ///
    /// To see whether a holder lives it takes the `flock` for a moment, as the host's reboot check does.
    ///
    /// # Errors
    ///
    /// [`Error::System`] where the path can't be looked up or its `flock` can't be tried. Nothing is lost: the next look
    /// tells it.
    pub fn look(&mut self, now: u64) -> Result<Option<Event>, Error> {
        if let event @ Some(_) = self.untold.take() {
            return Ok(event);
        }
        self.lookout.put_off(now);
        let _ = self.has_news();
        let found = self.find(now)?;
        self.has_looked = true;
        let end = self.end(found.as_ref())?;
        let before = self.seen.take().filter(|_| end.is_none());
        let before = before.map(|seen| seen.holder);
        let after = found.as_ref().map(|seen| seen.holder);
        let taken = after.filter(|_| before != after).map(Event::Taken);
        self.seen = found;
        if end.is_none() {
            return Ok(taken);
        }
        self.untold = taken; // 1
        Ok(end)
    }

    /// Waits for the next event, for at most `timeout` by a clock of its own: for a thread that can block. `None` when
    /// the time has passed; a signal neither ends the wait nor stretches it.
    ///
    /// # Errors
    ///
    /// As [`look`](Self::look).
    pub fn wait(&mut self, timeout: Duration) -> Result<Option<Event>, Error> {
        let mut clock = self.clock.take().unwrap_or_else(Stopwatch::start);
        let outcome = self.until_event(&mut clock, milliseconds(timeout));
        self.clock = Some(clock);
        outcome
    }

    fn until_event(&mut self, clock: &mut Stopwatch, timeout: u64) -> Result<Option<Event>, Error> {
        let end = clock.elapsed().saturating_add(timeout);
        let mut is_over = timeout == 0;
        loop {
            let event = self.look(clock.elapsed())?;
            if event.is_some() || is_over {
                return Ok(event);
            }
            is_over = !self.lookout.wait(self.path.as_c_str(), clock, end);
        }
    }

    /// The path of the lock file.
    #[must_use]
    pub fn path(&self) -> &LockPath {
        &self.path
    }

    /// In how many milliseconds a look is due, should there be no news: at once while there is more to tell.
    #[must_use]
    pub fn due(&self, now: u64) -> u64 {
        match self.untold {
            Some(_) => 0,
            None => self.lookout.due(now),
        }
    }

    /// What becomes readable when there may be news: armed by the first call, after which a look is due.
    ///
    /// `None` where `inotify` is refused, for example by its limit: 128 instances for each user by default.
    pub fn watch(&mut self) -> Option<BorrowedFd<'_>> {
        self.lookout.watch(self.path.as_c_str())
    }

    /// Whether anything has happened to the lock since the last call or look; files beside it don't count.
    pub fn has_news(&mut self) -> bool {
        self.lookout.has_news(self.path.as_c_str())
    }

    /// What became of the file that was seen last, if `found` is another.
    fn end(&self, found: Option<&Seen>) -> Result<Option<Event>, Error> {
        match &self.seen {
            Some(old) if found.is_none_or(|new| new.inode != old.inode) => {
                Ok(Some(match old.fate()? {
                    Fate::Lost => Event::Lost,
                    Fate::Released | Fate::Unknown => Event::Freed,
                }))
            }
            _ => Ok(None),
        }
    }

    /// What is there now, and whose it is.
    fn find(&mut self, now: u64) -> Result<Option<Seen>, Error> {
        loop {
            let Some((file, facts)) = Seen::open(self.path.as_c_str())? else {
                return Ok(None);
            };
            if !matches!(&self.seen, Some(seen) if seen.inode == facts.inode()) {
                let patience = if self.has_looked { NEW_FILE_MS } else { 0 };
                self.settled = now.saturating_add(patience);
            }
            if now < self.settled && is_ours(&facts) {
                self.lookout.next = self.settled.min(self.lookout.next); // 3
                return Ok(Some(Seen::new(Holder::App, &facts, file)));
            }
            let found = Found::look(self.path.as_c_str())?;
            // 4
            if let Some(found) = found.filter(|found| found.facts.inode() == facts.inode())
                && inode::names(self.path.as_c_str(), facts.inode())?
            {
                return Ok(Some(Seen::new(found.holder, &facts, file)));
            }
        }
    }
}

fn is_ours(facts: &Facts) -> bool {
    facts.is_regular() && facts.is_marked() && facts.uid() != SUPERVISOR_UID
}
