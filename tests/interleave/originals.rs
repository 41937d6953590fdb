//! Processes that have just been started, to fork from: most of the time of a run would else be that of its starts.

use std::collections::HashMap;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::abi;
use crate::scenario::Role;
use crate::tracee::Tracee;
use crate::world::{Actor, World};

/// One for each actor, before its first system call that matters.
#[derive(Default)]
pub(crate) struct Originals(HashMap<Actor, Tracee>);

impl Originals {
    /// A copy of this actor, which is always of that role and for that lock.
    pub(crate) fn fork(
        &mut self,
        actor: Actor,
        role: Role,
        programs: &Path,
        world: &World,
    ) -> Tracee {
        let original = self.0.entry(actor).or_insert_with(|| {
            let mut original = start(role, programs, world);
            original.next_call().expect("it looks for the lock");
            original
        });
        original.fork()
    }
}

/// The process of a role: the driver, or the program.
fn start(role: Role, programs: &Path, world: &World) -> Tracee {
    let path = world.path.as_os_str();
    // `run` is given a path for its command.
    let programs = std::fs::canonicalize(programs).expect("they have been built");
    let words = match role {
        Role::Run => "run --no-wait --on-lost ignore --",
        Role::Acquire => "acquire --no-wait --for SELF",
        Role::AcquireShared => "acquire --no-wait --shared --for SELF",
        Role::Release => "release --for SELF",
        Role::Lockfile => "-r0 -l1 -s0",
        _ => {
            let mut command = Command::new(programs.join("driver"));
            command.args([role.argument().as_ref(), path]);
            return Tracee::start(command, abi::filter(abi::CUT_SHORT));
        }
    };
    let mut command = Command::new(programs.join("update-lock"));
    let own = std::process::id().to_string();
    let words = words.replace("SELF", &own);
    let words = words.split(' ');
    match role {
        Role::Lockfile => command.arg0("lockfile").args(words).arg(path),
        _ => command.arg("--lock").arg(path).args(words),
    };
    if role == Role::Run {
        command.arg(programs.join("empty"));
    }
    let of_pauses = match role {
        Role::Release => abi::STOPPED_AT,
        _ => abi::CUT_SHORT,
    };
    Tracee::start(command, abi::filter(of_pauses))
}
