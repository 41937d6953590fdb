//! `run --after`: a lock that only a healthy app takes.

use crate::common::holder::Waiter;
use crate::common::{Device, Holder, Lock, peers, wait};

scenarios![
    a_crash_loop_never_locks,
    a_healthy_command_is_protected,
    a_healthy_command_waits_its_turn,
    what_an_earlier_start_left_is_given_back_first,
    another_apps_lock_is_left_alone,
    after_and_wait_exclude_each_other,
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
    }
}
