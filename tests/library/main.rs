//! The library, used as a program with `std` uses it.

#[cfg(feature = "supervisor")]
#[path = "../common/api.rs"]
mod api;
mod errors;
mod keeper;
mod location;
mod lock;
mod note;
mod shared;
mod status;
#[cfg(feature = "supervisor")]
mod supervisor;
mod wait;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use tempfile::TempDir;
use update_lock::LockPath;

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

    /// Leaves a dead holder's file with a note and the given mode.
    fn make_stale(&self, mode: u32) {
        fs::write(self.file(), "pid 1\nreason of the dead\n").expect("a file");
        fs::set_permissions(self.file(), Permissions::from_mode(mode)).expect("chmod");
    }
}
