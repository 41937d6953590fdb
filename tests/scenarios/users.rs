//! Users, their rights, and their umasks.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::common::holder::Waiter;
use crate::common::peers;
use crate::common::{Device, Holder, Lock};

scenarios![
    nobody_is_refused,
    a_user_in_roots_sticky_directory,
    a_user_before_the_supervisor_has_opened_the_directory,
    a_closed_umask,
    a_stale_file_of_root_is_not_for_a_user,
    a_stale_file_of_a_user_is_for_root,
    a_stale_file_of_a_user_is_for_the_same_user,
    a_stale_file_of_a_user_is_not_for_another,
    a_user_loses_to_the_supervisor_in_peace,
];

const USER: u32 = 1000;
const OTHER: u32 = 1001;

fn hold_as(device: &Device, lock: &Lock, uid: u32) -> Holder {
    Waiter::start_as(device, lock, &[], |run| run.by_user(uid)).until_holds()
}

fn nobody_is_refused(device: &Device) {
    let lock = Lock::new();
    let run = device.at(&lock, ["run", "--", "touch", "ran"]);
    run.by_user(peers::NOBODY).end().fails_on(77, lock.path());
    assert!(!lock.is_there());
    assert!(!lock.file("ran").exists());
}

fn a_user_in_roots_sticky_directory(device: &Device) {
    let lock = Lock::new();
    let holder = hold_as(device, &lock, USER);
    assert_eq!(lock.mode_and_user(), (0o1644, USER));
    assert!(!peers::supervisor_takes(&lock));
    assert!(!peers::host_may_reboot(&lock));
    holder.finish().succeeds();
    assert!(!lock.is_there());
}

fn a_user_before_the_supervisor_has_opened_the_directory(device: &Device) {
    let lock = Lock::new();
    fs::set_permissions(lock.directory(), Permissions::from_mode(0o755)).expect("chmod");
    let run = device.at(&lock, ["run", "--", "touch", "ran"]);
    run.by_user(USER).end().fails_on(77, lock.path());
    assert!(!lock.file("ran").exists());
}

/// Another user can't look inside, and is kept out all the same.
fn a_closed_umask(device: &Device) {
    let lock = Lock::new();
    let holder = Waiter::start_as(device, &lock, &[], |run| run.after("umask 077")).until_holds();
    assert_eq!(lock.mode_and_user(), (0o1600, 0));
    assert!(!peers::supervisor_takes(&lock));
    assert!(!peers::host_may_reboot(&lock));
    let run = device.at(&lock, ["run", "--no-wait", "--", "true"]);
    run.by_user(USER).end().fails_on(75, lock.path());
    device
        .at(&lock, ["run", "--no-wait", "--", "true"])
        .end()
        .fails_on(75, lock.path());
    holder.finish().succeeds();
    assert!(!lock.is_there());
}

#[track_caller]
fn expect_refusal(device: &Device, owner: u32, user: u32) {
    let lock = Lock::new();
    lock.make_stale(owner);
    let found = (lock.inode(), lock.mode_and_user());
    let run = device.at(&lock, ["run", "--no-wait", "--", "touch", "ran"]);
    run.by_user(user).end().fails_on(75, lock.path());
    assert_eq!((lock.inode(), lock.mode_and_user()), found);
    assert!(!lock.file("ran").exists());
    assert!(
        peers::host_may_reboot(&lock),
        "its flock is as free as before"
    );
}

#[track_caller]
fn expect_adoption(device: &Device, owner: u32, user: u32) {
    let lock = Lock::new();
    lock.make_stale(owner);
    let inode = lock.inode();
    let holder = hold_as(device, &lock, user);
    assert_eq!(lock.inode(), inode);
    assert_eq!(lock.mode_and_user(), (0o1644, owner));
    assert!(!peers::host_may_reboot(&lock));
    holder.finish().succeeds();
    assert!(!lock.is_there());
}

fn a_stale_file_of_root_is_not_for_a_user(device: &Device) {
    expect_refusal(device, 0, USER);
}

fn a_stale_file_of_a_user_is_for_root(device: &Device) {
    expect_adoption(device, USER, 0);
}

fn a_stale_file_of_a_user_is_for_the_same_user(device: &Device) {
    expect_adoption(device, USER, USER);
}

fn a_stale_file_of_a_user_is_not_for_another(device: &Device) {
    expect_refusal(device, OTHER, USER);
}

fn a_user_loses_to_the_supervisor_in_peace(device: &Device) {
    let lock = Lock::new();
    let holder = hold_as(device, &lock, USER);
    peers::supervisor_forces(&lock);
    let inode = lock.inode();
    holder.finish().fails_on(0, lock.path());
    assert_eq!(lock.inode(), inode);
}
