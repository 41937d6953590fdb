//! A lock in a directory of its own, and files beside it for the scenario.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use nix::unistd::{Uid, chown, mkfifo};
use tempfile::TempDir;

use super::wait;

/// A lock's directory as the Supervisor makes it (root's, mode 1777), and a scratch directory.
pub(crate) struct Lock {
    scratch: TempDir,
    path: PathBuf,
}

impl Lock {
    /// A free lock.
    pub(crate) fn new() -> Self {
        let scratch = tempfile::Builder::new()
            .prefix("update-lock-")
            .tempdir()
            .expect("a temporary directory");
        fs::set_permissions(scratch.path(), Permissions::from_mode(0o1777)).expect("chmod");
        let directory = scratch.path().join("lock");
        fs::create_dir(&directory).expect("mkdir");
        fs::set_permissions(&directory, Permissions::from_mode(0o1777)).expect("chmod");
        Self {
            path: directory.join("updates.lock"),
            scratch,
        }
    }

    /// The lock file's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path as text: temporary directories have names that are.
    pub(crate) fn text(&self) -> &str {
        self.path.to_str().expect("a path of ASCII")
    }

    /// The lock's directory.
    pub(crate) fn directory(&self) -> &Path {
        self.path.parent().expect("it has a directory")
    }

    /// Where the scenario keeps its own files, and where its processes work.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// A file of the scenario.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.scratch().join(name)
    }

    /// What a file of the scenario says; empty while it isn't there.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// How many lines a file of the scenario has.
    pub(crate) fn lines(&self, name: &str) -> usize {
        self.read(name).lines().count()
    }

    /// Waits until a file of the scenario has its first whole line.
    #[track_caller]
    pub(crate) fn until_line(&self, name: &str) -> String {
        wait::until_some(&format!("a line in {name}"), || {
            let text = self.read(name);
            text.split_once('\n').map(|(line, _)| line.to_string())
        })
    }

    /// Waits until a process that was to be [stopped](super::Invocation::stopped_after) is.
    #[track_caller]
    pub(crate) fn until_stopped(&self) {
        wait::until("a process is stopped after a system call", || {
            self.read("calls").contains("stopped by SIGSTOP")
        });
    }

    /// Whether the path names anything, be it a dangling symbolic link.
    pub(crate) fn is_there(&self) -> bool {
        self.path.symlink_metadata().is_ok()
    }

    /// The inode that the path names now.
    #[track_caller]
    pub(crate) fn inode(&self) -> u64 {
        self.path
            .symlink_metadata()
            .expect("the lock is there")
            .ino()
    }

    /// The permission bits and the user of what the path names now.
    #[track_caller]
    pub(crate) fn mode_and_user(&self) -> (u32, u32) {
        let found = self.path.symlink_metadata().expect("the lock is there");
        (found.mode() & 0o7777, found.uid())
    }

    /// What is in the lock's directory.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory()).expect("the lock's directory");
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        entries
            .map(|entry| name(entry.expect("an entry")))
            .collect()
    }

    /// Leaves a dead holder's file of the user `uid`.
    pub(crate) fn make_stale(&self, uid: u32) {
        fs::write(&self.path, "").expect("a stale file");
        chown(&self.path, Some(Uid::from_raw(uid)), None).expect("chown");
        self.mark();
    }

    /// Makes the file there look like one of this library's.
    pub(crate) fn mark(&self) {
        fs::set_permissions(&self.path, Permissions::from_mode(0o1644)).expect("chmod");
    }

    /// A gate in the scratch directory.
    pub(crate) fn gate(&self, name: &str) -> Gate {
        Gate::new(&self.file(name))
    }
}

/// Keeps a `cat <GATE` waiting until it is dropped, by the scenario or by the end of the tests.
///
/// Who opens it too late waits for ever: open it before anything that the scenario waits for.
pub(crate) struct Gate(#[expect(dead_code, reason = "closing it is what it is for")] File);

impl Gate {
    fn new(path: &Path) -> Self {
        mkfifo(path, Mode::from_bits_truncate(0o666)).expect("mkfifo");
        fs::set_permissions(path, Permissions::from_mode(0o666)).expect("chmod");
        let file = OpenOptions::new().read(true).write(true).open(path);
        Self(file.expect("the gate"))
    }
}

/// A file name of that many bytes.
pub(crate) fn long_name(bytes: usize) -> String {
    "n".repeat(bytes)
}

/// Whether a path names anything.
pub(crate) fn is_there(path: impl AsRef<OsStr>) -> bool {
    Path::new(path.as_ref()).symlink_metadata().is_ok()
}
