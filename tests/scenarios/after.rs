//! `run --after`: a lock that only a healthy app takes.

use std::fs;

use crate::common::holder::Waiter;
use crate::common::{Device, Holder, Invocation, Lock, peers, wait};

scenarios![
    a_crash_loop_never_locks,
    a_healthy_command_is_protected,
    a_healthy_command_waits_its_turn,
    what_an_earlier_start_left_is_given_back_first,
    another_apps_lock_is_left_alone,
    after_and_wait_exclude_each_other,
    a_lock_that_cannot_be_taken_late_says_why,
];

fn a_crash_loop_never_locks(device: &Device) {
    let lock = Lock::new();
    for _ in 0..3 {
        let crash = "[ -e \"$1\" ] && exit 9; kill -9 $$";
        let run = device.at(
            &lock,
            ["run", "--after", "1h", "--", "sh", "-c", crash, "sh"],
        );
        run.arg(lock.path()).end().exits_with(137);
        assert!(!lock.is_there());
    }
}

fn a_healthy_command_is_protected(device: &Device) {
    let lock = Lock::new();
    let holder = Waiter::start(device, &lock, &["--after", "200ms"]).until_holds();
    holder.run.until_says("locked now");
    assert!(!peers::supervisor_takes(&lock));
    assert!(!peers::host_may_reboot(&lock));
    holder.finish().exits_with(0);
    assert!(!lock.is_there());
}

fn a_healthy_command_waits_its_turn(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let holder = Waiter::start_as(device, &lock, &[], |run| {
        run.env("UPDATE_LOCK_AFTER", "1ms")
    });
    let holder = holder.until_holds();
    peers::supervisor_releases(&lock);
    holder.run.until_says("locked now");
    holder.finish().exits_with(0);
}

fn what_an_earlier_start_left_is_given_back_first(device: &Device) {
    let lock = Lock::new();
    lock.make_stale(0);
    let holder = Waiter::start(device, &lock, &["--after", "1h"]).until_holds();
    assert!(!lock.is_there(), "an update may come");
    assert!(peers::supervisor_takes(&lock));
    holder.finish().succeeds();
}

fn another_apps_lock_is_left_alone(device: &Device) {
    let lock = Lock::new();
    let other = Holder::start(device, &lock);
    let inode = lock.inode();
    let holder = Waiter::start(device, &lock, &["--after", "1ms"]).until_holds();
    assert_eq!(lock.inode(), inode);
    other.finish().succeeds();
    holder.run.until_says("locked now");
    wait::until("its flock", || !peers::host_may_reboot(&lock));
    holder.finish().exits_with(0);
}

fn after_and_wait_exclude_each_other(device: &Device) {
    let lock = Lock::new();
    for wait in ["--no-wait", "--wait=1s"] {
        let run = device.at(&lock, ["run", "--after", "1s", wait, "--", "true"]);
        run.end().fails_with(64);
        // What the command line says wins over a variable.
        let run = device.at(&lock, ["run", "--after", "1h", "--", "test", "!", "-e"]);
        let run = run.arg(lock.path()).env("UPDATE_LOCK_WAIT", "1s");
        run.env("UPDATE_LOCK_OR_RUN", "1").end().succeeds();
        let run = device.at(&lock, ["run", wait, "--", "test", "-e"]);
        let run = run.arg(lock.path()).env("UPDATE_LOCK_AFTER", "1h");
        run.end().succeeds();
    }
    let run = device
        .at(&lock, ["run", "--", "true"])
        .env("UPDATE_LOCK_WAIT", "1s");
    run.env("UPDATE_LOCK_AFTER", "1s").end().fails_with(64);
}

fn a_lock_that_cannot_be_taken_late_says_why(device: &Device) {
    let lock = Lock::new();
    let path = lock.file("not-there/updates.lock");
    let path = path.to_str().expect("text");
    let start = |words: &[&str], dress: fn(Invocation) -> Invocation| {
        let run = device.update_lock(["--lock", path, "run"]).args(words);
        dress(run.args(["--", "sleep", "1000"])).start()
    };
    let run = start(&["--after", "1ms"], |run| run);
    let line = run.until_says("make its directory");
    assert!(line.contains(path), "{line}");
    let run = start(&["--after", "1ms"], |run| run.by_user(peers::NOBODY));
    run.until_says("run as another user");
    fs::write(lock.path(), "").expect("another tool's file");
    let run = Waiter::start(device, &lock, &["--after", "1ms"]).until_holds();
    let line = run.run.until_says("waiting for");
    assert!(line.contains("release --force"), "{line}");
    run.finish().exits_with(0);
}
