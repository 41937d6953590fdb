//! `release`: what is `acquire`'s goes, everything else stays.

use std::fs;
use std::os::unix::fs::symlink;

use nix::sys::signal::{Signal, kill};

use super::acquire::{keeper, start_holder, until_free};
use crate::common::holder::Holder;
use crate::common::{Device, Invocation, Lock, peers, proc_fs, wait};

scenarios![
    release_of_nothing_is_no_error,
    release_twice,
    release_waits_until_the_keeper_has_let_go,
    release_beside_a_run,
    release_after_an_override,
    release_after_the_keeper_was_killed,
    release_of_another_users_keeper_is_refused,
    release_leaves_a_dead_runs_file,
    release_by_force_removes_what_is_dead,
    release_by_force_is_asked_for_on_the_command_line,
    release_by_force_leaves_what_is_alive,
    release_by_force_leaves_the_supervisors,
    a_request_before_the_first_look_is_seen,
    acquire_and_release_again_and_again,
];

fn release_of_nothing_is_no_error(device: &Device) {
    let lock = Lock::new();
    for options in [&[][..], &["--force"]] {
        let release = device.at(&lock, ["release"]).args(options).end();
        let line = release.exits_with(0).one_line();
        assert!(line.ends_with(": free; nothing to release"), "{line}");
    }
    assert!(!lock.is_there());
}

fn release_twice(device: &Device) {
    let lock = Lock::new();
    let script = "set -e
        update-lock acquire
        update-lock release
        update-lock release";
    let outcome = device.script(&lock, script).end().exits_with(0);
    let line = outcome.one_line();
    assert!(line.ends_with(": free; nothing to release"), "{line}");
}

fn release_waits_until_the_keeper_has_let_go(device: &Device) {
    let lock = Lock::new();
    let _gate = lock.gate("gate");
    let _script = start_holder(device, &lock, "gate", "");
    let keeper = keeper(&lock);
    kill(keeper, Signal::SIGSTOP).expect("kill");
    proc_fs::until_state(keeper, &['T']);
    let mut release = device.at(&lock, ["release"]).start();
    wait::until("the request", || lock.mode_and_user().0 == 0o1655);
    assert!(release.is_running());
    assert!(!peers::supervisor_takes(&lock));
    assert!(!peers::host_may_reboot(&lock));
    release.until_says("waiting for its keeper; is that stopped?");
    kill(keeper, Signal::SIGCONT).expect("kill");
    release.end().exits_with(0).one_line();
    assert!(!lock.is_there());
}

fn release_beside_a_run(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    let (inode, mode) = (lock.inode(), lock.mode_and_user());
    for options in [&[][..], &["--force"]] {
        let release = device.at(&lock, ["release"]).args(options);
        let line = release.end().fails_on(75, lock.path());
        assert!(line.contains("held by an application"), "{line}");
    }
    assert_eq!((lock.inode(), lock.mode_and_user()), (inode, mode));
    assert!(!peers::host_may_reboot(&lock));
    holder.finish().succeeds();
}

fn release_after_an_override(device: &Device) {
    let lock = Lock::new();
    for force in [peers::supervisor_forces, peers::helios_forces] {
        let lock = Lock::new();
        let gate = lock.gate("gate");
        let mut script = start_holder(device, &lock, "gate", "update-lock release");
        let keeper = keeper(&lock);
        force(&lock);
        proc_fs::until_dead(keeper);
        let inode = lock.inode();
        drop(gate);
        let line = script.end().exits_with(0).one_line();
        assert!(line.contains("held by the Supervisor"), "{line}");
        assert!(line.ends_with("; nothing to release"), "{line}");
        assert_eq!(lock.inode(), inode, "the Supervisor's file stays");
    }
    // A person's `rm`.
    let _gate = lock.gate("gate");
    let _script = start_holder(device, &lock, "gate", "");
    let keeper = keeper(&lock);
    fs::remove_file(lock.path()).expect("the lock");
    proc_fs::until_dead(keeper);
    device.at(&lock, ["release"]).end().exits_with(0);
}

fn release_after_the_keeper_was_killed(device: &Device) {
    for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGHUP] {
        let lock = Lock::new();
        let _gate = lock.gate("gate");
        let _script = start_holder(device, &lock, "gate", "");
        let keeper = keeper(&lock);
        kill(keeper, signal).expect("kill");
        proc_fs::until_dead(keeper);
        assert!(lock.is_there());
        device.at(&lock, ["release"]).end().succeeds();
        assert!(!lock.is_there());
    }
}

fn release_of_another_users_keeper_is_refused(device: &Device) {
    let lock = Lock::new();
    let _gate = lock.gate("gate");
    let _script = start_holder(device, &lock, "gate", "");
    let release = device.at(&lock, ["release"]).by_user(1000).end();
    release.fails_on(77, lock.path());
    assert!(!peers::host_may_reboot(&lock));
    assert_eq!(lock.mode_and_user(), (0o1654, 0));
}

fn release_leaves_a_dead_runs_file(device: &Device) {
    let lock = Lock::new();
    lock.make_stale(0);
    let line = device.at(&lock, ["release"]).end().exits_with(0).one_line();
    assert!(line.contains("left behind by an application"), "{line}");
    assert!(line.ends_with("; nothing to release"), "{line}");
    assert!(lock.is_there(), "the next start takes it over");
}

fn release_by_force_removes_what_is_dead(device: &Device) {
    let lock = Lock::new();
    let make: [fn(&Lock); 5] = [
        |lock| lock.make_stale(0),
        |lock| fs::write(lock.path(), "another tool's").expect("a file"),
        |lock| fs::create_dir(lock.path()).expect("mkdir"),
        |lock| symlink("nowhere", lock.path()).expect("symlink"),
        |lock| drop(std::os::unix::net::UnixListener::bind(lock.path()).expect("a socket")),
    ];
    for make in make {
        make(&lock);
        let release = device.at(&lock, ["release", "--force"]).end();
        let line = release.exits_with(0).one_line();
        assert!(line.contains(": removed: "), "{line}");
        assert!(!lock.is_there());
    }
}

/// A variable of the fleet would have each script's `release` remove another tool's file.
fn release_by_force_is_asked_for_on_the_command_line(device: &Device) {
    let lock = Lock::new();
    fs::write(lock.path(), "another tool's").expect("a file");
    let release = device.at(&lock, ["release"]);
    let release = release.env("UPDATE_LOCK_FORCE", "yes").end();
    let line = release.exits_with(0).one_line();
    assert!(
        line.contains("another tool's file") && line.ends_with("; nothing to release"),
        "{line}"
    );
    assert!(lock.is_there());
}

fn release_by_force_leaves_what_is_alive(device: &Device) {
    let lock = Lock::new();
    let _gate = lock.gate("gate");
    fs::write(lock.path(), "another tool's").expect("a file");
    let _flock = peers::keep_flock(&lock, "gate");
    let release = device.at(&lock, ["release", "--force"]).end();
    let line = release.fails_on(75, lock.path());
    assert!(line.contains("a process holds a flock"), "{line}");
    assert!(lock.is_there());
    drop(_flock);
    fs::remove_file(lock.path()).expect("a file");
    fs::create_dir(lock.path()).expect("mkdir");
    fs::write(lock.path().join("file"), "").expect("a file");
    let release = device.at(&lock, ["release", "--force"]).end();
    let line = release.fails_on(74, lock.path());
    assert!(
        line.ends_with("directory not empty; empty it first"),
        "{line}"
    );
    assert!(lock.path().join("file").exists());
}

fn release_by_force_leaves_the_supervisors(device: &Device) {
    let take: [fn(&Lock); 2] = [
        |lock| assert!(peers::supervisor_takes(lock)),
        peers::helios_takes,
    ];
    for take in take {
        let lock = Lock::new();
        take(&lock);
        let release = device.at(&lock, ["release", "--force"]).end();
        let line = release.fails_on(75, lock.path());
        assert!(line.contains("held by the Supervisor"), "{line}");
        assert!(lock.is_there());
        // Who can't read helios's file can't know that it is helios's.
        let release = device.at(&lock, ["release", "--force"]).by_user(1000).end();
        release.one_line();
        assert!(lock.is_there());
    }
}

/// The keeper has armed its watch, and hasn't looked yet.
fn a_request_before_the_first_look_is_seen(device: &Device) {
    let lock = Lock::new();
    let sleeper = Invocation::of(["sleep", "1000"]).start();
    let call = "inotify_add_watch";
    let (trace, inject) = (
        format!("trace={call}"),
        format!("inject={call}:signal=SIGSTOP:when=1"),
    );
    let strace = [
        "strace",
        "-DD",
        "-f",
        "-qq",
        "-o",
        "calls",
        "-P",
        lock.text(),
    ];
    let acquire = device
        .at(&lock, ["acquire", "--for", &sleeper.pid().to_string()])
        .through(strace.into_iter().chain(["-e", &trace, "-e", &inject]));
    acquire.end().exits_with(0);
    lock.until_stopped();
    let keeper = keeper(&lock);
    let mut release = device.at(&lock, ["release"]).start();
    wait::until("the request", || lock.mode_and_user().0 == 0o1655);
    assert!(release.is_running());
    kill(keeper, Signal::SIGCONT).expect("kill");
    release.end().succeeds();
    assert!(!lock.is_there());
}

fn acquire_and_release_again_and_again(device: &Device) {
    let lock = Lock::new();
    let script = "i=0
        while [ $((i += 1)) -le 10 ]; do
            update-lock acquire && update-lock release || exit
        done";
    let outcome = device.script(&lock, script).end().succeeds();
    assert_eq!(outcome.output.lines().count(), 10);
    until_free(&lock);
}
