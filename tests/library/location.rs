use std::env;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use update_lock::{Error, Location, LockPath, Origin, PATH_CAPACITY};

const NEWEST: &str = "/tmp/balena/updates.lock";
const OLDER: &str = "/tmp/resin/resin-updates.lock";
const OLDEST: &str = "/data/resin-updates.lock";

/// What is found in an environment of these variables alone.
fn find(variables: &[(&str, &str)]) -> Result<Location, Error> {
    Location::find(|name| {
        let (_, value) = variables.iter().find(|(key, _)| *key == name)?;
        Some(value.as_bytes())
    })
}

#[track_caller]
fn assert_found(variables: &[(&str, &str)], path: &str, origin: Origin) {
    let location = find(variables).expect("a location");
    assert_eq!(location.path().as_bytes(), path.as_bytes(), "{variables:?}");
    assert_eq!(location.origin(), origin, "{variables:?}");
}

#[test]
fn each_version_has_its_era() {
    for (version, path) in [
        ("19.0.5", NEWEST),
        ("7.22.0", NEWEST),
        ("7.100.3", NEWEST),
        ("8.0.0", NEWEST),
        ("10.0.0", NEWEST),
        ("7.21.9", OLDER),
        ("7.3.0", OLDER),
        ("4.0.0", OLDER),
        ("6.99.99", OLDER),
        ("3.14.15", OLDEST),
        ("1.0.0", OLDEST),
        ("0.0.1", OLDEST),
    ] {
        for prefix in ["", "v"] {
            for suffix in ["", "-rc1", "-beta.2+rev3", "+rev1", "_7a8b9c", ".1"] {
                let version = format!("{prefix}{version}{suffix}");
                for variable in ["BALENA_SUPERVISOR_VERSION", "RESIN_SUPERVISOR_VERSION"] {
                    assert_found(&[(variable, &version)], path, Origin::Version);
                }
            }
        }
    }
}

#[test]
fn a_version_may_be_short() {
    assert_found(
        &[("BALENA_SUPERVISOR_VERSION", "7")],
        OLDER,
        Origin::Version,
    );
    assert_found(
        &[("BALENA_SUPERVISOR_VERSION", "v8")],
        NEWEST,
        Origin::Version,
    );
    assert_found(
        &[("BALENA_SUPERVISOR_VERSION", "7.22")],
        NEWEST,
        Origin::Version,
    );
    assert_found(
        &[("BALENA_SUPERVISOR_VERSION", "7-rc1")],
        OLDER,
        Origin::Version,
    );
}

#[test]
fn what_is_no_version_says_nothing() {
    for version in [
        "",
        "v",
        "latest",
        "-1.0",
        ".7",
        "99999999999.0.0",
        " 7.22.0",
        "vv7.22.0",
    ] {
        let found = find(&[("BALENA_SUPERVISOR_VERSION", version)]);
        let origin = found.map(|location| location.origin());
        assert!(
            matches!(origin, Ok(Origin::Directory) | Err(Error::NoLocation)),
            "{version:?}: {origin:?}"
        );
    }
}

#[test]
fn the_variables_have_an_order() {
    let all = [
        ("UPDATE_LOCK_PATH", "/user", Origin::UserVariable),
        (
            "BALENA_APP_LOCK_PATH",
            "/balena",
            Origin::SupervisorVariable,
        ),
        ("RESIN_APP_LOCK_PATH", "/resin", Origin::SupervisorVariable),
        ("BALENA_SUPERVISOR_VERSION", "19.0.5", Origin::Version),
        ("RESIN_SUPERVISOR_VERSION", "6.0.0", Origin::Version),
    ];
    for first in 0..all.len() {
        let (_, value, origin) = all[first];
        let path = match value {
            "19.0.5" => NEWEST,
            "6.0.0" => OLDER,
            path => path,
        };
        let set: Vec<_> = all[first..]
            .iter()
            .map(|(name, value, _)| (*name, *value))
            .collect();
        assert_found(&set, path, origin);
        // An empty one counts as unset.
        let empty = all[..first].iter().map(|(name, ..)| (*name, ""));
        let with_empty: Vec<_> = empty.chain(set).collect();
        assert_found(&with_empty, path, origin);
    }
}

#[test]
fn a_path_that_is_none_is_an_error() {
    let long = format!("/{}", "d".repeat(PATH_CAPACITY));
    for variable in [
        "UPDATE_LOCK_PATH",
        "BALENA_APP_LOCK_PATH",
        "RESIN_APP_LOCK_PATH",
    ] {
        assert_eq!(find(&[(variable, &long)]), Err(Error::PathTooLong));
        assert_eq!(find(&[(variable, "/tmp/balena/")]), Err(Error::InvalidPath));
        assert_eq!(find(&[(variable, "/tmp/\0")]), Err(Error::InvalidPath));
    }
}

#[test]
fn what_a_location_is_worth() {
    let oldest = find(&[("RESIN_SUPERVISOR_VERSION", "3.0.0")]).expect("a location");
    assert!(oldest.is_cleared_by_supervisor());
    assert!(!oldest.stops_host_reboot());
    let newest = find(&[("BALENA_SUPERVISOR_VERSION", "19.0.0")]).expect("a location");
    assert!(!newest.is_cleared_by_supervisor());
    assert!(newest.stops_host_reboot());
    let older = find(&[("BALENA_SUPERVISOR_VERSION", "5.0.0")]).expect("a location");
    assert!(!older.is_cleared_by_supervisor() && !older.stops_host_reboot());
}

#[test]
fn a_mount_point_protects_and_a_plain_directory_does_not() {
    // Every Linux has a file system of its own there, and none on its directory `self`.
    let mounted = find(&[("BALENA_APP_LOCK_PATH", "/proc/updates.lock")]).expect("a location");
    assert!(mounted.is_mount_point() && mounted.protects());
    let plain = find(&[("BALENA_APP_LOCK_PATH", "/proc/self/updates.lock")]).expect("a location");
    assert!(!plain.is_mount_point() && !plain.protects());
    let missing = find(&[("BALENA_APP_LOCK_PATH", "/missing/updates.lock")]).expect("a location");
    assert!(!missing.is_mount_point() && !missing.protects());
    // Who names a path by hand needs none.
    let named = find(&[("UPDATE_LOCK_PATH", "/proc/self/updates.lock")]).expect("a location");
    assert!(!named.is_mount_point() && named.protects());
    let path = LockPath::new(b"updates.lock").expect("a path");
    assert!(Location::explicit(path).protects());
}

/// Started by itself with the variable set, as changing one's own environment is not safe.
#[test]
fn the_process_has_an_environment() {
    const TEST: &str = "location::the_process_has_an_environment";
    if env::var_os("UPDATE_LOCK_PATH").is_some() {
        let location = Location::from_env().expect("a location");
        assert_eq!(location.path().as_bytes(), b"/some/where");
        assert_eq!(location.origin(), Origin::UserVariable);
        return;
    }
    let itself = env::current_exe().expect("this program");
    let mut command = Command::new(itself);
    command
        .args(["--exact", TEST])
        .env("UPDATE_LOCK_PATH", "/some/where");
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[test]
fn a_path_has_a_directory_and_a_file_name() {
    for (path, directory, name) in [
        ("/tmp/balena/updates.lock", "/tmp/balena/", "updates.lock"),
        ("/lock", "/", "lock"),
        ("lock", "./", "lock"),
        ("a/lock", "a/", "lock"),
        ("//a//lock", "//a//", "lock"),
    ] {
        let path = LockPath::new(path.as_bytes()).expect("a path");
        assert_eq!(path.directory(), directory.as_bytes());
        assert_eq!(path.file_name(), name.as_bytes());
    }
}

#[test]
fn a_path_has_a_capacity() {
    let longest = "p".repeat(PATH_CAPACITY - 1);
    let path = LockPath::new(longest.as_bytes()).expect("it fits, with its NUL");
    assert_eq!(path.as_bytes(), longest.as_bytes());
    assert_eq!(path.as_c_str().to_bytes(), longest.as_bytes());
    assert_eq!(
        LockPath::new("p".repeat(PATH_CAPACITY).as_bytes()),
        Err(Error::PathTooLong)
    );
}

proptest! {
    /// A path is taken whole or not at all.
    #[test]
    fn a_path_is_never_cut(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let is_path = !bytes.is_empty() && !bytes.contains(&0) && !bytes.ends_with(b"/");
        match LockPath::new(&bytes) {
            Ok(path) => {
                prop_assert!(is_path && bytes.len() < PATH_CAPACITY);
                prop_assert_eq!(path.as_bytes(), &bytes[..]);
                let whole = [path.directory(), path.file_name()].concat();
                let whole = whole.strip_prefix(b"./").filter(|_| !bytes.contains(&b'/')).unwrap_or(&whole);
                prop_assert_eq!(whole, &bytes[..]);
                let as_path: &Path = path.as_ref();
                prop_assert_eq!(LockPath::try_from(as_path), Ok(path.clone()));
            }
            Err(Error::InvalidPath) => prop_assert!(!is_path),
            Err(error) => {
                prop_assert_eq!(error, Error::PathTooLong);
                prop_assert!(bytes.len() >= PATH_CAPACITY);
            }
        }
    }

    /// Whatever the variables hold, it is answered without a panic, and a set path is found as it is.
    #[test]
    fn any_environment_is_answered(version in ".{0,20}", path in "[^\0]{0,300}") {
        let _ = find(&[("BALENA_SUPERVISOR_VERSION", &version)]);
        if let Ok(location) = find(&[("BALENA_APP_LOCK_PATH", &path)])
            && !path.is_empty()
        {
            prop_assert_eq!(location.path().as_bytes(), path.as_bytes());
        }
    }
}
