//! Where the contenders are, and where they take their locks.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::{Outcome, complaint};

/// What `ci/bench` has built and installed, and a directory for the locks.
pub(crate) struct Places {
    root: PathBuf,
    /// balena's name of this machine's architecture.
    pub(crate) device: String,
    locks: TempDir,
}

impl Places {
    /// `root` is the repository. The locks are on a tmpfs, as a device's are.
    pub(crate) fn new(root: &Path, device: &str) -> Outcome<Self> {
        Ok(Self {
            root: root.canonicalize()?,
            device: device.into(),
            locks: TempDir::with_prefix_in("update-lock-bench-", "/dev/shm")?,
        })
    }

    /// A file of the repository.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The program for this machine.
    pub(crate) fn update_lock(&self) -> PathBuf {
        self.program_for(&self.device, "update-lock")
    }

    /// A program for a device.
    pub(crate) fn program_for(&self, device: &str, program: &str) -> PathBuf {
        self.file("target/devices").join(device).join(program)
    }

    /// A floor's program for this machine.
    pub(crate) fn floor(&self, name: &str) -> PathBuf {
        self.floor_for(&self.device, name)
    }

    /// A floor's program for a device.
    pub(crate) fn floor_for(&self, device: &str, name: &str) -> PathBuf {
        self.file("target/floor").join(device).join(name)
    }

    /// The path of a contender's lock, which nobody else uses.
    pub(crate) fn lock(&self, contender: &str) -> PathBuf {
        self.locks
            .path()
            .join(contender.replace([' ', ','], "-") + ".lock")
    }
}

/// A program by its name in `PATH`: for a floor, which doesn't search.
pub(crate) fn in_path(name: &str) -> Outcome<PathBuf> {
    let directories = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&directories)
        .map(|directory| directory.join(name))
        .find(|file| file.exists());
    found.ok_or_else(|| complaint(&format!("{name} isn't in PATH")))
}

/// A path that Python knows.
pub(crate) fn of_python(expression: &str) -> Outcome<PathBuf> {
    let output = Command::new("python3")
        .args(["-c", &format!("import sys; print({expression})")])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let path = text.trim_end();
    if path.is_empty() {
        Err(complaint("python3 doesn't answer"))
    } else {
        Ok(path.into())
    }
}

/// Python itself, where `python3` is a script that chooses one.
pub(crate) fn python() -> Outcome<PathBuf> {
    of_python("sys.executable")
}
