//! More waiters than a user has `inotify` instances.

use std::path::Path;

use nix::unistd::Pid;

use crate::common::{Holder, Lock, proc_fs, wait};
use crate::ledger::Ledger;

const WAITERS: usize = 256;
/// Linux's default for a user.
const INSTANCES: usize = 128;

/// Those with `inotify` and those without: each has one turn, and no two at once.
pub(crate) fn each_has_its_turn() {
    let (device, lock) = (crate::device(), Lock::new());
    let ledger = Ledger::create(lock.scratch());
    let holder = Holder::start(&device, &lock);
    // In a user namespace with a limit of its own.
    let crowd = format!(
        "echo {INSTANCES} >/proc/sys/user/max_inotify_instances || exit
        n={WAITERS}; while [ $((n -= 1)) -ge 0 ]; do \"$@\" & done; wait"
    );
    let this = std::env::current_exe().expect("this program");
    let run = device.at(&lock, ["run", "--"]).arg(this).arg("touch");
    let run = run.arg(lock.path()).arg(lock.scratch());
    let namespace = ["unshare", "--user", "--map-root-user"];
    let crowd = run.through(["sh", "-c", &crowd, "sh"]).through(namespace);
    let mut crowd = crowd.start();
    wait::until("all wait", || {
        crowd.errors().matches("waiting for ").count() == WAITERS
    });
    let waiters = proc_fs::children(crowd.pid());
    assert_eq!(waiters.len(), WAITERS);
    let watching = waiters.into_iter().filter(|&waiter| has_inotify(waiter));
    // Root's others have some, too.
    assert!((1..=INSTANCES).contains(&watching.count()));
    holder.finish().succeeds();
    crowd.end().exits_with(0);
    assert_eq!(ledger.count(), WAITERS as u64);
    assert_eq!(lock.read("touches").len(), WAITERS);
    assert!(!lock.is_there());
}

fn has_inotify(process: Pid) -> bool {
    let mut descriptors = proc_fs::descriptors(process).into_values();
    descriptors.any(|descriptor| descriptor == Path::new("anon_inode:inotify"))
}
