//! Two processes between each other's system calls.
//!
//! One is stopped right after a certain call, the other acts, and the first goes on: every device sees exactly this order.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::common::holder::Waiter;
use crate::common::peers;
use crate::common::{Device, Holder, Lock};

scenarios![
    a_probe_between_creation_and_flock_is_waited_out,
    a_removal_between_creation_and_flock_starts_again,
    an_adoption_between_creation_and_flock_makes_the_adopter_the_holder,
    a_release_between_look_and_flock_is_no_adoption,
    an_override_between_look_and_flock_is_no_adoption,
    what_the_dead_did_between_look_and_flock_is_undone,
    an_override_between_the_last_look_and_the_removal_is_a_loss,
];

/// How long a slow probe keeps the flock: a part of what is waited for without waiting.
const PROBE: Duration = Duration::from_millis(100);

/// A `run` that is stopped right after it has first opened the lock's path: it has created the file, or looks at what is
/// there.
#[track_caller]
fn stopped_at_open(device: &Device, lock: &Lock) -> Waiter {
    let waiter = Waiter::start_as(device, lock, &["--no-wait"], |run| {
        run.stopped_after(lock, "openat", 1)
    });
    lock.until_stopped();
    waiter
}

fn a_probe_between_creation_and_flock_is_waited_out(device: &Device) {
    let lock = Lock::new();
    let waiter = stopped_at_open(device, &lock);
    let inode = lock.inode();
    let gate = lock.gate("probe");
    let _probe = peers::keep_flock(&lock, "probe");
    waiter.run.signal(Signal::SIGCONT);
    sleep(PROBE);
    assert!(!waiter.has_started(), "without the flock");
    drop(gate);
    let holder = waiter.until_holds();
    assert_eq!(lock.inode(), inode);
    assert!(!peers::host_may_reboot(&lock));
    holder.finish().succeeds();
}

fn a_removal_between_creation_and_flock_starts_again(device: &Device) {
    let lock = Lock::new();
    let waiter = stopped_at_open(device, &lock);
    fs::remove_file(lock.path()).expect("its file");
    waiter.run.signal(Signal::SIGCONT);
    let holder = waiter.until_holds();
    assert!(lock.is_there(), "its flock is on a file without a name");
    assert!(!peers::host_may_reboot(&lock));
    holder.finish().succeeds();
    assert!(!lock.is_there());
}

fn an_adoption_between_creation_and_flock_makes_the_adopter_the_holder(device: &Device) {
    let lock = Lock::new();
    let mut creator = stopped_at_open(device, &lock);
    let inode = lock.inode();
    let adopter = Holder::start(device, &lock);
    assert_eq!(lock.inode(), inode);
    creator.run.signal(Signal::SIGCONT);
    creator.run.end().fails_on(75, lock.path());
    assert!(!creator.has_started(), "two commands at once");
    assert_eq!(lock.inode(), inode, "the file is its adopter's");
    assert!(!peers::host_may_reboot(&lock));
    adopter.finish().succeeds();
    assert!(!lock.is_there());
}

fn a_release_between_look_and_flock_is_no_adoption(device: &Device) {
    let lock = Lock::new();
    let first = Holder::start(device, &lock);
    let second = stopped_at_open(device, &lock);
    first.finish().succeeds();
    assert!(!lock.is_there());
    second.run.signal(Signal::SIGCONT);
    let second = second.until_holds();
    assert!(lock.is_there(), "its flock is on a file without a name");
    assert!(!peers::host_may_reboot(&lock));
    second.finish().succeeds();
}

fn an_override_between_look_and_flock_is_no_adoption(device: &Device) {
    let lock = Lock::new();
    lock.make_stale(0);
    let mut second = stopped_at_open(device, &lock);
    peers::supervisor_forces(&lock);
    let inode = lock.inode();
    second.run.signal(Signal::SIGCONT);
    second.run.end().fails_on(75, lock.path());
    assert!(!second.has_started(), "beside the Supervisor");
    assert_eq!(lock.inode(), inode);
}

/// It had the mark of a release and a note when it died.
fn what_the_dead_did_between_look_and_flock_is_undone(device: &Device) {
    let lock = Lock::new();
    lock.make_stale(0);
    let waiter = Waiter::start_as(device, &lock, &["--no-wait"], |run| {
        // The last look at its content precedes the flock.
        run.stopped_after(&lock, "pread64", 1)
    });
    lock.until_stopped();
    fs::write(lock.path(), "pid 1\nreason of the dead\n").expect("a note");
    fs::set_permissions(
        lock.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o1744),
    )
    .expect("chmod");
    let inode = lock.inode();
    waiter.run.signal(Signal::SIGCONT);
    let holder = waiter.until_holds();
    assert_eq!((lock.inode(), lock.mode_and_user()), (inode, (0o1644, 0)));
    let note = fs::read_to_string(lock.path()).expect("a note");
    assert!(!note.contains("of the dead"), "{note}");
    holder.finish().succeeds();
}

/// For a user who isn't root the directory's sticky bit keeps the Supervisor's file.
fn an_override_between_the_last_look_and_the_removal_is_a_loss(device: &Device) {
    let lock = Lock::new();
    let run = device.at(&lock, ["run", "--", "true"]);
    // The mark of the release precedes the removal.
    let run = run.stopped_after(&lock, "fchmod", 1).by_user(1000);
    let mut run = run.start();
    lock.until_stopped();
    peers::supervisor_forces(&lock);
    let inode = lock.inode();
    run.signal(Signal::SIGCONT);
    let line = run.end().exits_with(0).one_line();
    assert!(line.contains("the lock was taken away"), "{line:?}");
    assert_eq!(lock.inode(), inode);
}
