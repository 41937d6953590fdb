//! Which lock is found in a container, as balena's engine sets one up, and where there is none.

use crate::common::{Device, Invocation, Lock};

scenarios![
    the_lock_of_todays_supervisor_is_found,
    the_lock_of_older_supervisors_is_found,
    the_lock_of_the_oldest_supervisors_is_found,
    the_newest_mounted_directory_wins,
    the_supervisors_variable_names_the_lock,
    the_supervisors_version_names_the_lock,
    the_users_variable_wins_over_the_supervisors,
    the_command_line_wins_over_every_variable,
    where_there_is_no_device_the_command_runs_unprotected,
    where_there_is_no_device_require_refuses,
    a_directory_of_the_image_is_no_device,
    status_and_doctor_know_where_there_is_no_device,
];

/// Builds a root directory of its own in a mount namespace, runs `prepare` in it and then the program as `/update-lock`.
///
/// The host's programs and libraries are in it, but nothing of its `/tmp` and `/data`.
fn contained(device: &Device, lock: &Lock, prepare: &str, arguments: &[&str]) -> Invocation {
    let words = device.words();
    let (_, emulator) = words.split_last().expect("the program");
    let build = format!(
        "set -e
        mount -t tmpfs tmpfs '{root}'
        cd '{root}'
        for directory in bin sbin lib lib32 lib64 usr proc dev; do
            [ -d /$directory ] || continue
            mkdir $directory
            mount --rbind /$directory $directory
        done
        mkdir tmp etc
        touch update-lock
        mount --bind '{program}' update-lock
        {prepare}
        set -- chroot . \"$@\"",
        root = lock.scratch().display(),
        program = device.program().display(),
    );
    Invocation::of(emulator)
        .arg("/update-lock")
        .args(arguments)
        .directory(lock.scratch())
        .after(&build)
        .through(["unshare", "-m"])
}

/// Mounts a file system on each of `directories`, as the Supervisor does.
fn mounted(directories: &[&str]) -> String {
    let mount = |directory| {
        format!("mkdir -p .{directory}; mount -t tmpfs -o mode=1777 tmpfs .{directory}\n")
    };
    directories.iter().map(mount).collect()
}

/// What the command sees of the lock at its path: `locked`, if it is there and its flock is taken.
const LOOK: [&str; 5] = [
    "run",
    "--",
    "sh",
    "-c",
    "for lock in /tmp/*/*.lock /data/*.lock /lock; do \
    [ ! -e $lock ] || flock -n $lock true || echo $lock; done",
];

/// Asserts that the command runs under the lock at `path` and under no other.
#[track_caller]
fn expect_lock(run: Invocation, path: &str) {
    let outcome = run.end().succeeds();
    assert_eq!(outcome.output, format!("{path}\n"));
}

fn the_lock_of_todays_supervisor_is_found(device: &Device) {
    let lock = Lock::new();
    let run = contained(device, &lock, &mounted(&["/tmp/balena"]), &LOOK);
    expect_lock(run, "/tmp/balena/updates.lock");
}

fn the_lock_of_older_supervisors_is_found(device: &Device) {
    let lock = Lock::new();
    let run = contained(device, &lock, &mounted(&["/tmp/resin"]), &LOOK);
    expect_lock(run, "/tmp/resin/resin-updates.lock");
}

fn the_lock_of_the_oldest_supervisors_is_found(device: &Device) {
    let lock = Lock::new();
    let run = contained(device, &lock, &mounted(&["/data"]), &LOOK);
    expect_lock(run, "/data/resin-updates.lock");
}

fn the_newest_mounted_directory_wins(device: &Device) {
    let lock = Lock::new();
    let directories = mounted(&["/data", "/tmp/resin", "/tmp/balena"]);
    let run = contained(device, &lock, &directories, &LOOK);
    expect_lock(run, "/tmp/balena/updates.lock");
    // `/tmp/balena` is there but not mounted: the image has brought it along.
    let directories = mounted(&["/tmp/resin"]) + "mkdir tmp/balena";
    let run = contained(device, &lock, &directories, &LOOK);
    expect_lock(run, "/tmp/resin/resin-updates.lock");
}

fn the_supervisors_variable_names_the_lock(device: &Device) {
    let lock = Lock::new();
    let directories = mounted(&["/tmp/balena", "/tmp/resin"]);
    for variable in ["BALENA_APP_LOCK_PATH", "RESIN_APP_LOCK_PATH"] {
        let run = contained(device, &lock, &directories, &LOOK);
        let path = "/tmp/resin/resin-updates.lock";
        expect_lock(run.env(variable, path), path);
    }
}

fn the_supervisors_version_names_the_lock(device: &Device) {
    let lock = Lock::new();
    let directories = mounted(&["/data", "/tmp/resin", "/tmp/balena"]);
    for (version, path) in [
        ("19.0.5", "/tmp/balena/updates.lock"),
        ("v7.21.4", "/tmp/resin/resin-updates.lock"),
        ("3.9.9-rc1", "/data/resin-updates.lock"),
    ] {
        let run = contained(device, &lock, &directories, &LOOK);
        expect_lock(run.env("BALENA_SUPERVISOR_VERSION", version), path);
        let run = contained(device, &lock, &directories, &LOOK);
        expect_lock(run.env("RESIN_SUPERVISOR_VERSION", version), path);
    }
}

fn the_users_variable_wins_over_the_supervisors(device: &Device) {
    let lock = Lock::new();
    let directories = mounted(&["/tmp/balena", "/tmp/resin"]);
    let run = contained(device, &lock, &directories, &LOOK)
        .env("UPDATE_LOCK_PATH", "/lock")
        .env("BALENA_APP_LOCK_PATH", "/tmp/balena/updates.lock");
    // Who names a path by hand needs no mount point.
    expect_lock(run, "/lock");
}

fn the_command_line_wins_over_every_variable(device: &Device) {
    let lock = Lock::new();
    let arguments = [["--lock", "/lock"].as_slice(), &LOOK].concat();
    let run = contained(device, &lock, &mounted(&["/tmp/balena"]), &arguments)
        .env("UPDATE_LOCK_PATH", "/tmp/balena/other.lock")
        .env("BALENA_APP_LOCK_PATH", "/tmp/balena/updates.lock");
    expect_lock(run, "/lock");
}

fn where_there_is_no_device_the_command_runs_unprotected(device: &Device) {
    let lock = Lock::new();
    let run = contained(
        device,
        &lock,
        "",
        &["run", "--", "sh", "-c", "echo ran; exit 3"],
    );
    let outcome = run.end().exits_with(3);
    assert_eq!(outcome.output, "ran\n");
    let line = outcome.one_line();
    assert!(line.contains("unprotected"), "{line:?}");
}

fn where_there_is_no_device_require_refuses(device: &Device) {
    let lock = Lock::new();
    let run = contained(
        device,
        &lock,
        "",
        &["run", "--require", "--", "echo", "ran"],
    );
    run.end().fails_with(69);
    let run = contained(
        device,
        &lock,
        "mkdir tmp/balena",
        &["run", "--require", "--", "echo"],
    );
    run.end().fails_on(69, "/tmp/balena");
    // The same by its variable; and a device satisfies it.
    let run = contained(device, &lock, "", &["run", "--", "echo", "ran"]);
    run.env("UPDATE_LOCK_REQUIRE", "yes").end().fails_with(69);
    let run = contained(
        device,
        &lock,
        &mounted(&["/tmp/balena"]),
        &["run", "--require", "true"],
    );
    run.end().succeeds();
}

fn a_directory_of_the_image_is_no_device(device: &Device) {
    let lock = Lock::new();
    let prepare = "mkdir -p tmp/balena data";
    let run = contained(device, &lock, prepare, &["run", "--", "ls", "/tmp/balena"]);
    let outcome = run.end().exits_with(0);
    assert_eq!(outcome.output, "", "no lock that protects nothing");
    let line = outcome.one_line();
    assert!(
        line.contains("/tmp/balena") && line.contains("unprotected"),
        "{line:?}"
    );
}

fn status_and_doctor_know_where_there_is_no_device(device: &Device) {
    let lock = Lock::new();
    contained(device, &lock, "", &["status"])
        .end()
        .fails_with(69);
    let doctor = contained(device, &lock, "", &["doctor"])
        .end()
        .exits_with(69);
    assert!(doctor.output.contains("FAIL"), "{doctor:#?}");
    let doctor = contained(device, &lock, "mkdir tmp/balena", &["doctor"])
        .end()
        .exits_with(69);
    assert!(doctor.output.contains("mount point"), "{doctor:#?}");
    let device_like = mounted(&["/tmp/balena"]);
    let doctor = contained(device, &lock, &device_like, &["doctor"])
        .end()
        .exits_with(0);
    assert!(!doctor.output.contains("FAIL"), "{doctor:#?}");
    let status = contained(device, &lock, &device_like, &["status"])
        .end()
        .succeeds();
    assert!(
        status.output.contains("/tmp/balena/updates.lock: free"),
        "{status:#?}"
    );
}
