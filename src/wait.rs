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
//! 6. Unseen: another file has come since the last look, and gone. If a change of its attributes was the last that was heard
//!    of it, it was released: step 7 of `lock.rs` is heard just before its removal. Otherwise as 5.
//! 7. Between the look that found the path free and the creation somebody else may have taken the lock, and lost it by
//!    force. The watch tells, and the lock is given back at once.
//! 8. All this takes that what the watch has to tell is known when a look is judged: who hears of something after a look
//!    looks again.
//!
//! What remains: a first look, which hasn't kept anything open yet, can fall into the gap; the microseconds of 7; and an override
//! between a release's look and its `unlink`, which passes for that release. And what was changed and taken away by force, both
//! unseen and with nothing in between, passes for released: a lock between a keeper's mark and its note, another tool's file
//! after a `chmod`.

use core::ffi::CStr;

use rustix::fs::FlockOperation;

use crate::events::History;
use crate::flock::SHARED;
use crate::hold::Hold;
use crate::inode::{Facts, Inode, is_absent};
use crate::lock::{claim, create, give_back, user};
use crate::lookout::Lookout;
use crate::pause::{PROBE_INTERVAL_MS, PROBE_MS};
use crate::seen::{Fate, Seen};
use crate::shared::give_up;
use crate::stopwatch::Stopwatch;
use crate::{Error, Holder, adopt};

/// How long a Supervisor may take from the removal of a file to its own.
const AFTER_OVERRIDE_MS: u64 = 5000;

/// The same, where it isn't known that there is one.
const AFTER_FOREIGN_MS: u64 = 1000;

/// How long the maker of a new file has for its `flock`, before a waiter tries that: the watch wakes the one up between the
/// two calls of the other.
const NEW_FILE_MS: u64 = 10;

/// How often to look again at once where one change follows the other.
const MOST_LOOKS: u32 = 100;

/// A wait for a lock whose path each call is given: always the same.
#[derive(Debug)]
pub struct Wait {
    pub(crate) lookout: Lookout,
    last: Last,
    /// Which files had come to the path and gone by then.
    before: History,
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

impl Wait {
    /// One that hasn't looked yet.
    pub(crate) fn new() -> Self {
        Self {
            lookout: Lookout::new(None),
            last: Last::Nothing,
            before: History::default(),
            free_since: None,
        }
    }

    /// One for a hold that has been lost.
    pub(crate) fn after_loss(lost: &mut Hold) -> Self {
        Self {
            lookout: Lookout::new(lost.watch.take()),
            last: Last::Lost,
            ..Self::new()
        }
    }

    /// As [`Waiter::look`](crate::Waiter::look), with that `flock`.
    pub(crate) fn look(
        &mut self,
        path: &CStr,
        now: u64,
        how: FlockOperation,
    ) -> Result<Hold, Error> {
        self.lookout.put_off(now);
        let user = user()?;
        let mut looks = 0;
        loop {
            let facts = Facts::of_path(path);
            // 8
            if self.lookout.has_news(path) {
                looks += 1;
                if looks == MOST_LOOKS {
                    // The caller's time may be over.
                    self.lookout.next = now;
                    return Err(Error::GivingWay);
                }
                continue;
            }
            let hold = match facts {
                Err(error) if !is_absent(&error) => return Err(error),
                Err(_) if self.must_give_way(now)? => return Err(Error::GivingWay),
                Err(_) => self.create(path, how),
                Ok(facts) if self.has_just_come(&facts) => {
                    if self.see(path, Holder::App, facts.inode())? {
                        self.lookout.next = now.saturating_add(NEW_FILE_MS);
                        return Err(Error::Held(Holder::App));
                    }
                    Ok(None)
                }
                Ok(facts) => match adopt::adopt(path, user, how) {
                    Err(Error::Held(holder)) if self.see(path, holder, facts.inode())? => {
                        return Err(Error::Held(holder));
                    }
                    Err(Error::Held(_)) => Ok(None),
                    hold => hold,
                },
            };
            match hold {
                Ok(None) => {}
                Ok(Some(mut hold)) => {
                    step!("wait: acquired");
                    // Its close stalls for milliseconds: the lock closes it after its release.
                    hold.watch = self.lookout.take_watch();
                    return Ok(hold);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// As [`Waiter::wait`](crate::Waiter::wait), for at most that many milliseconds, with that `flock`.
    pub(crate) fn wait(
        &mut self,
        path: &CStr,
        timeout: u64,
        how: FlockOperation,
    ) -> Result<Hold, Error> {
        let mut clock = Stopwatch::start();
        let mut is_over = timeout == 0;
        // By another clock, if any.
        self.free_since = None;
        loop {
            let now = clock.elapsed();
            match self.look(path, now, how) {
                Ok(hold) => return Ok(hold),
                Err(Error::Held(_) | Error::GivingWay) if !is_over => {}
                Err(error) => return Err(error),
            }
            if timeout < u64::MAX && now < PROBE_MS.into() {
                // Who can give up must not do so because of probes, whose end is no event.
                self.lookout.next = now + u64::from(PROBE_INTERVAL_MS);
            }
            is_over = !self.lookout.wait(path, &mut clock, timeout);
        }
    }

    /// Whether a file has come since then, and gone, that may have been taken away.
    fn is_in_doubt(&self) -> bool {
        self.lookout.history.doubts != self.before.doubts
    }

    /// Whether somebody has made this file while the watch was armed, and may not have come to its `flock` yet.
    fn has_just_come(&self, facts: &Facts) -> bool {
        let is_known = matches!(&self.last, Last::File(seen) if seen.inode == facts.inode());
        let has_come = self.lookout.history.arrivals != self.before.arrivals;
        has_come && !is_known && facts.is_regular() && facts.is_marked()
    }

    /// Whether the lock, now that the path is free, is left to an override.
    #[inline(never)]
    fn must_give_way(&mut self, now: u64) -> Result<bool, Error> {
        let patience = match &self.last {
            _ if self.is_in_doubt() => AFTER_FOREIGN_MS, // 6
            Last::Nothing => 0,
            Last::Lost => AFTER_OVERRIDE_MS, // 3
            Last::File(seen) => match seen.fate()? {
                Fate::Released => 0,               // 3, 4
                Fate::Lost => AFTER_OVERRIDE_MS,   // 3
                Fate::Unknown => AFTER_FOREIGN_MS, // 5
            },
        };
        let arrivals = self.lookout.history.arrivals;
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
    fn create(&mut self, path: &CStr, how: FlockOperation) -> Result<Option<Hold>, Error> {
        self.before = self.lookout.history;
        let Some(file) = create(path)? else {
            return Ok(None);
        };
        let hold = claim(path, file, how);
        let _ = self.lookout.has_news(path);
        match hold {
            // An adopter has it, whom the next look sees.
            Err(Error::Held(_)) => Ok(None),
            // 7
            Ok(Some(hold)) if self.is_in_doubt() => {
                if how == SHARED {
                    let _ = give_up(&hold, path);
                } else {
                    let _ = give_back(&hold, path);
                }
                Ok(None)
            }
            hold => hold,
        }
    }

    /// Keeps what is there open; `false` where it has gone since.
    fn see(&mut self, path: &CStr, holder: Holder, inode: Inode) -> Result<bool, Error> {
        self.free_since = None;
        if !matches!(&self.last, Last::File(seen) if (seen.holder, seen.inode) == (holder, inode)) {
            match Seen::open(path)? {
                Some((file, facts)) if facts.inode() == inode => {
                    self.last = Last::File(Seen::new(holder, &facts, file));
                }
                _ => {
                    self.lookout.miss(); // 6
                    return Ok(false);
                }
            }
        }
        self.lookout.history.see();
        self.before = self.lookout.history;
        Ok(true)
    }
}
