//! The Supervisor, and others that put files at the lock's path.

use std::fs;

use crate::common::holder::Waiter;
use crate::common::peers;
use crate::common::{Device, Holder, Lock, wait};

scenarios![
    the_supervisor_is_refused_while_a_command_runs,
    a_run_waits_for_the_supervisor,
    a_run_waits_for_helios,
    without_waiting_the_supervisor_is_an_error,
    helios_is_never_overrun_by_another_user,
    a_run_waits_for_another_tools_file_and_says_what_to_do,
    a_file_of_npms_lockfile_is_never_adopted,
];

fn the_supervisor_is_refused_while_a_command_runs(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    let inode = lock.inode();
    assert!(!peers::supervisor_takes(&lock));
    assert_eq!(lock.inode(), inode);
    holder.finish().succeeds();
    assert!(peers::supervisor_takes(&lock));
}

fn a_run_waits_for_the_supervisor(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let waiter = expect_wait(device, &lock);
    assert!(
        waiter.run.errors().contains("Supervisor"),
        "{}",
        waiter.run.errors()
    );
    peers::supervisor_releases(&lock);
    expect_protected(waiter, &lock);
}

fn a_run_waits_for_helios(device: &Device) {
    let lock = Lock::new();
    peers::helios_takes(&lock);
    let waiter = expect_wait(device, &lock);
    assert!(
        waiter.run.errors().contains("Supervisor"),
        "{}",
        waiter.run.errors()
    );
    assert_eq!(fs::read(lock.path()).expect("helios's file"), [0x02, 0x63]);
    peers::supervisor_releases(&lock);
    expect_protected(waiter, &lock);
}

fn without_waiting_the_supervisor_is_an_error(device: &Device) {
    let lock = Lock::new();
    for take in [
        |lock: &Lock| assert!(peers::supervisor_takes(lock)),
        peers::helios_takes,
    ] {
        take(&lock);
        let found = (lock.inode(), lock.mode_and_user());
        let run = device.at(&lock, ["run", "--no-wait", "--", "touch", "ran"]);
        let line = run.end().fails_on(75, lock.path());
        assert!(line.contains("Supervisor"), "{line:?}");
        assert_eq!((lock.inode(), lock.mode_and_user()), found);
        assert_eq!(lock.read("ran"), "");
        peers::supervisor_releases(&lock);
    }
    assert!(!lock.file("ran").exists());
}

/// Such a user can't read helios's file, and root's private file may be anything.
fn helios_is_never_overrun_by_another_user(device: &Device) {
    let lock = Lock::new();
    peers::helios_takes(&lock);
    let run = device.at(&lock, ["run", "--no-wait", "--", "touch", "ran"]);
    run.by_user(1000).end().fails_on(75, lock.path());
    assert_eq!(fs::read(lock.path()).expect("helios's file"), [0x02, 0x63]);
    assert!(!lock.file("ran").exists());
}

fn a_run_waits_for_another_tools_file_and_says_what_to_do(device: &Device) {
    let lock = Lock::new();
    fs::write(lock.path(), "").expect("somebody's file");
    let waiter = expect_wait(device, &lock);
    let line = waiter.run.errors();
    assert!(line.contains("remove"), "it won't go by itself: {line:?}");
    fs::remove_file(lock.path()).expect("the person removes it");
    expect_protected(waiter, &lock);
}

/// Nobody holds its flock, and still it isn't a dead holder's of ours.
fn a_file_of_npms_lockfile_is_never_adopted(device: &Device) {
    let lock = Lock::new();
    fs::write(lock.path(), "").expect("somebody's file");
    let inode = lock.inode();
    let run = device.at(&lock, ["run", "--no-wait", "--", "true"]);
    run.end().fails_on(75, lock.path());
    assert_eq!(lock.inode(), inode);
}

/// A `run` that has found the lock taken, and has left the file as it is.
#[track_caller]
fn expect_wait(device: &Device, lock: &Lock) -> Waiter {
    let found = (lock.inode(), lock.mode_and_user());
    let waiter = Waiter::start(device, lock, &[]).until_waits();
    assert!(waiter.run.errors().contains(lock.text()));
    assert_eq!((lock.inode(), lock.mode_and_user()), found);
    waiter
}

/// The path has become free: the command starts, and is protected from both.
#[track_caller]
fn expect_protected(waiter: Waiter, lock: &Lock) {
    let holder = waiter.until_holds();
    assert!(!peers::supervisor_takes(lock));
    assert!(!peers::host_may_reboot(lock));
    holder.finish().exits_with(0);
    wait::until("the lock is free", || !lock.is_there());
}
