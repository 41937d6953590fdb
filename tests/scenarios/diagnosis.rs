//! `doctor`: each check with its outcome and what to do.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::common::peers;
use crate::common::{Device, Holder, Lock, Outcome};

scenarios![
    a_good_place_is_good,
    nobody_is_told_to_run_as_another_user,
    a_missing_directory_is_named,
    a_closed_directory_is_named,
    a_read_only_directory_is_named,
    an_old_lock_name_is_noted,
    the_holder_is_named,
    what_does_not_go_by_itself_fails,
    the_supervisor_and_its_api_are_named,
];

/// The lines that failed.
fn failures(doctor: &Outcome) -> Vec<&str> {
    let lines = doctor.output.lines();
    lines.filter(|line| line.starts_with("FAIL")).collect()
}

fn a_good_place_is_good(device: &Device) {
    let lock = Lock::new();
    let doctor = device.at(&lock, ["doctor"]).end().succeeds();
    assert!(failures(&doctor).is_empty(), "{doctor:#?}");
    assert!(doctor.output.contains(lock.text()), "{doctor:#?}");
    assert_eq!(lock.names(), [""; 0], "it leaves nothing");
}

fn nobody_is_told_to_run_as_another_user(device: &Device) {
    let lock = Lock::new();
    let doctor = device
        .at(&lock, ["doctor"])
        .by_user(peers::NOBODY)
        .end()
        .exits_with(77);
    let failures = failures(&doctor).join("\n");
    assert!(
        failures.contains("65534") && failures.contains("another user"),
        "{doctor:#?}"
    );
}

fn a_missing_directory_is_named(device: &Device) {
    let lock = Lock::new();
    let path = lock.file("missing/updates.lock");
    let doctor = device
        .update_lock(["--lock"])
        .arg(&path)
        .arg("doctor")
        .end()
        .exits_with(69);
    let failures = failures(&doctor).join("\n");
    assert!(
        failures.contains(path.to_str().expect("text")),
        "{doctor:#?}"
    );
}

fn a_closed_directory_is_named(device: &Device) {
    let lock = Lock::new();
    let closed = Permissions::from_mode(0o755);
    fs::set_permissions(lock.directory(), closed).expect("chmod");
    let doctor = device
        .at(&lock, ["doctor"])
        .by_user(1000)
        .end()
        .exits_with(77);
    let failures = failures(&doctor).join("\n");
    assert!(failures.contains("permission denied"), "{doctor:#?}");
}

fn a_read_only_directory_is_named(device: &Device) {
    let lock = Lock::new();
    let mount = "mount --bind . . && mount -o remount,bind,ro . && cd .";
    let doctor = device.at(&lock, ["doctor"]).directory(lock.directory());
    let doctor = doctor.after(mount).through(["unshare", "-m"]).end();
    let doctor = doctor.exits_with(74);
    let failures = failures(&doctor).join("\n");
    assert!(
        failures.contains("mount it for writing") && !failures.contains("update-lock doctor"),
        "{doctor:#?}"
    );
}

fn an_old_lock_name_is_noted(device: &Device) {
    let lock = Lock::new();
    let path = lock.file("lock/resin-updates.lock");
    let doctor = device
        .update_lock(["--lock"])
        .arg(&path)
        .arg("doctor")
        .end()
        .succeeds();
    assert!(
        doctor.output.contains("updates.lock: its reboots"),
        "{doctor:#?}"
    );
}

fn the_holder_is_named(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    let doctor = device.at(&lock, ["doctor"]).end().exits_with(0);
    let pid = format!("pid {}", holder.run.pid());
    assert!(doctor.output.contains(&pid), "{doctor:#?}");
    holder.finish().succeeds();
}

fn what_does_not_go_by_itself_fails(device: &Device) {
    let lock = Lock::new();
    fs::write(lock.path(), "another tool's").expect("a file");
    let doctor = device.at(&lock, ["doctor"]).end().exits_with(75);
    let found = failures(&doctor).join("\n");
    assert!(
        found.contains(lock.text()) && found.contains("release --force"),
        "{doctor:#?}"
    );
    fs::remove_file(lock.path()).expect("a file");
    lock.make_stale(0);
    let doctor = device.at(&lock, ["doctor"]).by_user(1000).end();
    let doctor = doctor.exits_with(75);
    assert!(!failures(&doctor).is_empty(), "{doctor:#?}");
    // Root takes it over.
    device.at(&lock, ["doctor"]).end().succeeds();
}

fn the_supervisor_and_its_api_are_named(device: &Device) {
    let lock = Lock::new();
    let doctor = device.at(&lock, ["doctor"]).end();
    assert!(
        doctor.output.contains("io.balena.features.supervisor-api"),
        "{doctor:#?}"
    );
    let doctor = device
        .at(&lock, ["doctor"])
        .env("BALENA_SUPERVISOR_VERSION", "19.0.5")
        .env("BALENA_SUPERVISOR_ADDRESS", "http://127.0.0.1:48484")
        .end();
    for text in ["19.0.5", "http://127.0.0.1:48484"] {
        assert!(doctor.output.contains(text), "{doctor:#?}");
    }
}
