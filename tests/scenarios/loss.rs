//! The lock is taken away while a command runs.

use std::fs;

use crate::common::holder::Waiter;
use crate::common::peers;
use crate::common::{Device, Holder, Lock, wait};

scenarios![
    a_forced_supervisors_file_survives_the_release,
    a_file_renamed_over_ours_survives_the_release,
    a_directory_in_our_place_survives_the_release,
    a_removal_underneath_is_reported,
    a_new_holder_survives_the_release_of_the_old_one,
    a_lock_taken_again_is_the_same_commands,
];

/// The command's own status comes through, and one line says that it was not protected to its end.
#[track_caller]
fn finish_with_loss(holder: Holder, lock: &Lock) {
    holder.finish().fails_on(0, lock.path());
}

fn a_forced_supervisors_file_survives_the_release(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    peers::supervisor_forces(&lock);
    let inode = lock.inode();
    finish_with_loss(holder, &lock);
    assert_eq!(lock.inode(), inode);
    assert_eq!(lock.mode_and_user(), (0o444, peers::NOBODY));
}

/// As helios forces its way: without a moment in which the path is free.
fn a_file_renamed_over_ours_survives_the_release(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    peers::helios_forces(&lock);
    let inode = lock.inode();
    finish_with_loss(holder, &lock);
    assert_eq!(lock.inode(), inode);
    assert_eq!(fs::read(lock.path()).expect("helios's file"), [0x02, 0x63]);
}

fn a_directory_in_our_place_survives_the_release(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    fs::remove_file(lock.path()).expect("our file");
    fs::create_dir(lock.path()).expect("a directory");
    finish_with_loss(holder, &lock);
    assert!(lock.path().is_dir());
}

fn a_removal_underneath_is_reported(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    fs::remove_file(lock.path()).expect("our file");
    finish_with_loss(holder, &lock);
    assert_eq!(lock.names(), [""; 0]);
}

fn a_new_holder_survives_the_release_of_the_old_one(device: &Device) {
    let lock = Lock::new();
    // Which doesn't want the lock again: it could adopt the new one's file before that has its flock.
    let old = Waiter::start(device, &lock, &["--on-lost", "ignore"]).until_holds();
    fs::remove_file(lock.path()).expect("our file");
    let new = Holder::start(device, &lock);
    let inode = lock.inode();
    finish_with_loss(old, &lock);
    assert_eq!(lock.inode(), inode);
    assert!(!peers::host_may_reboot(&lock));
    new.finish().succeeds();
    wait::until("the lock is free", || !lock.is_there());
}

/// What the command's environment has borrowed at its start doesn't show in the note.
fn a_lock_taken_again_is_the_same_commands(device: &Device) {
    let lock = Lock::new();
    let holder = Waiter::start(device, &lock, &["--reason", "why"]).until_holds();
    let note = || fs::read_to_string(lock.path()).unwrap_or_default();
    let but_the_time = |note: String| {
        let lines = note.lines().filter(|line| !line.starts_with("since"));
        lines.map(String::from).collect::<Vec<_>>()
    };
    let before = but_the_time(note());
    assert_eq!(before.len(), 3, "{before:?}");
    peers::supervisor_forces(&lock);
    fs::remove_file(lock.path()).expect("the Supervisor's file");
    wait::until("the lock is taken again", || note().contains("reason why"));
    assert_eq!(but_the_time(note()), before);
    holder.finish().exits_with(0);
}
