//! What people used before, and still do beside ours: the real packages, each by its own script in `tests/peers/`.
//!
//! Held is held, whoever asks, and nobody's file is removed by us.

use std::fs::{self, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::common::holder::Waiter;
use crate::common::peers;
use crate::common::{Device, Gate, Holder, Invocation, Lock, Process};

scenarios![
    procmails_lockfile,
    util_linuxs_flock,
    npms_lockfile,
    npms_proper_lockfile,
    pypis_lockfile,
    pypis_filelock,
];

/// Another tool that takes the lock.
struct Peer<'l> {
    lock: &'l Lock,
    interpreter: &'static str,
    script: &'static str,
    file_stays: bool,
}

fn procmails_lockfile(device: &Device) {
    expect_peace(device, "sh", "procmail.sh", false);
}

fn util_linuxs_flock(device: &Device) {
    expect_peace(device, "sh", "util-linux-flock.sh", true);
}

fn npms_lockfile(device: &Device) {
    expect_peace(device, "node", "npm-lockfile.js", false);
}

fn npms_proper_lockfile(device: &Device) {
    expect_peace(device, "node", "proper-lockfile.js", false);
}

fn pypis_lockfile(device: &Device) {
    expect_peace(device, "python3", "pypi-lockfile.py", false);
}

fn pypis_filelock(device: &Device) {
    expect_peace(device, "python3", "pypi-filelock.py", true);
}

/// Both directions.
fn expect_peace(
    device: &Device,
    interpreter: &'static str,
    script: &'static str,
    file_stays: bool,
) {
    let lock = Lock::new();
    let peer = Peer {
        lock: &lock,
        interpreter,
        script,
        file_stays,
    };
    expect_ours_is_held(device, &peer);
    expect_peers_is_held(device, &peer);
    expect_peers_stays_after_an_override(device, &peer);
}

/// However old it is.
fn expect_ours_is_held(device: &Device, peer: &Peer) {
    let lock = peer.lock;
    let holder = Holder::start(device, lock);
    let inode = lock.inode();
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let file = fs::File::open(lock.path()).expect("ours");
    file.set_times(FileTimes::new().set_modified(hour_ago))
        .expect("its age");
    peer.start("/dev/null").end().exits_with(75);
    assert_eq!(lock.names(), ["updates.lock"]);
    assert_eq!(lock.inode(), inode);
    assert!(!peers::host_may_reboot(lock));
    holder.finish().succeeds();
    assert!(!lock.is_there());
}

fn expect_peers_is_held(device: &Device, peer: &Peer) {
    let lock = peer.lock;
    let (mut process, gate) = peer.takes("first");
    let found = (lock.inode(), lock.mode_and_user());
    let run = device.at(lock, ["run", "--no-wait", "--", "true"]);
    run.end().fails_on(75, lock.path());
    device.at(lock, ["release"]).end().exits_with(0);
    let waiter = Waiter::start(device, lock, &[]).until_waits();
    assert_eq!((lock.inode(), lock.mode_and_user()), found);
    drop(gate);
    process.end().exits_with(0);
    if peer.file_stays {
        assert_eq!(lock.inode(), found.0, "it stays until a person removes it");
        device.at(lock, ["release", "--force"]).end().exits_with(0);
    }
    waiter.until_ends().exits_with(0);
    assert!(!lock.is_there());
}

/// Which has taken ours away, and has come to its place.
fn expect_peers_stays_after_an_override(device: &Device, peer: &Peer) {
    let lock = peer.lock;
    let holder = Holder::start(device, lock);
    fs::remove_file(lock.path()).expect("ours");
    let (mut process, gate) = peer.takes("second");
    let inode = lock.inode();
    holder.finish().exits_with(0);
    assert_eq!(lock.inode(), inode, "the peer's");
    drop(gate);
    process.end().exits_with(0);
    assert_eq!(lock.is_there(), peer.file_stays);
}

impl Peer<'_> {
    /// Its one attempt; it keeps the lock until the input `gate` ends.
    fn start(&self, gate: &str) -> Process {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let packages = root.join("target/peers");
        let script = root.join("tests/peers").join(self.script);
        let _ = fs::remove_file(self.lock.file("taken"));
        let peer = Invocation::of([self.interpreter]).arg(script);
        let peer = peer.arg(self.lock.path()).directory(self.lock.scratch());
        let peer = peer.env("NODE_PATH", packages.join("node_modules"));
        let peer = peer.env("PYTHONPATH", packages.join("python"));
        peer.after(&format!("exec <{gate}")).start()
    }

    /// Its attempt, which succeeds.
    fn takes(&self, gate: &str) -> (Process, Gate) {
        let opened = self.lock.gate(gate);
        let process = self.start(gate);
        self.lock.until_line("taken");
        (process, opened)
    }
}
