use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use update_lock::{Error, Holder, LockPath, Note, UpdateLock, status};

use crate::Place;

#[test]
fn a_free_lock_has_no_status() {
    let place = Place::new();
    assert_eq!(status(&place.path), Ok(None));
    assert!(!place.is_there());
}

#[test]
fn a_holder_and_its_note() {
    let place = Place::new();
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    let found = status(&place.path).expect("no error").expect("held");
    assert_eq!((found.holder, found.is_adoptable), (Holder::App, false));
    assert_eq!(found.note(&place.path).unwrap().as_bytes(), b"");
    let note = Note {
        pid: 7,
        program: b"p",
        since: Some(0),
        reason: b"r",
    };
    lock.write_note(&note).expect("written");
    let found = status(&place.path).expect("no error").expect("held");
    assert_eq!(found.note(&place.path).unwrap(), note.to_text());
    assert_eq!(lock.is_held(), Ok(true));
}

#[test]
fn a_dead_holder_and_its_note() {
    let place = Place::new();
    place.make_stale(0o1644);
    let found = status(&place.path).expect("no error").expect("there");
    assert_eq!((found.holder, found.is_adoptable), (Holder::Stale, true));
    assert_eq!(
        found.note(&place.path).unwrap().reason(),
        Some(&b"of the dead"[..])
    );
    // The look has let go of the `flock` again, and the file is as it was.
    assert_eq!(status(&place.path), Ok(Some(found)));
    assert_eq!(place.mode(), 0o1644);
}

#[test]
fn helios_is_the_supervisor() {
    let place = Place::new();
    for content in [&[0x02, 0x63][..], &[0x02, 0x63, b'\n', 7]] {
        fs::write(place.file(), content).expect("a file");
        let found = status(&place.path).expect("no error").expect("held");
        assert_eq!(
            (found.holder, found.is_adoptable),
            (Holder::Supervisor, false)
        );
        assert_eq!(
            found.note(&place.path).unwrap().as_bytes(),
            b"",
            "it isn't a note"
        );
    }
    fs::write(place.file(), [0x02]).expect("a file");
    let found = status(&place.path).expect("no error").expect("held");
    assert!(matches!(found.holder, Holder::Foreign { .. }));
}

#[test]
fn anything_else_is_foreign() {
    let place = Place::new();
    let uid = place
        .directory
        .path()
        .metadata()
        .expect("it is there")
        .uid();
    let foreign = |text: &str| {
        let found = status(&place.path).expect("no error").expect("held");
        assert_eq!(found.holder, Holder::Foreign { uid }, "{text}");
        assert!(!found.is_adoptable);
        assert_eq!(
            found.note(&place.path).unwrap().as_bytes(),
            b"",
            "it isn't a note"
        );
    };
    fs::write(place.file(), "pid 1\n").expect("a file");
    foreign("a file");
    fs::remove_file(place.file()).expect("a file");
    symlink("nowhere", place.file()).expect("symlink");
    foreign("a dangling link");
    fs::remove_file(place.file()).expect("a link");
    symlink(place.directory.path(), place.file()).expect("symlink");
    foreign("a link to a directory");
    fs::remove_file(place.file()).expect("a link");
    fs::create_dir(place.file()).expect("mkdir");
    foreign("a directory");
}

#[test]
fn a_path_that_leads_nowhere_is_free_or_an_error() {
    let place = Place::new();
    let path = place.other("missing/updates.lock");
    let path = LockPath::try_from(path.as_path()).expect("a path");
    assert_eq!(status(&path), Ok(None));
    fs::write(place.other("plain"), "").expect("a file");
    let path = place.other("plain/updates.lock");
    let path = LockPath::try_from(path.as_path()).expect("a path");
    assert!(matches!(status(&path), Err(Error::System { .. })));
}
