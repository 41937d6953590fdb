//! Those whose programs aren't ours: each step is one system call of theirs, made by this test.

use std::fs::File;
use std::hash::{Hash, Hasher};
use std::os::fd::AsRawFd;

use nix::fcntl::{Flock, FlockArg};
use nix::unistd::Pid;

use crate::scenario::Role;
use crate::world::{Actor, Name, World};

/// Somebody else, who has made so many steps.
pub(crate) struct Peer {
    role: Role,
    actor: Actor,
    step: u8,
    pub(crate) is_done: bool,
    /// Its override was broken: what it had freed was taken.
    pub(crate) is_broken: bool,
    /// The host's descriptor, with a `flock` and without, and of which file it is.
    probe: Option<Result<Flock<File>, File>>,
    probed: Option<Name>,
}

impl Peer {
    pub(crate) fn new(role: Role, actor: Actor) -> Self {
        Self {
            role,
            actor,
            step: 0,
            is_done: false,
            is_broken: false,
            probe: None,
            probed: None,
        }
    }

    /// Whether it is about to do what it takes milliseconds for: less than anybody's patience.
    pub(crate) fn is_probing(&self) -> bool {
        self.probe.is_some()
    }

    /// Whether it has freed the path for itself.
    pub(crate) fn is_forcing(&self) -> bool {
        self.role == Role::ForcedSupervisor && self.step == 1
    }

    /// Its `flock`.
    pub(crate) fn flock(&self, world: &World) -> Option<(Name, bool)> {
        match &self.probe {
            Some(Ok(file)) => world.flock(Pid::this(), file.as_raw_fd()),
            _ => None,
        }
    }

    /// Makes its next step, and says what came of it.
    pub(crate) fn step(&mut self, world: &mut World) -> String {
        let step = self.step;
        self.step += 1;
        match (self.role, step) {
            (Role::ForcedSupervisor, 0) => removes(world),
            (Role::Supervisor, 0) | (Role::ForcedSupervisor, 1) => {
                let is_taken = world.supervisor_takes(self.actor);
                self.is_broken = step == 1 && !is_taken;
                self.takes(is_taken)
            }
            (Role::Helios, 0) => {
                let is_taken = world.helios_takes(self.actor);
                self.takes(is_taken)
            }
            (Role::DyingHelios, _) => {
                let is_taken = world.helios_takes(self.actor);
                self.is_done = true;
                self.takes(is_taken)
            }
            (Role::Tool, 0) => {
                let is_taken = world.tool_takes(self.actor);
                self.takes(is_taken)
            }
            (Role::ForcedHelios, 0) => {
                world.helios_forces(self.actor);
                "renames its file over the lock's".into()
            }
            (Role::Host, _) => self.probes(world),
            _ => {
                self.is_done = true;
                removes(world)
            }
        }
    }

    fn takes(&mut self, is_taken: bool) -> String {
        self.is_done |= !is_taken;
        format!("takes the lock: {is_taken}")
    }

    /// `flock -nx` on what is there.
    fn probes(&mut self, world: &World) -> String {
        match self.probe.take() {
            None => match File::open(&world.path) {
                Ok(file) => {
                    self.probe = Some(Err(file));
                    self.probed = world.at_path().map(|file| file.name);
                    "opens the file".into()
                }
                Err(error) => {
                    self.is_done = true;
                    format!("opens the file: {error}")
                }
            },
            Some(Err(file)) => match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(locked) => {
                    self.probe = Some(Ok(locked));
                    "flock: would reboot".into()
                }
                Err(_) => {
                    self.is_done = true;
                    "flock: refused".into()
                }
            },
            Some(Ok(locked)) => {
                drop(locked);
                self.is_done = true;
                "closes the file".into()
            }
        }
    }
}

impl Hash for Peer {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.step, self.is_done, self.probed).hash(hasher);
        self.probe.as_ref().map(Result::is_ok).hash(hasher);
    }
}

fn removes(world: &World) -> String {
    format!("removes the file: {}", world.remove())
}
