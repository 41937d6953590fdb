use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use update_lock::{Error, Holder, Leave, Note, Release, SharedLock, UpdateLock, Waiter, status};

use crate::peers::{
    Strace, helios_forces, of_child, open_place, removes, supervisor_forces, supervisor_takes,
};
use crate::{Place, until};

fn join(place: &Place) -> SharedLock {
    SharedLock::try_acquire(&place.path).expect("free, or shared")
}

/// What the end of a process does to its hold.
fn die(lock: SharedLock) {
    let descriptor = lock.as_fd().as_raw_fd();
    std::mem::forget(lock);
    nix::unistd::close(descriptor).expect("it was open");
}

#[test]
fn the_last_one_out_removes_the_file() {
    let place = Place::new();
    let holds = [join(&place), join(&place), join(&place)];
    assert_eq!(place.mode(), 0o1644);
    let mut left = holds.len();
    for hold in holds {
        assert!(!place.flock_is_free());
        assert_eq!(hold.is_held(), Ok(true));
        left -= 1;
        let expected = if left == 0 {
            Leave::Released
        } else {
            Leave::Left
        };
        assert_eq!(hold.leave(), Ok(expected));
        assert_eq!(place.is_there(), left > 0);
    }
}

#[test]
fn a_drop_leaves() {
    let place = Place::new();
    let first = join(&place);
    drop(join(&place));
    assert!(!place.flock_is_free());
    drop(first);
    assert!(!place.is_there());
}

#[test]
fn exclusive_and_shared_exclude_each_other() {
    let place = Place::new();
    let shared = join(&place);
    let refused = UpdateLock::try_acquire(&place.path).expect_err("shared");
    assert_eq!(refused, Error::Held(Holder::App));
    assert_eq!(shared.leave(), Ok(Leave::Released));
    let exclusive = UpdateLock::try_acquire(&place.path).expect("free");
    let refused = SharedLock::try_acquire(&place.path).expect_err("exclusive");
    assert_eq!(refused, Error::Held(Holder::App));
    assert_eq!(exclusive.release(), Ok(Release::Released));
}

#[test]
fn a_keepers_lock_is_not_joined() {
    let place = Place::new();
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    lock.mark_kept().expect("ours");
    assert!(SharedLock::try_acquire(&place.path).is_err());
    assert_eq!(place.mode(), 0o1654);
}

#[test]
fn crashes_of_some_leave_it_to_the_rest() {
    let place = Place::new();
    let rest = join(&place);
    die(join(&place));
    die(join(&place));
    assert!(!place.flock_is_free());
    assert_eq!(rest.leave(), Ok(Leave::Released));
    // All of them.
    die(join(&place));
    assert!(place.flock_is_free());
    let found = status(&place.path).expect("no error").expect("there");
    assert_eq!(found.holder, Holder::Stale);
    let adopter = join(&place);
    assert!(!place.flock_is_free());
    assert_eq!(adopter.leave(), Ok(Leave::Released));
    assert!(!place.is_there());
}

#[test]
fn a_dead_exclusive_holders_file_is_joined_and_cleaned() {
    let place = Place::new();
    place.make_stale(0o1755);
    let inode = place.inode();
    let hold = join(&place);
    assert_eq!((place.inode(), place.mode()), (inode, 0o1644));
    assert_eq!(hold.leave(), Ok(Leave::Released));
}

#[test]
fn what_took_our_place_is_left_alone() {
    let place = Place::new();
    let holds = [join(&place), join(&place)];
    fs::remove_file(place.file()).expect("by force");
    fs::write(place.file(), "0").expect("the Supervisor's");
    for hold in holds {
        assert_eq!(hold.is_held(), Ok(false));
        assert_eq!(hold.leave(), Ok(Leave::Lost));
    }
    assert_eq!(fs::read(place.file()).expect("it stays"), b"0");
    let refused = SharedLock::try_acquire(&place.path).expect_err("foreign");
    assert!(matches!(refused, Error::Held(Holder::Foreign { .. })));
}

/// A probe of the host's, when the last one leaves.
#[test]
fn a_probe_does_not_keep_the_last_one_from_being_the_last() {
    let place = Place::new();
    let hold = join(&place);
    thread::scope(|scope| {
        let prober = scope.spawn(|| {
            for _ in 0..2000 {
                if let Ok(file) = fs::File::open(place.file()) {
                    let _ = file.try_lock();
                }
            }
        });
        drop(hold);
        for _ in 0..200 {
            // What the probe has found dead it keeps from being joined for a moment.
            drop(SharedLock::acquire(&place.path).expect("no error"));
        }
        prober.join().expect("it ends");
    });
    // Two probes in exactly two moments may leave a dead file.
    drop(join(&place));
    assert!(!place.is_there());
}

/// Joiners, leavers and exclusive acquirers, in whatever order comes.
#[test]
fn members_and_owners_never_meet() {
    let place = Place::new();
    // Members count up, an exclusive holder far down.
    let inside = AtomicI32::new(0);
    let (mut shared, mut exclusive) = (0, 0);
    thread::scope(|scope| {
        let members = [(); 3].map(|()| {
            scope.spawn(|| {
                let mut times = 0;
                for _ in 0..300 {
                    let Ok(hold) = SharedLock::try_acquire(&place.path) else {
                        continue;
                    };
                    assert!(
                        inside.fetch_add(1, Ordering::SeqCst) >= 0,
                        "beside an owner"
                    );
                    inside.fetch_sub(1, Ordering::SeqCst);
                    let _ = hold.leave().expect("no error");
                    times += 1;
                }
                times
            })
        });
        let owner = scope.spawn(|| {
            let mut times = 0;
            for _ in 0..300 {
                let Ok(lock) = UpdateLock::try_acquire(&place.path) else {
                    continue;
                };
                assert_eq!(inside.fetch_sub(100, Ordering::SeqCst), 0, "beside members");
                inside.fetch_add(100, Ordering::SeqCst);
                assert_eq!(lock.release(), Ok(Release::Released));
                times += 1;
            }
            times
        });
        shared = members
            .map(|member| member.join().expect("a member"))
            .iter()
            .sum();
        exclusive = owner.join().expect("an owner");
    });
    assert!(shared > 0, "{shared} shared, {exclusive} exclusive");
    drop(UpdateLock::try_acquire(&place.path).expect("free, or stale"));
    assert!(!place.is_there());
}

fn exclusive(place: &Place) -> UpdateLock {
    UpdateLock::try_acquire(&place.path).expect("free")
}

fn waiter(place: &Place) -> Waiter {
    let mut waiter = Waiter::new(&place.path);
    waiter.watch().expect("inotify");
    waiter
}

#[track_caller]
fn is_held(waiter: &mut Waiter, now: u64) {
    let outcome = waiter.look_shared(now);
    let held = Error::Held(Holder::App);
    assert_eq!(outcome.map(|hold| hold.is_held()), Err(held));
}

#[track_caller]
fn gives_way(waiter: &mut Waiter, now: u64) {
    let outcome = waiter.look_shared(now);
    assert!(matches!(outcome, Err(Error::GivingWay)), "{outcome:?}");
}

#[track_caller]
fn joined(waiter: &mut Waiter, now: u64) -> SharedLock {
    waiter.look_shared(now).expect("free, or shared")
}

#[test]
fn several_joiners_wait_for_one_exclusive_holder() {
    let place = Place::new();
    let lock = exclusive(&place);
    let mut waiters = [0; 3].map(|_| waiter(&place));
    for waiter in &mut waiters {
        is_held(waiter, 0);
    }
    assert_eq!(lock.release(), Ok(Release::Released));
    let [first, rest @ ..] = &mut waiters;
    let mut holds = vec![joined(first, 1)];
    for waiter in rest {
        // It doesn't know yet whether the maker of the new file has come to its flock.
        is_held(waiter, 1);
        assert_eq!(waiter.due(1), 10);
        holds.push(joined(waiter, 11));
    }
    for (left, hold) in (0..3).rev().zip(holds) {
        assert_eq!(hold.is_held(), Ok(true));
        let outcome = if left > 0 {
            Leave::Left
        } else {
            Leave::Released
        };
        assert_eq!(hold.leave(), Ok(outcome));
    }
    assert!(!place.is_there());
}

/// Joiners that found the lock dead at the same time must not be in each other's way.
#[test]
fn all_threads_that_wait_are_in_at_once() {
    let place = Place::new();
    for is_crash in [false, true] {
        let lock = exclusive(&place);
        let inside = Barrier::new(8);
        thread::scope(|scope| {
            let members = [0; 8].map(|_| {
                scope.spawn(|| {
                    let hold = SharedLock::acquire(&place.path).expect("no error");
                    inside.wait();
                    hold.leave().expect("no error")
                })
            });
            until("all wait", || place.seen() == 8);
            if is_crash {
                crate::keeper::die(lock);
            } else {
                assert_eq!(lock.release(), Ok(Release::Released));
            }
            let outcomes = members.map(|member| member.join().expect("no panic"));
            let count = |outcome| outcomes.iter().filter(|&&it| it == outcome).count();
            assert_eq!((count(Leave::Left), count(Leave::Released)), (7, 1));
        });
        assert!(!place.is_there());
    }
}

#[test]
fn an_exclusive_waiter_comes_after_the_last_member() {
    let place = Place::new();
    let holds = [join(&place), join(&place), join(&place)];
    let mut waiter = waiter(&place);
    for hold in holds {
        assert_eq!(waiter.look(0).err(), Some(Error::Held(Holder::App)));
        let _ = hold.leave().expect("no error");
    }
    let lock = waiter.look(0).expect("a release, and no override");
    assert_eq!(lock.release(), Ok(Release::Released));
}

#[test]
fn crashes_are_seen_by_those_who_wait() {
    let place = Place::new();
    let (first, second) = (join(&place), join(&place));
    let inode = place.inode();
    let mut waiter = waiter(&place);
    die(first);
    assert_eq!(waiter.look(0).err(), Some(Error::Held(Holder::App)));
    die(second);
    let lock = waiter.look(0).expect("all of them are dead");
    assert_eq!(place.inode(), inode);
    crate::keeper::die(lock);
    let mut waiter = Waiter::new(&place.path);
    assert_eq!(joined(&mut waiter, 0).leave(), Ok(Leave::Released));
}

#[test]
fn a_joiner_gives_way_to_an_override() {
    let place = open_place();
    let lock = exclusive(&place);
    let mut waiter = waiter(&place);
    is_held(&mut waiter, 0);
    removes(&place);
    gives_way(&mut waiter, 0);
    // The loser lets go, which changes nothing.
    assert_eq!(lock.release(), Ok(Release::Lost));
    gives_way(&mut waiter, 4999);
    assert!(supervisor_takes(&place));
    let held = Error::Held(Holder::Supervisor);
    assert_eq!(waiter.look_shared(5000).err(), Some(held));
    removes(&place);
    let hold = joined(&mut waiter, 5001);
    assert_eq!(hold.leave(), Ok(Leave::Released));
}

#[test]
fn a_joiner_does_not_wait_for_ever_for_an_override() {
    let place = Place::new();
    let hold = join(&place);
    let mut waiter = waiter(&place);
    // Seen without being joined: by an exclusive look.
    assert!(waiter.look(0).is_err());
    removes(&place);
    gives_way(&mut waiter, 1);
    gives_way(&mut waiter, 5000);
    let other = joined(&mut waiter, 5001);
    assert_eq!(hold.leave(), Ok(Leave::Lost));
    assert_eq!(other.is_held(), Ok(true));
}

#[test]
fn members_that_lost_the_lock_give_way_and_join_again() {
    let place = open_place();
    for force in [supervisor_forces, helios_forces] {
        let holds = [join(&place), join(&place)];
        force(&place);
        let mut waiters = holds.map(Waiter::after_shared_loss);
        for waiter in &mut waiters {
            waiter.watch().expect("inotify");
            let held = Error::Held(Holder::Supervisor);
            assert_eq!(waiter.look_shared(0).err(), Some(held));
        }
        removes(&place);
        let [first, second] = &mut waiters;
        let first = joined(first, 1);
        is_held(second, 1);
        let second = joined(second, 11);
        assert_eq!(first.leave(), Ok(Leave::Left));
        assert_eq!(second.leave(), Ok(Leave::Released));
    }
}

#[test]
fn members_give_way_before_the_supervisor_comes() {
    let place = Place::new();
    let hold = join(&place);
    removes(&place);
    let mut waiter = Waiter::after_shared_loss(hold);
    gives_way(&mut waiter, 0);
    gives_way(&mut waiter, 4999);
    let _hold = joined(&mut waiter, 5000);
}

/// The holder notices it and lets go before the Supervisor's own file is there.
#[test]
fn forced_takes_beside_a_waiting_joiner() {
    let place = open_place();
    for _ in 0..50 {
        let lock = exclusive(&place);
        thread::scope(|scope| {
            let joiner = scope.spawn(|| SharedLock::acquire(&place.path).expect("no error"));
            until("it waits", || place.seen() == 1);
            removes(&place);
            assert_eq!(lock.release(), Ok(Release::Lost));
            assert!(supervisor_takes(&place), "an override was broken");
            until("it has seen the Supervisor", || place.seen() == 1);
            removes(&place);
            let hold = joiner.join().expect("no panic");
            assert_eq!(hold.leave(), Ok(Leave::Released));
        });
    }
}

#[test]
fn forced_takes_beside_members_that_join_again() {
    let place = open_place();
    let (inside, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let count_is = |count| inside.load(Ordering::SeqCst) == count;
    let member = || {
        let mut hold = join(&place);
        inside.fetch_add(1, Ordering::SeqCst);
        while !is_over.load(Ordering::SeqCst) {
            if hold.wait_lost(Duration::from_millis(10)).expect("no error") {
                let waiter = Waiter::after_shared_loss(hold);
                inside.fetch_sub(1, Ordering::SeqCst);
                hold = waiter.wait_shared(Duration::MAX).expect("no error");
                inside.fetch_add(1, Ordering::SeqCst);
            }
        }
        hold.leave().expect("no error")
    };
    thread::scope(|scope| {
        let members = [0; 3].map(|_| scope.spawn(member));
        for _ in 0..50 {
            until("all are members", || count_is(3));
            assert!(!supervisor_takes(&place));
            supervisor_forces(&place);
            until("all give way", || count_is(0) && place.seen() == 3);
            removes(&place);
        }
        until("all are members", || count_is(3));
        is_over.store(true, Ordering::SeqCst);
        let outcomes = members.map(|member| member.join().expect("no panic"));
        let last = outcomes.iter().filter(|&&it| it == Leave::Released);
        assert_eq!(last.count(), 1, "{outcomes:?}");
    });
    assert!(!place.is_there());
}

/// While a member tries for the exclusive `flock` it may hold none, and then another is the last one.
#[test]
fn two_last_members_have_lost_nothing() {
    let place = Place::new();
    let (first, second) = (join(&place), join(&place));
    let copy = first.as_fd().try_clone_to_owned().expect("a copy");
    File::from(copy).unlock().expect("the first one's");
    assert_eq!(second.leave(), Ok(Leave::Released));
    let next = exclusive(&place);
    assert_eq!(first.leave(), Ok(Leave::Left));
    assert_eq!(next.is_held(), Ok(true));
}

#[test]
fn who_waits_sees_through_probes() {
    let place = Place::new();
    place.make_stale(0o1644);
    let probe = File::open(place.file()).expect("it is there");
    probe.lock().expect("free");
    assert!(SharedLock::try_acquire(&place.path).is_err());
    let wait = || SharedLock::acquire_timeout(&place.path, Duration::from_secs(60));
    thread::scope(|scope| {
        let joiner = scope.spawn(wait);
        until("it waits", || place.seen() == 1);
        drop(probe);
        let hold = joiner.join().expect("no panic").expect("it was a probe");
        assert_eq!(hold.leave(), Ok(Leave::Released));
    });
}

#[test]
fn a_wait_for_members_ends_with_its_time() {
    let place = Place::new();
    let _lock = exclusive(&place);
    for milliseconds in [0, 20] {
        let timeout = Duration::from_millis(milliseconds);
        let refused = SharedLock::acquire_timeout(&place.path, timeout).expect_err("held");
        assert_eq!(refused, Error::Held(Holder::App));
    }
}

#[test]
fn members_write_notes_and_name_the_lock() {
    let place = Place::new();
    let holds = [join(&place), join(&place)];
    for (pid, hold) in (1..).zip(&holds) {
        let note = Note {
            pid,
            ..Note::default()
        };
        hold.write_note(&note).expect("held");
        // The next one's comes in its place, and joining takes none away.
        drop(join(&place));
        let found = status(&place.path).expect("no error").expect("held");
        assert_eq!(found.identity(), hold.identity());
        let text = found.note(&place.path).expect("a note");
        assert_eq!(text.as_bytes(), format!("pid {pid}\n").as_bytes());
    }
    let [first, second] = holds;
    first.leave_behind();
    assert_eq!(
        second.leave(),
        Ok(Leave::Left),
        "the first one's descriptor lives"
    );
}

#[test]
fn a_waiting_members_watch_goes_with_its_hold() {
    let place = Place::new();
    let lock = exclusive(&place);
    let mut waiter = waiter(&place);
    is_held(&mut waiter, 0);
    assert_eq!(lock.release(), Ok(Release::Released));
    let mut hold = joined(&mut waiter, 0);
    drop(waiter);
    assert_eq!(place.watches(), 1);
    hold.forget_news();
    hold.close_watch();
    assert_eq!(place.watches(), 0);
    assert_eq!(hold.leave(), Ok(Leave::Released));
}

/// Another user's members can't be joined, and are neither dead nor a dead one's.
#[test]
fn another_users_members_are_alive() {
    if let Some(path) = of_child() {
        let refused = |holder| {
            let refused = SharedLock::try_acquire(&path).expect_err("another user's");
            assert_eq!(refused, Error::Held(holder));
        };
        refused(Holder::App);
        fs::write("goes-on", "").expect("a file");
        until("they are dead", || Path::new("died").exists());
        refused(Holder::Stale);
        return;
    }
    let place = open_place();
    let hold = join(&place);
    let strace = Strace::start_as(
        &place,
        "shared::another_users_members_are_alive",
        "",
        "setpriv --reuid 1234 --regid 1234 --clear-groups",
    );
    until("it has been refused", || place.other("goes-on").exists());
    die(hold);
    fs::write(place.other("died"), "").expect("a file");
    strace.until_passed();
}
