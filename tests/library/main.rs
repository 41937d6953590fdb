//! The library, used as a program with `std` uses it.

#[cfg(feature = "supervisor")]
#[path = "../common/api.rs"]
mod api;
mod errors;
#[cfg(feature = "supervisor")]
mod hostile;
#[cfg(feature = "supervisor")]
mod http;
mod keeper;
mod location;
mod lock;
mod loss;
mod note;
mod peers;
mod shared;
mod status;
#[cfg(feature = "supervisor")]
mod supervisor;
mod wait;
mod watch;

use std::fs::{self, DirEntry, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use tempfile::TempDir;
use update_lock::LockPath;

/// Longer than anything takes.
const MINUTE: Duration = Duration::from_secs(60);

/// A free lock in a directory of its own.
struct Place {
    directory: TempDir,
    path: LockPath,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("updates.lock");
        Self {
            path: LockPath::try_from(path.as_path()).expect("it isn't too long"),
            directory,
        }
    }

    fn file(&self) -> &Path {
        self.path.as_ref()
    }

    fn other(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn is_there(&self) -> bool {
        self.file().symlink_metadata().is_ok()
    }

    fn inode(&self) -> u64 {
        self.file().symlink_metadata().expect("it is there").ino()
    }

    fn mode(&self) -> u32 {
        let found = self.file().symlink_metadata();
        found.expect("it is there").permissions().mode() & 0o7777
    }

    /// Whether the host would reboot.
    fn flock_is_free(&self) -> bool {
        let file = fs::File::open(self.file()).expect("it is there");
        Flock::lock(file, FlockArg::LockExclusiveNonblock).is_ok()
    }

    /// How many have seen its file and keep it open by `O_PATH`, as waiters and watches do.
    fn seen(&self) -> usize {
        const O_PATH: u32 = 0o10_000_000;
        let descriptors = fs::read_dir("/proc/self/fd").expect("/proc");
        let is_seen = |descriptor: &DirEntry| {
            let info = Path::new("/proc/self/fdinfo").join(descriptor.file_name());
            let info = fs::read_to_string(info).ok()?;
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
            let flags = u32::from_str_radix(flags.trim(), 8).ok()?;
            let is_lock = fs::read_link(descriptor.path()).ok()? == self.file();
            (is_lock && flags & O_PATH != 0).then_some(())
        };
        let descriptors = descriptors.filter_map(Result::ok);
        descriptors
            .filter(|descriptor| is_seen(descriptor).is_some())
            .count()
    }

    /// How many descriptors of these tests watch its directory.
    fn watches(&self) -> usize {
        let directory = self.directory.path().metadata().expect("it is there");
        let watch = format!(" ino:{:x} ", directory.ino());
        let descriptors = fs::read_dir("/proc/self/fdinfo").expect("/proc");
        let infos = descriptors.filter_map(|info| fs::read_to_string(info.ok()?.path()).ok());
        infos.filter(|info| info.contains(&watch)).count()
    }

    /// Leaves a dead holder's file with a note and the given mode.
    fn make_stale(&self, mode: u32) {
        fs::write(self.file(), "pid 1\nreason of the dead\n").expect("a file");
        fs::set_permissions(self.file(), Permissions::from_mode(mode)).expect("chmod");
    }
}

/// Waits for a fact that a thread or a process brings about.
#[track_caller]
fn until(what: &str, mut fact: impl FnMut() -> bool) {
    let start = Instant::now();
    while !fact() {
        assert!(start.elapsed() < MINUTE, "in vain: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}
