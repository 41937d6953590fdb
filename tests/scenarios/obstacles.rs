//! What can be in the lock's place, and where no lock can be.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::common::holder::Waiter;
use crate::common::lock::{is_there, long_name};
use crate::common::peers;
use crate::common::{Device, Lock};

scenarios![
    a_directory_in_the_locks_place,
    a_symbolic_link_in_the_locks_place,
    a_dangling_symbolic_link_in_the_locks_place,
    a_symbolic_link_to_a_stale_lock,
    a_fifo_in_the_locks_place,
    a_socket_in_the_locks_place,
    a_run_proceeds_when_the_obstacle_goes,
    a_missing_directory,
    a_file_where_the_directory_should_be,
    a_read_only_mount,
    a_path_of_five_thousand_bytes,
    a_file_name_of_255_bytes,
    a_file_name_of_256_bytes_is_never_cut,
    an_empty_path,
];

/// `run` gives up on what is there, and leaves it as it is.
#[track_caller]
fn expect_refusal(device: &Device, lock: &Lock) {
    let before = (lock.inode(), lock.mode_and_user(), lock.names());
    let run = device.at(lock, ["run", "--no-wait", "--", "touch", "ran"]);
    run.end().fails_on(75, lock.path());
    assert_eq!((lock.inode(), lock.mode_and_user(), lock.names()), before);
    assert!(!lock.file("ran").exists());
    let status = device.at(lock, ["status", "--json"]).end().exits_with(75);
    let status: serde_json::Value = serde_json::from_str(&status.output).expect("JSON");
    assert_eq!(status["holder"], "foreign", "{status}");
    assert_eq!(status["uid"], 0, "{status}");
}

fn a_directory_in_the_locks_place(device: &Device) {
    let lock = Lock::new();
    fs::create_dir(lock.path()).expect("mkdir");
    expect_refusal(device, &lock);
}

fn a_symbolic_link_in_the_locks_place(device: &Device) {
    let lock = Lock::new();
    let target = lock.file("target");
    fs::write(&target, "precious").expect("a file");
    symlink(&target, lock.path()).expect("symlink");
    expect_refusal(device, &lock);
    assert_eq!(lock.read("target"), "precious");
    assert!(lock.path().is_symlink());
}

fn a_dangling_symbolic_link_in_the_locks_place(device: &Device) {
    let lock = Lock::new();
    symlink(lock.file("target"), lock.path()).expect("symlink");
    expect_refusal(device, &lock);
    assert!(!is_there(lock.file("target")), "the target isn't created");
}

/// Which would be adopted without the link.
fn a_symbolic_link_to_a_stale_lock(device: &Device) {
    let lock = Lock::new();
    let target = lock.file("target");
    fs::write(&target, "").expect("a file");
    fs::set_permissions(&target, Permissions::from_mode(0o1644)).expect("chmod");
    symlink(&target, lock.path()).expect("symlink");
    expect_refusal(device, &lock);
    assert!(is_there(&target));
}

fn a_fifo_in_the_locks_place(device: &Device) {
    let lock = Lock::new();
    mkfifo(lock.path(), Mode::from_bits_truncate(0o644)).expect("mkfifo");
    expect_refusal(device, &lock);
}

fn a_socket_in_the_locks_place(device: &Device) {
    let lock = Lock::new();
    let _listener = UnixListener::bind(lock.path()).expect("a socket");
    expect_refusal(device, &lock);
}

fn a_run_proceeds_when_the_obstacle_goes(device: &Device) {
    let lock = Lock::new();
    fs::create_dir(lock.path()).expect("mkdir");
    let waiter = Waiter::start(device, &lock, &[]).until_waits();
    fs::remove_dir(lock.path()).expect("rmdir");
    let holder = waiter.until_holds();
    assert!(!peers::host_may_reboot(&lock));
    holder.finish().exits_with(0);
}

fn a_missing_directory(device: &Device) {
    let lock = Lock::new();
    let path = lock.file("missing/updates.lock");
    expect_failure(device, &lock, &path, 69);
    assert!(!is_there(lock.file("missing")));
}

fn a_file_where_the_directory_should_be(device: &Device) {
    let lock = Lock::new();
    fs::write(lock.file("plain"), "").expect("a file");
    expect_failure(device, &lock, &lock.file("plain/updates.lock"), 69);
}

/// `run` fails on `path` with `code`, and without running anything.
#[track_caller]
fn expect_failure(device: &Device, lock: &Lock, path: &Path, code: i32) {
    let run = device
        .update_lock(["--lock"])
        .arg(path)
        .args(["run", "--", "touch", "ran"])
        .directory(lock.scratch());
    run.end().fails_on(code, path);
    assert!(!lock.file("ran").exists());
}

fn a_read_only_mount(device: &Device) {
    let lock = Lock::new();
    let mount = "mount --bind . . && mount -o remount,bind,ro . && cd .";
    let run = device.at(&lock, ["run", "--", "touch", "/dev/null"]);
    let run = run
        .directory(lock.directory())
        .after(mount)
        .through(["unshare", "-m"]);
    let line = run.end().fails_on(74, lock.path());
    assert!(line.contains("read-only"), "{line:?}");
    assert_eq!(lock.names(), [""; 0]);
}

fn a_path_of_five_thousand_bytes(device: &Device) {
    let lock = Lock::new();
    let path = format!("{}/{}", lock.text(), "d/".repeat(2500) + "updates.lock");
    let run = device.update_lock(["--lock", &path, "run", "--", "touch", "ran"]);
    run.directory(lock.scratch())
        .end()
        .fails_on(64, &path[..64]);
    for variable in ["UPDATE_LOCK_PATH", "BALENA_APP_LOCK_PATH"] {
        let run = device.update_lock(["run", "--", "touch", "ran"]);
        run.env(variable, &path)
            .directory(lock.scratch())
            .end()
            .fails_on(64, &path[..64]);
    }
    assert!(!lock.file("ran").exists());
}

/// Relative to the working directory, as the directories' names would exceed what fits.
fn a_file_name_of_255_bytes(device: &Device) {
    let lock = Lock::new();
    let name = long_name(255);
    let run = device.update_lock(["--lock", &name, "run", "--", "ls"]);
    let outcome = run.directory(lock.directory()).end().succeeds();
    assert_eq!(outcome.output, format!("{name}\n"), "the name isn't cut");
    assert_eq!(lock.names(), [""; 0]);
}

fn a_file_name_of_256_bytes_is_never_cut(device: &Device) {
    let lock = Lock::new();
    let name = long_name(256);
    let run = device.update_lock(["--lock", &name, "run", "--", "touch", "ran"]);
    run.directory(lock.directory())
        .end()
        .fails_on(64, &name[..64]);
    assert_eq!(lock.names(), [""; 0]);
}

fn an_empty_path(device: &Device) {
    let lock = Lock::new();
    let run = device.update_lock(["--lock", "", "run", "--", "touch", "ran"]);
    run.directory(lock.scratch()).end().fails_on(64, "''");
    // Nor is it what `-E` stands for.
    let run = device.update_lock(["--lock", "lock/", "run", "-E", "3", "--", "touch", "ran"]);
    run.directory(lock.scratch()).end().fails_on(64, "'lock/'");
    assert!(!lock.file("ran").exists());
}
