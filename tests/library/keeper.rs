use std::fs::{self, Permissions};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use update_lock::{Errno, Error, Holder, Operation, Release, Request, UpdateLock};
use update_lock::{remove_dead, status};

use crate::Place;

fn kept(place: &Place) -> UpdateLock {
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    lock.mark_kept().expect("ours");
    lock
}

fn ask(place: &Place) -> Request<'_> {
    let request = Request::send(&place.path).expect("a keeper's");
    request.expect("a lock")
}

#[test]
fn a_keeper_is_asked_and_releases() {
    let place = Place::new();
    let lock = kept(&place);
    let found = status(&place.path).expect("no error").expect("held");
    assert_eq!((found.holder, found.is_kept), (Holder::App, true));
    assert_eq!(found.identity(), lock.identity());
    assert_eq!((place.mode(), lock.is_asked()), (0o1654, Ok(false)));
    let request = ask(&place);
    assert_eq!((place.mode(), lock.is_asked()), (0o1655, Ok(true)));
    assert_eq!(request.is_done(), Ok(false));
    assert_eq!(lock.release(), Ok(Release::Released));
    assert_eq!(request.is_done(), Ok(true));
    assert!(!place.is_there());
}

#[test]
fn two_may_ask() {
    let place = Place::new();
    let lock = kept(&place);
    let requests = [ask(&place), ask(&place)];
    assert_eq!(lock.release(), Ok(Release::Released));
    // Somebody else has taken it since.
    let _other = UpdateLock::try_acquire(&place.path).expect("free");
    for request in requests {
        assert_eq!(request.is_done(), Ok(true));
    }
    assert!(place.is_there());
}

#[test]
fn a_keepers_release_is_not_done_before_the_file_is_gone() {
    let place = Place::new();
    let lock = kept(&place);
    let request = ask(&place);
    // Between the mark and the `unlink` of its release.
    fs::set_permissions(place.file(), Permissions::from_mode(0o1744)).expect("chmod");
    assert_eq!(request.is_done(), Ok(false));
    // It dies there.
    die(lock);
    assert_eq!(request.is_done(), Ok(true));
    assert!(!place.is_there());
}

#[test]
fn a_keeper_that_died_has_its_file_removed() {
    let place = Place::new();
    for mode in [0o1654, 0o1655] {
        place.make_stale(mode);
        let found = status(&place.path).expect("no error").expect("there");
        assert_eq!((found.holder, found.is_kept), (Holder::Stale, true));
        assert_eq!(ask(&place).is_done(), Ok(true));
        assert!(!place.is_there());
    }
}

#[test]
fn an_adopted_keepers_file_is_left_alone() {
    let place = Place::new();
    let dead = kept(&place);
    let request = ask(&place);
    die(dead);
    let adopter = UpdateLock::try_acquire(&place.path).expect("stale");
    assert_eq!(place.mode(), 0o1644);
    assert_eq!(adopter.is_asked(), Ok(false));
    assert_eq!(request.is_done(), Ok(true));
    assert_eq!(adopter.is_held(), Ok(true));
    // The adopter dies, too: its file isn't the keeper's any more.
    die(adopter);
    assert_eq!(request.is_done(), Ok(true));
    assert!(place.is_there());
}

#[test]
fn a_file_that_took_the_keepers_place_is_left_alone() {
    let place = Place::new();
    let lock = kept(&place);
    let request = ask(&place);
    fs::remove_file(place.file()).expect("an override");
    fs::write(place.file(), "0").expect("the Supervisor's");
    assert_eq!(request.is_done(), Ok(true));
    assert_eq!(lock.release(), Ok(Release::Lost));
    assert!(place.is_there());
}

#[test]
fn who_keeps_nothing_is_not_asked() {
    let place = Place::new();
    assert!(Request::send(&place.path).expect("no error").is_none());
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    let refused = |holder| {
        let outcome = Request::send(&place.path).map(|_| ());
        assert_eq!(outcome, Err(Error::Held(holder)));
    };
    refused(Holder::App);
    assert_eq!((place.mode(), lock.is_asked()), (0o1644, Ok(false)));
    drop(lock);
    place.make_stale(0o1644);
    refused(Holder::Stale);
    // helios's content with a keeper's mode.
    place.make_stale(0o1654);
    fs::write(place.file(), [0x02, 0x63]).expect("its content");
    refused(Holder::Supervisor);
    assert_eq!(place.mode(), 0o1654);
    let found = status(&place.path).expect("no error").expect("there");
    assert!(!found.is_kept);
}

#[test]
fn what_is_dead_is_removed() {
    let place = Place::new();
    assert_eq!(remove_dead(&place.path), Ok(None));
    place.make_stale(0o1644);
    let file = fs::File::open(place.file()).expect("a file");
    assert_eq!(remove_dead(&place.path), Ok(Some(Holder::Stale)));
    let mode = file.metadata().expect("it is open").permissions().mode();
    assert_eq!(mode & 0o7777, 0o1744, "no override");
    fs::create_dir(place.file()).expect("mkdir");
    let removed = remove_dead(&place.path).expect("empty");
    assert!(matches!(removed, Some(Holder::Foreign { .. })));
    assert!(!place.is_there());
}

#[test]
fn what_lives_is_not_removed() {
    let place = Place::new();
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    assert_eq!(remove_dead(&place.path), Err(Error::Held(Holder::App)));
    assert_eq!(lock.release(), Ok(Release::Released));
    fs::write(place.file(), "another tool's").expect("a file");
    let file = fs::File::open(place.file()).expect("a file");
    file.lock().expect("its flock");
    let refused = remove_dead(&place.path).expect_err("it lives");
    assert!(matches!(refused, Error::Held(Holder::Foreign { .. })));
    drop(file);
    fs::write(place.file(), [0x02, 0x63]).expect("helios's");
    let refused = remove_dead(&place.path);
    assert_eq!(refused, Err(Error::Held(Holder::Supervisor)));
    fs::remove_file(place.file()).expect("a file");
    fs::create_dir_all(place.file().join("inside")).expect("mkdir");
    let expected = Error::System {
        operation: Operation::Remove,
        errno: Errno::NOTEMPTY,
    };
    assert_eq!(remove_dead(&place.path), Err(expected));
}

#[test]
fn the_lock_above_is_the_one_that_lives_at_the_path() {
    let place = Place::new();
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    let identity = lock.identity();
    let is_above = |variable: &[u8]| {
        let found = status(&place.path).expect("no error").expect("there");
        found.is_held_above(variable)
    };
    assert!(is_above(identity.as_bytes()));
    assert!(!is_above(b""));
    assert!(!is_above(&[identity.as_bytes(), b"0"].concat()));
    die(lock);
    assert!(!is_above(identity.as_bytes()), "it is dead");
}

#[test]
fn an_identity_is_device_and_inode_in_hexadecimal() {
    let place = Place::new();
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    let found = place.file().metadata().expect("it is there");
    let text = format!("{:x}:{:x}", found.dev(), found.ino());
    assert_eq!(lock.identity().as_bytes(), text.as_bytes());
}

/// What the end of a process does to its lock.
pub(crate) fn die(lock: UpdateLock) {
    let descriptor = lock.as_fd().as_raw_fd();
    lock.leave_behind();
    nix::unistd::close(descriptor).expect("it was open");
}
