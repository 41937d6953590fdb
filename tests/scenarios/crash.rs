//! What a killed `run` leaves, and who takes it over.

use std::fs;

use nix::sys::signal::{Signal, kill};

use crate::common::peers::{self, Loop};
use crate::common::{Device, Holder, Invocation, Lock, proc_fs};

scenarios![
    crash_then_adoption,
    a_run_that_is_killed_alone_leaves_its_command_protected,
    a_crash_between_creation_and_flock_is_adopted,
    a_crash_in_the_middle_of_a_release_is_adopted,
    a_crash_after_any_call_is_adopted,
    an_adopted_file_says_nothing_of_the_dead,
];

/// What `run` makes of system calls on the lock's path and file.
const CALLS: [&str; 8] = [
    "openat",
    "flock",
    "%%stat",
    "ftruncate,ftruncate64",
    "write",
    "fchmod",
    "unlinkat",
    "close",
];

/// Kills a `run` and its command, as the kernel does when memory runs out.
#[track_caller]
fn crash(holder: Holder) {
    let Holder {
        mut run, command, ..
    } = holder;
    run.signal(Signal::SIGKILL);
    let _ = kill(command, Signal::SIGKILL);
    assert_eq!(run.end().signal, Some(9));
    proc_fs::until_dead(command);
}

fn crash_then_adoption(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    let inode = lock.inode();
    let supervisor = Loop::of_supervisor(&lock);
    supervisor.until_more(2);
    crash(holder);
    supervisor.until_more(2);
    let next = Holder::start(device, &lock);
    supervisor.until_more(2);
    assert_eq!(lock.inode(), inode, "the file has been there throughout");
    assert!(
        !peers::host_may_reboot(&lock),
        "and its flock is taken again"
    );
    assert_eq!(supervisor.stop(), 0, "the Supervisor has slipped in");
    next.finish().succeeds();
    assert!(!lock.is_there());
}

fn a_run_that_is_killed_alone_leaves_its_command_protected(device: &Device) {
    let lock = Lock::new();
    let Holder {
        mut run,
        command,
        gate,
    } = Holder::start(device, &lock);
    let inode = lock.inode();
    run.signal(Signal::SIGKILL);
    run.end();
    assert!(proc_fs::is_alive(command));
    assert!(!peers::host_may_reboot(&lock));
    assert!(!peers::supervisor_takes(&lock));
    let second = device.at(&lock, ["run", "--no-wait", "--", "true"]);
    second.end().fails_on(75, lock.path());
    drop(gate);
    proc_fs::until_dead(command);
    let next = Holder::start(device, &lock);
    assert_eq!(lock.inode(), inode, "adopted");
    next.finish().succeeds();
    assert!(!lock.is_there());
}

fn a_crash_between_creation_and_flock_is_adopted(device: &Device) {
    let lock = Lock::new();
    kill_after(
        &lock,
        "openat",
        device.at(&lock, ["run", "--", "touch", "ran"]),
    );
    assert!(!lock.file("ran").exists());
    let inode = lock.inode();
    assert!(peers::host_may_reboot(&lock), "nobody has locked it");
    expect_adoption(device, &lock, inode);
}

fn a_crash_in_the_middle_of_a_release_is_adopted(device: &Device) {
    let lock = Lock::new();
    kill_after(&lock, "fchmod", device.at(&lock, ["run", "--", "true"]));
    assert_eq!(lock.mode_and_user(), (0o1744, 0), "marked as released");
    let inode = lock.inode();
    expect_adoption(device, &lock, inode);
}

fn a_crash_after_any_call_is_adopted(device: &Device) {
    let mut crashes = 0;
    for call in CALLS {
        for nth in 1.. {
            let lock = Lock::new();
            let run =
                |options: &[&str]| device.at(&lock, ["run"]).args(options).args(["--", "true"]);
            let killed = run(&[]).killed_after(&lock, call, nth).start().end();
            if killed.signal != Some(9) {
                killed.exits_with(0);
                break;
            }
            crashes += 1;
            run(&["--wait", "5s"]).end().succeeds();
            assert!(!lock.is_there(), "after {call} number {nth}");
        }
    }
    assert!(crashes >= 12, "{crashes} calls are too few");
}

/// Kills a `run` when it has returned from its first system call of that name.
#[track_caller]
fn kill_after(lock: &Lock, call: &str, run: Invocation) {
    let mut run = run.stopped_after(lock, call, 1).start();
    lock.until_stopped();
    run.signal(Signal::SIGKILL);
    assert_eq!(run.end().signal, Some(9));
}

#[track_caller]
fn expect_adoption(device: &Device, lock: &Lock, inode: u64) {
    let holder = Holder::start(device, lock);
    assert_eq!(lock.inode(), inode);
    assert_eq!(lock.mode_and_user(), (0o1644, 0));
    assert!(!peers::host_may_reboot(lock));
    holder.finish().succeeds();
    assert!(!lock.is_there());
}

fn an_adopted_file_says_nothing_of_the_dead(device: &Device) {
    let lock = Lock::new();
    lock.make_stale(0);
    fs::write(lock.path(), "pid 1\nreason of the dead\n".repeat(9)).expect("an old note");
    let holder = Holder::start(device, &lock);
    let note = fs::read_to_string(lock.path()).expect("a note");
    assert!(!note.contains("dead"), "{note:?}");
    assert!(
        note.contains(&format!("pid {}\n", holder.run.pid())),
        "{note:?}"
    );
    holder.finish().succeeds();
}
