//! Waiting for a lock, and giving way to an override.
//!
//! # Waking up
//!
//! `inotify` on the lock's directory tells of names that go (a release, an override) and come (the Supervisor's file after
//! an override, a file that is renamed over ours), and of the close of a file that was open for writing (a holder that
//! died). A look itself is none of these: it opens for reading only, or not at all. Otherwise each waiter's look would wake
//! all the others, and itself.
//!
//! 1. The watch is armed, then comes a look: a release between the last look and the watch is seen by that look.
//! 2. As a safety net a look comes once a second anyway, and ten times a second where there is no `inotify`.
//!
//! # Giving way
//!
//! A forced Supervisor removes the file and creates its own some milliseconds later. Who takes the lock in between breaks
//! the override that its owner asked for. So a waiter remembers what it saw last, and when the path has become free:
//!
//! 3. Ours, as the file's mode says: it keeps that inode open, and asks *it*. With the mark of a release on it, the lock is
//!    taken at once. Without, it was taken by force, or by a person's `rm`: the Supervisor's file will come and go. If none
//!    comes within five seconds, the lock is taken.
//! 4. The Supervisor's: taken at once.
//! 5. Foreign: nobody can tell. The waiter gives way for one second.
//! 6. Unseen: another file has come since the last look, and gone. The same.
//!
//! 7. Between the look that found the path free and the creation somebody else may have taken the lock, and lost it by
//!    force. The watch tells, and the lock is given back at once.
//!
//! What remains: a first look, which has seen nothing before, can fall into the gap; and the microseconds of 7.

use core::time::Duration;

use rustix::fd::BorrowedFd;
use rustix::fs::FlockOperation;

use crate::flock::{EXCLUSIVE, SHARED};
use crate::hold::Hold;
use crate::inode::{Facts, Inode};
use crate::lock::{claim, create, user};
use crate::lookout::Lookout;
use crate::pause::{PROBE_INTERVAL_MS, PROBE_MS};
use crate::seen::{Fate, Seen};
use crate::stopwatch::{Stopwatch, milliseconds};
use crate::{Error, Holder, LockPath, SharedLock, UpdateLock, adopt};

/// How long a Supervisor may take from the removal of a file to its own.
const AFTER_OVERRIDE_MS: u64 = 5000;

/// The same, where it isn't known that there is one.
const AFTER_FOREIGN_MS: u64 = 1000;

/// How long the maker of a new file has for its `flock`, before a waiter tries that: the watch wakes the one up between the
/// two calls of the other.
const NEW_FILE_MS: u64 = 10;

/// Waits for a lock without missing a release, and without breaking an override.
///
/// It has no clock: who waits passes the time, in milliseconds since any moment. For a wait by a thread that can block
/// there are [`wait`](Self::wait) and [`UpdateLock::acquire_timeout`].
///
/// ```no_run
/// use update_lock::{Error, LockPath, UpdateLock, Waiter};
///
/// # fn now() -> u64 { 0 }
/// # fn poll(descriptor: Option<rustix::fd::BorrowedFd<'_>>, milliseconds: u64) {}
/// fn wait(path: &LockPath) -> Result<UpdateLock, Error> {
///     let mut waiter = Waiter::new(path);
///     loop {
///         match waiter.look(now()) {
///             Err(Error::Held(_) | Error::GivingWay) => {}
///             outcome => return outcome,
///         }
///         waiter.watch();
///         let due = waiter.due(now());
///         poll(waiter.watch(), due);
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Waiter {
    path: LockPath,
    lookout: Lookout,
    last: Last,
    /// How many files had come to the path then.
    arrivals: u32,
    /// When the path was found free, and how many files had come to it then.
    free_since: Option<(u64, u32)>,
}

/// What was at the path when it was seen last.
#[derive(Debug)]
enum Last {
    Nothing,
    File(Seen),
    /// Our own file, before it was taken away.
    Lost,
}

impl Waiter {
    /// A waiter that hasn't looked yet.
    #[must_use]
    pub fn new(path: &LockPath) -> Self {
        Self {
            path: path.clone(),
            lookout: Lookout::new(None),
            last: Last::Nothing,
            arrivals: 0,
            free_since: None,
        }
    }

    /// A waiter for a lock that has been lost, to take it again once the override is over.
    #[must_use]
    pub fn after_loss(mut lock: UpdateLock) -> Self {
        lock.is_released = true;
        Self::after(&mut lock.hold)
    }

    /// The same for a shared hold.
    #[must_use]
    pub fn after_shared_loss(mut lock: SharedLock) -> Self {
        lock.has_left = true;
        Self::after(&mut lock.hold)
    }

    fn after(lost: &mut Hold) -> Self {
        let mut waiter = Self::new(&lost.path);
        waiter.lookout = Lookout::new(lost.watch.take());
        waiter.last = Last::Lost;
        waiter
    }

    /// Takes the lock, if it can be taken without breaking an override. With the lock goes the watch, which is closed
    /// when the lock has been released.
    ///
    /// # Errors
    ///
    /// - [`Error::Held`]: by whom. Look again when there are news.
    /// - [`Error::GivingWay`]: it was taken away from its holder. Look again when there are news, or at [`due`](Self::due).
    /// - Others as [`UpdateLock::try_acquire`].
    pub fn look(&mut self, now: u64) -> Result<UpdateLock, Error> {
        self.look_as(now, EXCLUSIVE).map(UpdateLock::of)
    }

    /// Takes a shared hold: as [`look`](Self::look), and beside others who share the lock.
    ///
    /// # Errors
    ///
    /// As [`look`](Self::look), and as [`SharedLock::try_acquire`].
    pub fn look_shared(&mut self, now: u64) -> Result<SharedLock, Error> {
        self.look_as(now, SHARED).map(SharedLock::of)
    }

    fn look_as(&mut self, now: u64, how: FlockOperation) -> Result<Hold, Error> {
        self.lookout.looks(now);
        let user = user()?;
        loop {
            let _ = self.has_news();
            let hold = match Facts::of_path(&self.path)? {
                None if self.must_give_way(now)? => return Err(Error::GivingWay),
                None => self.create(how)?,
                Some(facts) if self.has_just_come(&facts) => {
                    if self.see(Holder::App, facts.inode())? {
                        self.lookout.next = now.saturating_add(NEW_FILE_MS);
                        return Err(Error::Held(Holder::App));
                    }
                    None
                }
                Some(facts) => match adopt::adopt(&self.path, user, how) {
                    Err(Error::Held(holder)) if self.see(holder, facts.inode())? => {
                        return Err(Error::Held(holder));
                    }
                    Err(Error::Held(_)) => None,
                    claim => claim?.map(|(file, inode)| Hold::new(file, inode, &self.path)),
                },
            };
            if let Some(mut hold) = hold {
                step!("wait: acquired");
                // Its close stalls for milliseconds: the lock closes it after its release.
                hold.watch = self.lookout.take_watch();
                return Ok(hold);
            }
        }
    }

    /// Takes the lock, waiting for at most `timeout` by a clock of its own, for a thread that can block.
    ///
    /// # Errors
    ///
    /// As [`UpdateLock::acquire_timeout`].
    pub fn wait(self, timeout: Duration) -> Result<UpdateLock, Error> {
        self.wait_as(timeout, EXCLUSIVE).map(UpdateLock::of)
    }

    /// Takes a shared hold, waiting for at most `timeout` by a clock of its own, for a thread that can block.
    ///
    /// # Errors
    ///
    /// As [`SharedLock::acquire_timeout`].
    pub fn wait_shared(self, timeout: Duration) -> Result<SharedLock, Error> {
        self.wait_as(timeout, SHARED).map(SharedLock::of)
    }

    fn wait_as(mut self, timeout: Duration, how: FlockOperation) -> Result<Hold, Error> {
        let timeout = milliseconds(timeout);
        let mut clock = Stopwatch::start();
        let mut is_over = timeout == 0;
        // By another clock, if any.
        self.free_since = None;
        loop {
            let now = clock.elapsed();
            match self.look_as(now, how) {
                Ok(hold) => return Ok(hold),
                Err(Error::Held(_) | Error::GivingWay) if !is_over => {}
                Err(error) => return Err(error),
            }
            if timeout < u64::MAX && now < PROBE_MS.into() {
                // Who can give up must not do so because of probes, whose end is no event.
                self.lookout.next = now + u64::from(PROBE_INTERVAL_MS);
            }
            is_over = !self.lookout.wait(&self.path, &mut clock, timeout);
        }
    }

    /// The path of the lock file.
    #[must_use]
    pub fn path(&self) -> &LockPath {
        &self.path
    }

    /// In how many milliseconds a look is due, should there be no news.
    #[must_use]
    pub fn due(&self, now: u64) -> u64 {
        self.lookout.due(now)
    }

    /// What becomes readable when there may be news: armed by the first call, after which a look is due.
    ///
    /// `None` where `inotify` is refused; by its limit, 128 for each user by default.
    pub fn watch(&mut self) -> Option<BorrowedFd<'_>> {
        self.lookout.watch(&self.path)
    }

    /// Whether anything has happened to the lock since the last call or look; files beside it don't count.
    pub fn has_news(&mut self) -> bool {
        self.lookout.has_news(&self.path)
    }

    /// How many files have come to the path since it was seen last.
    fn new_arrivals(&self) -> u32 {
        self.lookout.arrivals.wrapping_sub(self.arrivals)
    }

    /// Whether somebody has made this file while the watch was armed, and may not have come to its `flock` yet.
    fn has_just_come(&self, facts: &Facts) -> bool {
        let is_known = matches!(&self.last, Last::File(seen) if seen.inode == facts.inode());
        self.new_arrivals() > 0 && !is_known && facts.is_regular() && facts.is_marked()
    }

    /// Whether the lock, now that the path is free, is left to an override.
    fn must_give_way(&mut self, now: u64) -> Result<bool, Error> {
        let patience = match &self.last {
            _ if self.new_arrivals() > 0 => AFTER_FOREIGN_MS, // 6
            Last::Nothing => 0,
            Last::Lost => AFTER_OVERRIDE_MS, // 3
            Last::File(seen) => match seen.fate()? {
                Fate::Released => 0,               // 3, 4
                Fate::Lost => AFTER_OVERRIDE_MS,   // 3
                Fate::Unknown => AFTER_FOREIGN_MS, // 5
            },
        };
        let arrivals = self.lookout.arrivals;
        let since = match self.free_since {
            Some((since, before)) if before == arrivals => since,
            // Whatever has come and gone, the time to give way begins anew.
            _ => now,
        };
        self.free_since = Some((since, arrivals));
        let end = since.saturating_add(patience);
        let gives_way = now < end;
        if gives_way {
            self.lookout.next = end.min(self.lookout.next);
        }
        Ok(gives_way)
    }

    /// Takes the free lock; `None` where something came in between.
    fn create(&mut self, how: FlockOperation) -> Result<Option<Hold>, Error> {
        self.arrivals = self.lookout.arrivals;
        let claim = match create(&self.path)? {
            Some(file) => claim(&self.path, file, how)?,
            None => None,
        };
        let hold = claim.map(|(file, inode)| Hold::new(file, inode, &self.path));
        let _ = self.has_news();
        // 7. One arrival is ours; the lock is given back after any other.
        if self.new_arrivals() > 1
            && let Some(hold) = hold
        {
            if how == SHARED {
                drop(SharedLock::of(hold));
            } else {
                drop(UpdateLock::of(hold));
            }
            return Ok(None);
        }
        Ok(hold)
    }

    /// Keeps what is there open; `false` where it has gone since.
    fn see(&mut self, holder: Holder, inode: Inode) -> Result<bool, Error> {
        self.free_since = None;
        self.arrivals = self.lookout.arrivals;
        if matches!(&self.last, Last::File(seen) if (seen.holder, seen.inode) == (holder, inode)) {
            return Ok(true);
        }
        let Some((file, facts)) = Seen::open(&self.path)? else {
            // 6. It went before it could be kept open, and asked.
            self.arrivals = self.lookout.arrivals.wrapping_sub(1);
            return Ok(false);
        };
        let is_same = facts.inode() == inode;
        if is_same {
            self.last = Last::File(Seen::new(holder, &facts, file));
        }
        Ok(is_same)
    }
}
