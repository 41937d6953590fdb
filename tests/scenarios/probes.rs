//! Those who try the flock for a moment: the host before a reboot, and anybody with `flock -n`.

use crate::common::peers::{self, Loop};
use crate::common::{Device, Holder, Invocation, Lock};

scenarios![
    the_host_sees_the_lock,
    util_linuxs_flock_fails_while_held_and_succeeds_after,
    a_tight_loop_of_probes_never_fails_a_run_on_a_fresh_file,
    a_tight_loop_of_probes_never_fails_a_run_on_a_stale_file,
    slow_probes_never_fail_a_run_on_a_fresh_file,
    slow_probes_never_fail_a_run_on_a_stale_file,
    a_flock_that_stays_is_a_holder,
];

fn the_host_sees_the_lock(device: &Device) {
    let lock = Lock::new();
    lock.make_stale(0);
    assert!(peers::host_may_reboot(&lock));
    let holder = Holder::start(device, &lock);
    assert!(!peers::host_may_reboot(&lock));
    holder.finish().succeeds();
    assert!(!lock.is_there(), "nothing for the host to look at");
}

fn util_linuxs_flock_fails_while_held_and_succeeds_after(device: &Device) {
    let lock = Lock::new();
    let flock = || Invocation::of(["flock", "-n", lock.text(), "true"]).end();
    let holder = Holder::start(device, &lock);
    flock().exits_with(1);
    holder.finish().succeeds();
    flock().exits_with(0);
}

/// Enough to meet a probe at every step, as often as not.
const ROUNDS: usize = 12;

#[track_caller]
fn expect_success(device: &Device, lock: &Lock) {
    let run = device.at(lock, ["run", "--no-wait", "--", "true"]);
    run.end().succeeds();
    assert!(!lock.is_there());
}

fn a_tight_loop_of_probes_never_fails_a_run_on_a_fresh_file(device: &Device) {
    let lock = Lock::new();
    let host = Loop::of_host(&lock);
    for _ in 0..ROUNDS {
        expect_success(device, &lock);
    }
    host.stop();
}

fn a_tight_loop_of_probes_never_fails_a_run_on_a_stale_file(device: &Device) {
    let lock = Lock::new();
    let host = Loop::of_host(&lock);
    for _ in 0..ROUNDS {
        lock.make_stale(0);
        expect_success(device, &lock);
    }
    host.stop();
}

fn slow_probes_never_fail_a_run_on_a_fresh_file(device: &Device) {
    let lock = Lock::new();
    let probe = Loop::of_slow_probe(&lock);
    for _ in 0..ROUNDS {
        expect_success(device, &lock);
    }
    probe.stop();
}

fn slow_probes_never_fail_a_run_on_a_stale_file(device: &Device) {
    let lock = Lock::new();
    for _ in 0..ROUNDS / 4 {
        lock.make_stale(0);
        let probe = Loop::of_slow_probe(&lock);
        expect_success(device, &lock);
        assert!(probe.stop() > 0, "no probe has had it");
    }
}

fn a_flock_that_stays_is_a_holder(device: &Device) {
    let lock = Lock::new();
    lock.make_stale(0);
    let inode = lock.inode();
    let gate = lock.gate("flock");
    let mut flock = peers::keep_flock(&lock, "flock");
    let run = device.at(&lock, ["run", "--no-wait", "--", "true"]);
    run.end().fails_on(75, lock.path());
    let waiter = crate::common::holder::Waiter::start(device, &lock, &[]).until_waits();
    drop(gate);
    flock.end();
    let holder = waiter.until_holds();
    assert_eq!(lock.inode(), inode);
    holder.finish().exits_with(0);
}
