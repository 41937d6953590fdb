//! `run` as a container's first process.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::holder::Waiter;
use crate::common::peers;
use crate::common::{Device, Lock, Process, proc_fs, wait};

scenarios![
    a_hundred_orphans_are_reaped_while_the_command_runs,
    orphans_are_reaped_during_the_wait,
    pid_1_ends_as_its_command_does,
    a_stop_of_the_container_ends_the_command,
    a_stop_of_the_container_ends_the_wait,
    the_container_crashes_and_the_next_adopts,
];

/// The PID 1 under an `unshare`.
#[track_caller]
pub(crate) fn pid_1(unshare: &Process) -> Pid {
    wait::until_some("PID 1", || {
        proc_fs::children(unshare.pid()).first().copied()
    })
}

const ORPHANS: usize = 100;

/// Each is started by a shell that ends at once.
const START_ORPHANS: &str = "
    exec <gate 9<orphans
    i=0
    while [ $((i += 1)) -le 100 ]; do (cat <&9 & ); done
    echo $$ >started
    exec cat 9<&-
";

fn a_hundred_orphans_are_reaped_while_the_command_runs(device: &Device) {
    let lock = Lock::new();
    let (gate, orphans) = (lock.gate("gate"), lock.gate("orphans"));
    let run = device
        .at(&lock, ["run", "--", "sh", "-c", START_ORPHANS])
        .in_own_pid_namespace();
    let mut unshare = run.start();
    let init = pid_1(&unshare);
    lock.until_line("started");
    wait::until("PID 1 has the orphans and the command", || {
        proc_fs::children(init).len() == ORPHANS + 1
    });
    drop(orphans);
    // A zombie is a child, too.
    wait::until("the orphans are reaped", || {
        proc_fs::children(init).len() == 1
    });
    assert!(!peers::host_may_reboot(&lock));
    drop(gate);
    unshare.end().succeeds();
    assert!(!lock.is_there());
}

/// Before it has a command, PID 1 gets orphans from `docker exec`, or here from `nsenter`.
fn orphans_are_reaped_during_the_wait(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let orphan = lock.gate("orphan");
    let waiter =
        Waiter::start_as(device, &lock, &[], |run| run.in_own_pid_namespace()).until_waits();
    let init = pid_1(&waiter.run);
    let enter = [
        "nsenter",
        "--pid",
        "--target",
        &init.to_string(),
        "sh",
        "-c",
    ];
    // A session of its own: what remains of the group of `nsenter` is killed with that.
    let script = "exec 9<orphan; setsid sh -c 'cat <&9 &'";
    let enter = crate::common::Invocation::of(enter).arg(script);
    enter.directory(lock.scratch()).end().exits_with(0);
    wait::until("PID 1 has the orphan", || {
        proc_fs::children(init).len() == 1
    });
    drop(orphan);
    wait::until("the orphan is reaped", || {
        proc_fs::children(init).is_empty()
    });
    peers::supervisor_releases(&lock);
    waiter.until_ends().exits_with(0);
}

fn pid_1_ends_as_its_command_does(device: &Device) {
    let lock = Lock::new();
    for (script, code) in [("[ $PPID = 1 ] && exit 5", 5), ("kill -9 $$", 137)] {
        let run = device
            .at(&lock, ["run", "--", "sh", "-c", script])
            .in_own_pid_namespace();
        run.end().exits_with(code);
        assert!(!lock.is_there());
    }
}

/// `docker stop` sends TERM to PID 1, which the kernel drops where PID 1 has no handler for it.
fn a_stop_of_the_container_ends_the_command(device: &Device) {
    let lock = Lock::new();
    let waiter = Waiter::start_as(device, &lock, &[], |run| run.in_own_pid_namespace());
    wait::until("the command has started", || waiter.has_started());
    kill(pid_1(&waiter.run), Signal::SIGTERM).expect("kill");
    let Waiter { mut run, .. } = waiter;
    run.end().exits_with(143);
    assert!(!lock.is_there());
}

fn a_stop_of_the_container_ends_the_wait(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let waiter =
        Waiter::start_as(device, &lock, &[], |run| run.in_own_pid_namespace()).until_waits();
    kill(pid_1(&waiter.run), Signal::SIGTERM).expect("kill");
    let Waiter { mut run, .. } = waiter;
    run.end().exits_with(143);
}

/// With PID 1 the kernel kills all that is in the container.
fn the_container_crashes_and_the_next_adopts(device: &Device) {
    let lock = Lock::new();
    let start = || {
        let waiter = Waiter::start_as(device, &lock, &[], |run| run.in_own_pid_namespace());
        wait::until("the command has started", || waiter.has_started());
        waiter
    };
    let first = start();
    let inode = lock.inode();
    let init = pid_1(&first.run);
    kill(init, Signal::SIGKILL).expect("kill");
    proc_fs::until_dead(init);
    assert!(!peers::supervisor_takes(&lock));
    let second = start();
    assert_eq!(lock.inode(), inode);
    assert!(!peers::host_may_reboot(&lock));
    second.until_ends().exits_with(0);
    assert!(!lock.is_there());
}
