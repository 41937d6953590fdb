use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::thread;

use update_lock::{Error, Holder, Leave, Release, SharedLock, UpdateLock, status};

use crate::Place;

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
    use std::sync::atomic::{AtomicI32, Ordering};
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
