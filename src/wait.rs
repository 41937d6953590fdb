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

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use rustix::fs::{CWD, Mode, OFlags};

use crate::events::News;
use crate::inode::{Facts, Inode};
use crate::lock::{claim, create, user};
use crate::pause::{PROBE_INTERVAL_MS, PROBE_MS};
use crate::stopwatch::Stopwatch;
use crate::{Errno, Error, Holder, LockPath, Operation, UpdateLock, adopt, mark};

/// How long a Supervisor may take from the removal of a file to its own.
const AFTER_OVERRIDE_MS: u64 = 5000;

/// The same, where it isn't known that there is one.
const AFTER_FOREIGN_MS: u64 = 1000;

/// How long the maker of a new file has for its `flock`, before a waiter tries that: the watch wakes the one up between the
/// two calls of the other.
const NEW_FILE_MS: u64 = 10;

/// How often to look where the watch would tell.
const SAFETY_INTERVAL_MS: u64 = 1000;

/// How often to look where nothing would.
const INTERVAL_MS: u64 = 100;

/// Waits for a lock without missing a release, and without breaking an override.
///
/// It has no clock: who waits passes the time, in milliseconds since any moment. For a wait by a thread that can block
/// there is [`UpdateLock::acquire_timeout`].
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
///         let due = waiter.due(now());
///         poll(waiter.watch(), due);
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Waiter {
    path: LockPath,
    watch: Watch,
    seen: Option<Seen>,
    /// How many files have come to the path since.
    arrivals: u32,
    /// When the path was found free.
    free_since: Option<u64>,
    /// When the next look is due.
    next: u64,
}

#[derive(Debug)]
enum Watch {
    NotYet,
    Armed(OwnedFd),
    Refused,
}

/// What was at the path.
#[derive(Debug)]
struct Seen {
    holder: Holder,
    inode: Inode,
    file: SeenFile,
}

#[derive(Debug)]
enum SeenFile {
    /// By `O_PATH`, which needs no permission, and whose close is no event.
    Path(OwnedFd),
    /// The file of a lock that was lost.
    Lost(UpdateLock),
}

impl Waiter {
    /// A waiter that hasn't looked yet.
    #[must_use]
    pub fn new(path: &LockPath) -> Self {
        Self {
            path: path.clone(),
            watch: Watch::NotYet,
            seen: None,
            arrivals: 0,
            free_since: None,
            next: 0,
        }
    }

    /// A waiter for a lock that has been lost, to take it again once the override is over.
    ///
    /// The lost file stays open until another one is seen.
    #[must_use]
    pub fn after_loss(mut lock: UpdateLock) -> Self {
        let mut waiter = Self::new(lock.path());
        if let Some(watch) = lock.watch.take() {
            waiter.watch = Watch::Armed(watch);
        }
        lock.is_released = true;
        waiter.seen = Some(Seen {
            holder: Holder::App,
            inode: lock.inode,
            file: SeenFile::Lost(lock),
        });
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
        let user = user()?;
        self.next = now.saturating_add(self.interval());
        loop {
            let _ = self.has_news();
            let lock = match Facts::of_path(&self.path)? {
                None if self.must_give_way(now)? => return Err(Error::GivingWay),
                None => self.create()?,
                Some(facts) if self.has_just_come(&facts) => {
                    if self.see(Holder::App, facts.inode())? {
                        self.next = now.saturating_add(NEW_FILE_MS);
                        return Err(Error::Held(Holder::App));
                    }
                    None
                }
                Some(facts) => match adopt::adopt(&self.path, user) {
                    Ok(claim) => claim.map(|(file, inode)| UpdateLock::of(file, inode, &self.path)),
                    Err(Error::Held(holder)) if self.see(holder, facts.inode())? => {
                        return Err(Error::Held(holder));
                    }
                    Err(Error::Held(_)) => None,
                    Err(error) => return Err(error),
                },
            };
            if let Some(mut lock) = lock {
                step!("wait: acquired");
                // Its close stalls for milliseconds: the lock closes it after its release.
                if let Watch::Armed(watch) = core::mem::replace(&mut self.watch, Watch::NotYet) {
                    lock.watch = Some(watch);
                }
                return Ok(lock);
            }
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
        self.next.saturating_sub(now)
    }

    /// What becomes readable when there may be news: armed by the first call, after which a look is due.
    ///
    /// `None` where `inotify` is refused; by its limit, 128 for each user by default.
    pub fn watch(&mut self) -> Option<BorrowedFd<'_>> {
        self.watch.arm(&self.path, &mut self.next)
    }

    /// Whether anything has happened to the lock since the last call or look; files beside it don't count.
    pub fn has_news(&mut self) -> bool {
        let Watch::Armed(watch) = &self.watch else {
            return false;
        };
        let mut news = News::default();
        let mut events = [0; 512];
        while let Ok(length @ 1..) = rustix::io::read(watch, &mut events) {
            let events = events.get(..length).unwrap_or_default();
            news.read(events, self.path.file_name());
        }
        if news.arrivals > 0 {
            self.arrivals = self.arrivals.saturating_add(news.arrivals);
            // Whatever has come and gone, the time to give way begins anew.
            self.free_since = None;
        }
        news.is_any
    }

    /// Takes the lock, waiting for at most `timeout` milliseconds.
    pub(crate) fn acquire(mut self, timeout: u64) -> Result<UpdateLock, Error> {
        let mut clock = Stopwatch::start();
        let mut is_over = timeout == 0;
        loop {
            let now = clock.elapsed();
            match self.look(now) {
                Ok(lock) => return Ok(lock),
                Err(Error::Held(_) | Error::GivingWay) if !is_over => {}
                Err(error) => return Err(error),
            }
            if timeout < u64::MAX && now < PROBE_MS.into() {
                // Who can give up must not do so because of probes, whose end is no event.
                self.next = now + u64::from(PROBE_INTERVAL_MS);
            }
            is_over = !self.wait(&mut clock, timeout);
        }
    }

    /// Waits until a look is due; `false` when the time is over.
    fn wait(&mut self, clock: &mut Stopwatch, timeout: u64) -> bool {
        loop {
            let watch = self.watch.arm(&self.path, &mut self.next);
            let now = clock.elapsed();
            let (left, due) = (timeout.saturating_sub(now), self.next.saturating_sub(now));
            if due == 0 || left == 0 {
                return left > 0;
            }
            clock.poll(watch, left.min(due));
            if self.has_news() {
                return true;
            }
        }
    }

    /// Whether somebody has made this file while the watch was armed, and may not have come to its `flock` yet.
    fn has_just_come(&self, facts: &Facts) -> bool {
        let is_known = matches!(&self.seen, Some(seen) if seen.inode == facts.inode());
        self.arrivals > 0 && !is_known && facts.is_regular() && facts.is_marked()
    }

    /// Whether the lock, now that the path is free, is left to an override.
    fn must_give_way(&mut self, now: u64) -> Result<bool, Error> {
        let patience = match &self.seen {
            _ if self.arrivals > 0 => AFTER_FOREIGN_MS, // 6
            Some(seen) => seen.patience()?,
            None => 0,
        };
        let end = self.free_since.get_or_insert(now).saturating_add(patience);
        self.next = end.min(self.next);
        Ok(now < end)
    }

    /// Takes the free lock; `None` where something came in between.
    fn create(&mut self) -> Result<Option<UpdateLock>, Error> {
        self.arrivals = 0;
        let claim = match create(&self.path)? {
            Some(file) => claim(&self.path, file)?,
            None => None,
        };
        let lock = claim.map(|(file, inode)| UpdateLock::of(file, inode, &self.path));
        let _ = self.has_news();
        // 7. One arrival is ours; `lock` is given back here after any other.
        Ok(lock.filter(|_| self.arrivals <= 1))
    }

    /// Keeps what is there open; `false` where it has gone since.
    fn see(&mut self, holder: Holder, inode: Inode) -> Result<bool, Error> {
        self.free_since = None;
        self.arrivals = 0;
        if !matches!(&self.seen, Some(seen) if (seen.holder, seen.inode) == (holder, inode)) {
            let Some(file) = open(&self.path)? else {
                // 6. It went before it could be kept open, and asked.
                self.arrivals = 1;
                return Ok(false);
            };
            if Facts::of_file(&file)?.inode() != inode {
                return Ok(false);
            }
            self.seen = Some(Seen {
                holder,
                inode,
                file: SeenFile::Path(file),
            });
        }
        Ok(true)
    }

    fn interval(&self) -> u64 {
        match self.watch {
            Watch::Refused => INTERVAL_MS,
            _ => SAFETY_INTERVAL_MS,
        }
    }
}

impl Watch {
    /// The watch, armed if it wasn't; `next` is 0 after that.
    fn arm(&mut self, path: &LockPath, next: &mut u64) -> Option<BorrowedFd<'_>> {
        if matches!(self, Self::NotYet) {
            *self = arm(path).map_or(Self::Refused, Self::Armed);
            *next = 0; // 1
        }
        match self {
            Self::Armed(watch) => Some((*watch).as_fd()),
            _ => None,
        }
    }
}

fn arm(path: &LockPath) -> Result<OwnedFd, Error> {
    let watch =
        init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(Error::at(Operation::Open))?;
    let directory = LockPath::joined(path.directory(), b"")?;
    let events = WatchFlags::CREATE
        | WatchFlags::DELETE
        | WatchFlags::MOVED_FROM
        | WatchFlags::MOVED_TO
        | WatchFlags::CLOSE_WRITE;
    add_watch(&watch, directory.as_c_str(), events).map_err(Error::at(Operation::Open))?;
    Ok(watch)
}

fn open(path: &LockPath) -> Result<Option<OwnedFd>, Error> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(CWD, path.as_c_str(), flags, Mode::empty()) {
        Ok(file) => Ok(Some(file)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(Error::system(Operation::Open, errno)),
    }
}

impl Seen {
    /// For how long to give way after this file has gone.
    fn patience(&self) -> Result<u64, Error> {
        Ok(match self.holder {
            Holder::Supervisor => 0,                    // 4
            Holder::Foreign { .. } => AFTER_FOREIGN_MS, // 5
            _ => {
                let file = match &self.file {
                    SeenFile::Path(file) => file,
                    SeenFile::Lost(lock) => &lock.file,
                };
                let mode = Facts::of_file(file)?.mode();
                let is_released = mode.contains(mark::RELEASED);
                if is_released { 0 } else { AFTER_OVERRIDE_MS } // 3
            }
        })
    }
}
