//! Processes that have just been started, to fork from: most of the time of a run would else be that of its starts.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;

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
        driver: &Path,
        world: &World,
    ) -> Tracee {
        let original = self.0.entry(actor).or_insert_with(|| {
            let mut original = start(role, driver, world);
            original.next_call().expect("it looks for the lock");
            original
        });
        original.fork()
    }
}

/// The process of a role: the driver, or the program of the same device.
fn start(role: Role, driver: &Path, world: &World) -> Tracee {
    let path = world.path.as_os_str();
    if role != Role::Run {
        return Tracee::start(driver, [role.argument().as_ref(), path]);
    }
    let device = Path::new("target/devices").join(driver.file_name().expect("its device"));
    let device = std::fs::canonicalize(device).expect("ci/build has built it");
    let (run, command) = (device.join("update-lock"), device.join("empty"));
    let options = "run --no-wait --on-lost ignore --".split(' ');
    let words = ["--lock".as_ref(), path].into_iter();
    let words = words
        .chain(options.map(OsStr::new))
        .chain([command.as_os_str()]);
    Tracee::start(&run, words)
}
