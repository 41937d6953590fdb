use std::fs;
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Uid, chown};
use update_lock::{Error, Holder, Note, Release, UpdateLock, Waiter, status};

use crate::keeper::die;
use crate::peers::{Strace, of_child};
use crate::{Place, until};

const SECOND: u64 = 1000;

/// Somebody else's: the Supervisor's as far as anybody can tell.
fn supervisor_takes(place: &Place) {
    fs::write(place.file(), "0").expect("a file");
    chown(place.file(), Some(Uid::from_raw(65534)), None).expect("chown");
}

/// A waiter that hears of what happens, and hasn't looked yet.
fn watching(place: &Place) -> Waiter {
    let mut waiter = Waiter::new(&place.path);
    waiter.watch().expect("inotify");
    waiter
}

#[track_caller]
fn held(waiter: &mut Waiter, now: u64) -> Holder {
    match waiter.look(now) {
        Err(Error::Held(holder)) => holder,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn gives_way(waiter: &mut Waiter, now: u64) {
    let outcome = waiter.look(now);
    assert!(matches!(outcome, Err(Error::GivingWay)), "{outcome:?}");
}

#[track_caller]
fn taken(waiter: &mut Waiter, now: u64) -> UpdateLock {
    waiter.look(now).expect("free")
}

fn has_events(waiter: &mut Waiter) -> bool {
    let watch = waiter.watch().expect("inotify");
    let mut events = [PollFd::new(watch, PollFlags::POLLIN)];
    poll(&mut events, PollTimeout::ZERO).expect("poll") > 0
}

#[test]
fn a_free_lock_is_taken_by_the_first_look() {
    let place = Place::new();
    let lock = taken(&mut Waiter::new(&place.path), 0);
    assert_eq!(lock.is_held(), Ok(true));
    assert_eq!(lock.release(), Ok(Release::Released));
}

#[test]
fn a_release_is_taken_at_once() {
    let place = Place::new();
    let first = UpdateLock::try_acquire(&place.path).expect("free");
    let mut waiter = Waiter::new(&place.path);
    assert_eq!(held(&mut waiter, 0), Holder::App);
    assert_eq!(first.release(), Ok(Release::Released));
    let _lock = taken(&mut waiter, 0);
}

#[test]
fn an_override_is_given_way_to_for_five_seconds() {
    let place = Place::new();
    let first = UpdateLock::try_acquire(&place.path).expect("free");
    let mut waiter = Waiter::new(&place.path);
    assert_eq!(held(&mut waiter, 7), Holder::App);
    fs::remove_file(place.file()).expect("by force");
    gives_way(&mut waiter, 10);
    // The loser lets go, which changes nothing.
    assert_eq!(first.release(), Ok(Release::Lost));
    gives_way(&mut waiter, 10 + 5 * SECOND - 1);
    assert_eq!(waiter.due(10 + 5 * SECOND - 1), 1);
    assert!(!place.is_there());
    let _lock = taken(&mut waiter, 10 + 5 * SECOND);
}

#[test]
fn after_the_supervisors_file_the_lock_is_taken_at_once() {
    let place = Place::new();
    let _first = UpdateLock::try_acquire(&place.path).expect("free");
    let mut waiter = Waiter::new(&place.path);
    held(&mut waiter, 0);
    fs::remove_file(place.file()).expect("by force");
    gives_way(&mut waiter, 0);
    supervisor_takes(&place);
    assert_eq!(held(&mut waiter, 1), Holder::Supervisor);
    // It takes its time.
    assert_eq!(held(&mut waiter, 60 * SECOND), Holder::Supervisor);
    fs::remove_file(place.file()).expect("it is done");
    let _lock = taken(&mut waiter, 60 * SECOND);
}

#[test]
fn helios_is_waited_for_and_followed_at_once() {
    let place = Place::new();
    let _first = UpdateLock::try_acquire(&place.path).expect("free");
    let mut waiter = Waiter::new(&place.path);
    held(&mut waiter, 0);
    fs::write(place.other("other"), [2, 0x63]).expect("a file");
    fs::rename(place.other("other"), place.file()).expect("over ours");
    assert_eq!(held(&mut waiter, 1), Holder::Supervisor);
    fs::remove_file(place.file()).expect("it is done");
    let _lock = taken(&mut waiter, 2);
}

#[test]
fn a_foreign_file_is_followed_after_a_second() {
    let place = Place::new();
    fs::write(place.file(), "another tool's").expect("a file");
    let mut waiter = Waiter::new(&place.path);
    assert!(matches!(held(&mut waiter, 0), Holder::Foreign { .. }));
    fs::remove_file(place.file()).expect("a file");
    gives_way(&mut waiter, 500);
    gives_way(&mut waiter, 500 + SECOND - 1);
    let _lock = taken(&mut waiter, 500 + SECOND);
}

#[test]
fn a_file_that_comes_meanwhile_is_the_one_that_counts() {
    let place = Place::new();
    let first = UpdateLock::try_acquire(&place.path).expect("free");
    let mut waiter = Waiter::new(&place.path);
    held(&mut waiter, 0);
    fs::remove_file(place.file()).expect("by force");
    gives_way(&mut waiter, 0);
    // Not the Supervisor, but another app that saw nothing.
    let second = UpdateLock::try_acquire(&place.path).expect("free");
    assert_eq!(held(&mut waiter, 1), Holder::App);
    assert_eq!(second.release(), Ok(Release::Released));
    let lock = taken(&mut waiter, 2);
    drop(first);
    assert_eq!(lock.is_held(), Ok(true));
}

#[test]
fn a_stray_copy_of_the_descriptor_changes_nothing() {
    let place = Place::new();
    let first = UpdateLock::try_acquire(&place.path).expect("free");
    let copy = first.as_fd().try_clone_to_owned().expect("a copy");
    let mut waiter = Waiter::new(&place.path);
    held(&mut waiter, 0);
    assert_eq!(first.release(), Ok(Release::Released));
    let _lock = taken(&mut waiter, 0);
    drop(copy);
}

#[test]
fn a_dead_holders_file_is_adopted() {
    let place = Place::new();
    let first = UpdateLock::try_acquire(&place.path).expect("free");
    let inode = place.inode();
    let mut waiter = Waiter::new(&place.path);
    held(&mut waiter, 0);
    assert!(!has_events(&mut waiter));
    die(first);
    assert!(has_events(&mut waiter), "the close of its file");
    assert!(waiter.has_news());
    let _lock = taken(&mut waiter, 1);
    assert_eq!(place.inode(), inode);
}

#[test]
fn who_lost_its_lock_gives_way_before_it_retakes() {
    let place = Place::new();
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    fs::remove_file(place.file()).expect("by force");
    let mut waiter = Waiter::after_loss(lock);
    gives_way(&mut waiter, 0);
    supervisor_takes(&place);
    assert_eq!(held(&mut waiter, 3), Holder::Supervisor);
    fs::remove_file(place.file()).expect("it is done");
    let _lock = taken(&mut waiter, 4);
}

#[test]
fn a_look_is_due_once_a_second() {
    let place = Place::new();
    let _first = UpdateLock::try_acquire(&place.path).expect("free");
    let mut waiter = Waiter::new(&place.path);
    assert_eq!(waiter.due(5), 0, "the first");
    held(&mut waiter, 5);
    waiter.watch().expect("inotify");
    assert_eq!(waiter.due(5), 0, "what came before the watch");
    held(&mut waiter, 5);
    assert_eq!(waiter.due(5), SECOND);
    assert_eq!(waiter.due(5 + 2 * SECOND), 0);
}

/// Looks of this waiter, of others and by `status`, and files beside the lock.
#[test]
fn looks_are_no_news() {
    let place = Place::new();
    let _first = UpdateLock::try_acquire(&place.path).expect("free");
    let mut waiters = [0; 4].map(|_| Waiter::new(&place.path));
    for waiter in &mut waiters {
        waiter.watch().expect("inotify");
        held(waiter, 0);
    }
    for _ in 0..3 {
        for waiter in &mut waiters {
            held(waiter, 0);
        }
        status(&place.path).expect("no error").expect("held");
        assert!(UpdateLock::try_acquire(&place.path).is_err());
        fs::read(place.file()).expect("a person's cat");
    }
    for waiter in &mut waiters {
        assert!(!has_events(waiter));
    }
    // Another lock in the same directory, whose name begins as this one's.
    fs::write(place.other("updates.lock.other"), "").expect("a file");
    fs::write(place.other("updates.loc"), "").expect("a file");
    for waiter in &mut waiters {
        assert!(has_events(waiter));
        assert!(!waiter.has_news());
        assert!(!has_events(waiter), "they have been read");
    }
}

#[test]
fn what_happens_to_the_lock_is_news() {
    let place = Place::new();
    let mut waiter = watching(&place);
    let mut expect_news = |what: &str| {
        assert!(waiter.has_news(), "{what}");
        assert!(!waiter.has_news(), "{what}, once");
    };
    drop(fs::File::create(place.file()).expect("a file"));
    expect_news("created and closed");
    drop(
        fs::File::options()
            .append(true)
            .open(place.file())
            .expect("a file"),
    );
    expect_news("closed");
    fs::write(place.other("other"), "").expect("a file");
    fs::rename(place.other("other"), place.file()).expect("rename");
    expect_news("renamed over");
    fs::rename(place.file(), place.other("away")).expect("rename");
    expect_news("renamed away");
    fs::rename(place.other("away"), place.file()).expect("rename");
    expect_news("renamed back");
    fs::remove_file(place.file()).expect("a file");
    expect_news("removed");
    fs::create_dir(place.file()).expect("mkdir");
    fs::remove_dir(place.file()).expect("rmdir");
    expect_news("a directory removed");
}

/// Between two looks somebody took the lock and lost it: that wasn't the one seen last.
#[test]
fn what_came_and_went_unseen_is_given_way_to_for_a_second() {
    let place = Place::new();
    supervisor_takes(&place);
    let mut waiter = watching(&place);
    assert_eq!(held(&mut waiter, 0), Holder::Supervisor);
    fs::remove_file(place.file()).expect("it is done");
    let _unseen = UpdateLock::try_acquire(&place.path).expect("free");
    fs::remove_file(place.file()).expect("by force");
    gives_way(&mut waiter, 1);
    gives_way(&mut waiter, SECOND);
    let _lock = taken(&mut waiter, SECOND + 1);
}

/// The same, but each of them was given back, the last one with a note in it.
#[test]
fn what_was_released_unseen_is_followed_at_once() {
    let place = Place::new();
    let first = UpdateLock::try_acquire(&place.path).expect("free");
    let mut waiter = watching(&place);
    assert_eq!(held(&mut waiter, 0), Holder::App);
    assert_eq!(first.release(), Ok(Release::Released));
    let unseen = UpdateLock::try_acquire(&place.path).expect("free");
    assert_eq!(unseen.release(), Ok(Release::Released));
    let unseen = UpdateLock::try_acquire(&place.path).expect("free");
    unseen.write_note(&Note::default()).expect("room for it");
    assert_eq!(unseen.release(), Ok(Release::Released));
    let _lock = taken(&mut waiter, 1);
}

/// Released ones hide none that was taken away before or after them.
#[test]
fn one_taken_away_among_those_released_is_given_way_to() {
    for taken_away in 0..3 {
        let place = Place::new();
        let first = UpdateLock::try_acquire(&place.path).expect("free");
        let mut waiter = watching(&place);
        assert_eq!(held(&mut waiter, 0), Holder::App);
        assert_eq!(first.release(), Ok(Release::Released));
        for turn in 0..3 {
            let unseen = UpdateLock::try_acquire(&place.path).expect("free");
            if turn == taken_away {
                fs::remove_file(place.file()).expect("by force");
            }
            let _ = unseen.release();
        }
        gives_way(&mut waiter, 1);
        let _lock = taken(&mut waiter, 1 + SECOND);
    }
}

/// A keeper's mark is a change, too; its note comes after it.
#[test]
fn a_keepers_lock_taken_away_unseen_is_given_way_to() {
    let place = Place::new();
    let mut waiter = watching(&place);
    let unseen = UpdateLock::try_acquire(&place.path).expect("free");
    unseen.mark_kept().expect("its own file");
    unseen.write_note(&Note::default()).expect("room for it");
    fs::remove_file(place.file()).expect("by force");
    gives_way(&mut waiter, 1);
}

/// helios renames its own file over one that nobody has seen.
#[test]
fn one_replaced_unseen_is_given_way_to() {
    let place = Place::new();
    let mut waiter = watching(&place);
    let _unseen = UpdateLock::try_acquire(&place.path).expect("free");
    let other = place.other("other");
    fs::write(&other, "").expect("a file");
    fs::rename(&other, place.file()).expect("by force");
    fs::remove_file(place.file()).expect("it is done");
    gives_way(&mut waiter, 1);
}

/// More events than the kernel keeps.
#[test]
fn an_overflow_is_news() {
    let place = Place::new();
    let mut waiter = watching(&place);
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("its limit");
    let limit: usize = limit.trim().parse().expect("a number");
    for number in 0..=limit {
        // Equal events in a row become one.
        let file = place.other(["one", "other"][number % 2]);
        fs::write(&file, "").expect("a file");
    }
    assert!(waiter.has_news());
}

#[test]
fn acquire_waits_for_the_release_and_keeps_its_watch() {
    let place = Place::new();
    let first = UpdateLock::try_acquire(&place.path).expect("free");
    thread::scope(|scope| {
        let waiter = scope.spawn(|| UpdateLock::acquire(&place.path).expect("no error"));
        thread::sleep(Duration::from_millis(50));
        assert!(!waiter.is_finished());
        assert_eq!(first.release(), Ok(Release::Released));
        let lock = waiter.join().expect("it takes the lock");
        assert_eq!(lock.is_held(), Ok(true));
    });
    assert!(!place.is_there());
}

/// A blocking wait gives way, too: whoever takes the lock in the gap would be the one who breaks the override.
#[test]
fn acquire_gives_way_to_an_override() {
    let place = Place::new();
    let first = UpdateLock::try_acquire(&place.path).expect("free");
    thread::scope(|scope| {
        let waiter = scope.spawn(|| UpdateLock::acquire(&place.path).expect("no error"));
        until("it waits", || place.seen() == 1);
        fs::remove_file(place.file()).expect("by force");
        drop(first);
        thread::sleep(Duration::from_millis(50));
        assert!(!place.is_there(), "nobody took it");
        supervisor_takes(&place);
        thread::sleep(Duration::from_millis(50));
        assert!(!waiter.is_finished());
        fs::remove_file(place.file()).expect("it is done");
        let start = Instant::now();
        drop(waiter.join().expect("it takes the lock"));
        assert!(start.elapsed() < Duration::from_secs(4), "no five seconds");
    });
}

/// Time passes all the same, however often files beside the lock change.
#[test]
fn a_wait_ends_where_timers_are_refused() {
    if let Some(path) = of_child() {
        let outcome = UpdateLock::acquire_timeout(&path, Duration::from_millis(300));
        assert!(matches!(outcome, Err(Error::Held(_))), "{outcome:?}");
        return;
    }
    let place = Place::new();
    fs::write(place.file(), "another tool's").expect("a file");
    let test = "wait::a_wait_ends_where_timers_are_refused";
    let strace = Strace::start(&place, test, "-e inject=timerfd_create:error=EPERM");
    until("the end of the wait", || {
        fs::write(place.other("beside"), "").expect("a file");
        strace.has_ended()
    });
    strace.until_passed();
}

/// A second override while the first one is given way to.
#[test]
fn what_came_and_went_meanwhile_is_given_way_to_anew() {
    let place = Place::new();
    let _first = UpdateLock::try_acquire(&place.path).expect("free");
    let mut waiter = watching(&place);
    held(&mut waiter, 0);
    fs::remove_file(place.file()).expect("by force");
    gives_way(&mut waiter, 10);
    let _second = UpdateLock::try_acquire(&place.path).expect("free");
    fs::remove_file(place.file()).expect("by force");
    gives_way(&mut waiter, 3 * SECOND);
    gives_way(&mut waiter, 4 * SECOND - 1);
    let _lock = taken(&mut waiter, 4 * SECOND);
}

/// Its maker hasn't come to its `flock` yet.
#[test]
fn a_new_file_is_looked_at_before_it_is_adopted() {
    let place = Place::new();
    supervisor_takes(&place);
    let mut waiter = watching(&place);
    assert_eq!(held(&mut waiter, 0), Holder::Supervisor);
    fs::remove_file(place.file()).expect("it is done");
    place.make_stale(0o1644);
    assert_eq!(held(&mut waiter, 5), Holder::App);
    assert_eq!(waiter.due(5), 10);
    // It never came: it is dead.
    let inode = place.inode();
    let lock = taken(&mut waiter, 15);
    assert_eq!(place.inode(), inode);
    // The waiter still knows that it has seen it.
    assert_eq!(lock.release(), Ok(Release::Released));
    let _lock = taken(&mut waiter, 16);
}

/// Between the look that finds the path free and the creation somebody else takes the lock, and loses it by force.
#[test]
fn a_lock_taken_in_an_overrides_gap_is_given_back() {
    if let Some(path) = of_child() {
        let is_shared = Path::new("shared").exists();
        let mut waiter = Waiter::new(&path);
        waiter.watch().expect("inotify");
        let mut look = || {
            if is_shared {
                waiter.look_shared(0).map(drop).expect_err("no lock")
            } else {
                waiter.look(0).map(drop).expect_err("no lock")
            }
        };
        assert_eq!(look(), Error::Held(Holder::App));
        fs::write("waits", "").expect("a file");
        until("it is free", || Path::new("released").exists());
        assert_eq!(look(), Error::GivingWay);
        assert!(!Path::new("updates.lock").exists());
        return;
    }
    for is_shared in [false, true] {
        let place = Place::new();
        if is_shared {
            fs::write(place.other("shared"), "").expect("a file");
        }
        let lock = UpdateLock::try_acquire(&place.path).expect("free");
        let options = "-P \"$P\" -e trace=newfstatat -e inject=newfstatat:signal=SIGSTOP:when=2";
        let test = "wait::a_lock_taken_in_an_overrides_gap_is_given_back";
        let strace = Strace::start(&place, test, options);
        until("it waits", || place.other("waits").exists());
        assert_eq!(lock.release(), Ok(Release::Released));
        fs::write(place.other("released"), "").expect("a file");
        strace.until_stopped();
        let lock = UpdateLock::try_acquire(&place.path).expect("free");
        fs::remove_file(place.file()).expect("by force");
        assert_eq!(lock.release(), Ok(Release::Lost));
        strace.goes_on();
        strace.until_passed();
    }
}

/// Whoever tries again when a look is due is no busy loop.
#[test]
fn a_look_that_fails_is_not_due_at_once() {
    let place = Place::new();
    let path =
        update_lock::LockPath::in_directory(place.file().as_os_str().as_encoded_bytes(), b"l");
    let mut waiter = Waiter::new(&path.expect("a path"));
    for now in [0, SECOND] {
        let outcome = waiter.look(now);
        assert!(matches!(outcome, Err(Error::System { .. })), "{outcome:?}");
        assert_eq!(waiter.due(now), SECOND);
    }
}
