//! A real program as an actor: it stands before a system call that touches the lock, sleeps, waits, or has ended.

use std::hash::{DefaultHasher, Hash, Hasher};

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::abi::{Call, Kind};
use crate::scenario::Role;
use crate::tracee::{End, Tracee};
use crate::world::{Byte, Name, World};

/// The marks of `driver/main.rs`.
const HOLDS: u64 = 0x4000_0000;
const WAITS: u64 = HOLDS + 1;

/// The mark of a keeper that is asked to release: that of `src/mark.rs`.
const ASKED: u32 = 0o1;

/// `CLOCK_MONOTONIC`.
pub(crate) const MONOTONIC: u64 = 1;

/// What a look for a byte has found, for this test.
const LOCKED: i64 = 1;

/// How often a flock is tried again: more often than any program has patience for.
const PATIENCE: u32 = 1000;

/// Where a process stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// Before a call that touches the lock.
    Call(Call),
    /// Before the same call, which has just been refused.
    Again(Call),
    /// It waits for news.
    Wait,
    /// The same, but not for the lock: a keeper for the end of its hold, a release for that of the keeper; `lockfile` for
    /// a while.
    Idle,
    Ended(End),
}

/// What a step has shown to the process that made it.
pub(crate) struct Made {
    pub(crate) call: Call,
    pub(crate) answer: i64,
}

pub(crate) struct Process {
    tracee: Tracee,
    pub(crate) place: Place,
    /// Its descriptors of the lock's file, and of the watch.
    files: Vec<i32>,
    /// Those of them whose close is heard of.
    written: Vec<i32>,
    /// What its watch will tell it, if it has one.
    news: Vec<&'static str>,
    has_watch: bool,
    is_reading: bool,
    /// What it has seen so far. As it is deterministic, two processes that have seen the same are the same.
    history: DefaultHasher,
    /// Its own file, from the moment on that it has started its command.
    protects: Option<Name>,
    command: Option<i64>,
    /// It waits by waiting for a signal.
    naps: bool,
    role: Role,
    /// The time by its clock.
    milliseconds: i64,
    /// Its last call, if that was a `flock` which was refused for now.
    refused: Option<Call>,
    /// It says that it has the lock, and has done nothing since.
    pub(crate) believes: bool,
}

impl Process {
    /// A process that has just been started, at the first place that it comes to.
    pub(crate) fn new(tracee: Tracee, role: Role, world: &World) -> Self {
        let mut process = Self {
            tracee,
            place: Place::Wait,
            files: vec![],
            written: vec![],
            news: vec![],
            has_watch: false,
            is_reading: false,
            history: DefaultHasher::new(),
            protects: None,
            command: None,
            naps: false,
            role,
            milliseconds: 0,
            refused: None,
            believes: false,
        };
        process.go_on(world);
        process
    }

    pub(crate) fn pid(&self) -> Pid {
        self.tracee.pid()
    }

    /// Makes the call that it stands before, and goes on to the next place.
    pub(crate) fn step(&mut self, world: &World) -> Made {
        let (Place::Call(call) | Place::Again(call)) = self.place else {
            panic!("it stands before no call");
        };
        // Who has a command that runs believes until it looks.
        let named = world.at_path().map(|file| file.name);
        let is_own = self.files.contains(&call.descriptor());
        let looks = ["newfstatat", "statx"].contains(&call.name) && !is_own;
        let is_told = looks && named != self.protects || is_own && self.is_asked(&call, world);
        self.believes &= self.protects.is_some() && !is_told;
        let made = self.make(call, world);
        // Locked by who asks, if it is a keeper that looks; an `acquire` looks before it believes.
        self.believes &= !(call.looks_for_byte() && made.answer == LOCKED);
        self.is_reading = call.name == "read";
        made
    }

    /// Whether a keeper finds by this call that it is asked to release.
    fn is_asked(&self, call: &Call, world: &World) -> bool {
        let file = world.open_file(self.pid(), call.descriptor());
        self.role == Role::Acquire && file.is_some_and(|file| file.mode & ASKED != 0)
    }

    fn make(&mut self, call: Call, world: &World) -> Made {
        let target = match call.kind {
            Kind::OfPath if !self.files.contains(&call.descriptor()) => world.at_path(),
            _ => world.open_file(self.pid(), call.descriptor()),
        };
        let answer = self.tracee.make_call();
        let answer = match call.looks_for_byte() {
            true => self.byte_found(&call),
            false => answer,
        };
        // As many bytes as its process id has digits, among others.
        let result = if call.name == "write" {
            answer.signum()
        } else {
            answer
        };
        (call.name, result, target).hash(&mut self.history);
        let is_refused = call.name == "flock" && answer == -(Errno::EWOULDBLOCK as i64);
        self.refused = is_refused.then_some(call);
        match call.name {
            "openat" if answer >= 0 => {
                self.files.push(answer as i32);
                self.written.retain(|&file| file != answer as i32);
                if call.writes() {
                    self.written.push(answer as i32);
                }
            }
            // All that there are.
            "read" => std::mem::take(&mut self.news).hash(&mut self.history),
            "close" => self.files.retain(|&file| file != call.descriptor()),
            _ => {}
        }
        Made { call, answer }
    }

    /// The answer is in the first half-word of a `struct flock`.
    fn byte_found(&self, call: &Call) -> i64 {
        let kind = self.tracee.read(call.arguments[2])[0] as i16;
        i64::from(i32::from(kind) != nix::libc::F_UNLCK) * LOCKED
    }

    /// After a step: to the next place.
    pub(crate) fn go_on(&mut self, world: &World) {
        let mut parent = None;
        self.place = loop {
            let Some(call) = self.tracee.next_call() else {
                break Place::Ended(self.tracee.end().expect("it has ended"));
            };
            let is_of_lock = match call.kind {
                // Of a descriptor with an empty path.
                Kind::OfPath if self.files.contains(&call.descriptor()) => true,
                Kind::OfPath => self.tracee.has_string(call.arguments[1], &world.path_text),
                Kind::OfFile => self.files.contains(&call.descriptor()),
                _ => false,
            };
            let is_again = |refused: &Call| {
                refused.name == call.name && refused.arguments[..2] == call.arguments[..2]
            };
            if is_of_lock && self.refused.as_ref().is_some_and(is_again) {
                break Place::Again(call);
            }
            if is_of_lock && !self.commutes(&call, world) {
                break Place::Call(call);
            }
            match (call.kind, call.arguments[0]) {
                _ if is_of_lock => _ = self.make(call, world),
                (Kind::Mark, WAITS) => break Place::Wait,
                (Kind::Mark, HOLDS) => self.believes = true,
                (Kind::Clock, MONOTONIC) => {
                    let (seconds, rest) = (self.milliseconds / 1000, self.milliseconds % 1000);
                    let time = [seconds, rest * 1_000_000];
                    self.tracee.write(call.arguments[1], time);
                    self.tracee.answer_call(0);
                }
                (Kind::Nap, _) if self.protects.is_none() => {
                    self.naps = true;
                    break match self.role {
                        Role::Lockfile => Place::Idle,
                        _ => Place::Wait,
                    };
                }
                // Between two attempts at the same `flock`, which are counted.
                (Kind::Pause, _) if self.refused.is_some() => self.tracee.answer_call(0),
                (Kind::Pause | Kind::Yield, _) => {
                    // It has no memory of what it has seen before, but of where it is: it looks anew.
                    self.history = DefaultHasher::new();
                    call.instruction.hash(&mut self.history);
                    break Place::Idle;
                }
                // Its keeper goes on in its place.
                (Kind::Fork, _) if self.role.leaves_keeper() => {
                    let keeper = self.tracee.follow();
                    parent = Some(std::mem::replace(&mut self.tracee, keeper));
                    self.protects = self.flocks(world).first().map(|&(name, _)| name);
                    self.believes = true;
                }
                (Kind::Fork, _) => {
                    let own = self.flocks(world).first().copied();
                    self.protects = own.map(|(name, _)| name);
                    self.believes = true;
                    self.command = Some(self.tracee.make_call());
                }
                (Kind::Reap, _) => self.believes &= self.tracee.make_call() <= 0,
                (Kind::Watch, _) => {
                    let watch = self.tracee.make_call() as i32;
                    assert!(watch >= 0, "this user has no inotify instance left");
                    self.files.push(watch);
                    self.has_watch = true;
                }
                _ => {}
            }
        };
        // Neither touches the lock until the keeper has said that it is ready, and the other one has ended.
        if let Some(mut parent) = parent {
            while parent.next_call().is_some() {}
        }
    }

    /// Whether it makes no difference when it makes this call: what a lock's file says in its first bytes was there before
    /// the file, the close of a file without a lock that was open for reading is seen by nobody, who reads its news until
    /// there are no more reads them at once, and of bytes there is nothing to see where nobody locks any.
    fn commutes(&self, call: &Call, world: &World) -> bool {
        match call.name {
            "pread64" => true,
            "read" => self.is_reading,
            "close" => {
                let file = call.descriptor();
                let has_lock = || {
                    let (pid, file) = (self.pid(), file);
                    world.flock(pid, file).is_some() || !world.bytes(pid, file).is_empty()
                };
                !self.written.contains(&file) && !has_lock()
            }
            // What it has already, its keeper locks once more.
            "fcntl" if world.has_bytes && !call.looks_for_byte() => {
                !world.bytes(self.pid(), call.descriptor()).is_empty()
            }
            "fcntl" => !world.has_bytes,
            _ => false,
        }
    }

    /// Lets the time pass for which it tries again and again, while nobody else does anything.
    pub(crate) fn lose_patience(&mut self, world: &World) {
        "patience".hash(&mut self.history);
        for _ in 0..PATIENCE {
            self.go_on(world);
            if !matches!(self.place, Place::Again(_)) {
                return;
            }
        }
        panic!("its patience has no end");
    }

    /// Ends its wait, and says how many milliseconds it took.
    pub(crate) fn look_again(&mut self, world: &World, milliseconds: i64) {
        milliseconds.hash(&mut self.history);
        self.milliseconds += milliseconds;
        let answer = match self.place {
            _ if self.naps => -(Errno::EAGAIN as i64),
            Place::Idle => 0,
            _ => milliseconds,
        };
        self.tracee.answer_call(answer);
        // What has happened until now is its news.
        self.is_reading = true;
        self.go_on(world);
    }

    /// A name has come or gone, or a file was closed or changed.
    pub(crate) fn hears(&mut self, event: &'static str) {
        if self.has_watch {
            self.news.push(event);
        }
    }

    /// Its `flock`s on files of this run.
    pub(crate) fn flocks(&self, world: &World) -> Vec<(Name, bool)> {
        let files = self.open_files().iter();
        let flocks = files.filter_map(|&file| world.flock(self.pid(), file));
        flocks.collect()
    }

    /// The bytes of these that it has locked.
    pub(crate) fn bytes(&self, world: &World) -> Vec<(Name, Byte)> {
        let files = self.open_files().iter();
        let bytes = files.flat_map(|&file| world.bytes(self.pid(), file));
        bytes.collect()
    }

    fn open_files(&self) -> &[i32] {
        match self.place {
            Place::Ended(_) => &[],
            _ => &self.files,
        }
    }

    pub(crate) fn crash(&mut self) {
        self.tracee.crash();
        self.believes = false;
        // Which has the lock as well.
        while self.command.is_some_and(is_alive) {
            std::thread::yield_now();
        }
        self.place = Place::Ended(self.tracee.end().expect("it was killed"));
    }

    /// What its further course depends on, but for the lock's file itself.
    pub(crate) fn hash(&self, world: &World, hasher: &mut impl Hasher) {
        match self.place {
            Place::Ended(end) => end.hash(hasher),
            _ => self.history.finish().hash(hasher),
        }
        (self.believes, &self.news).hash(hasher);
        if !matches!(self.place, Place::Ended(_)) {
            for &file in &self.files {
                world.open_file(self.pid(), file).hash(hasher);
            }
        }
    }
}

fn is_alive(pid: i64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    state.is_some_and(|state| !"ZX".contains(state))
}
