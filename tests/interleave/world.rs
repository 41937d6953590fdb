//! The lock's directory, and what there is to see of the lock: its file, by a name that is the same in every run, and who has
//! a `flock` on it.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::{self, Metadata};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use nix::unistd::{Gid, Pid, Uid, chown};
use tempfile::TempDir;

/// Who acts, by the place in the scenario; `NOBODY` made what was there before.
pub(crate) type Actor = usize;
pub(crate) const NOBODY: Actor = usize::MAX;

/// A file's name for this test, the same in every run: the nth that this actor made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Name {
    pub(crate) maker: Actor,
    pub(crate) nth: u8,
}

/// A file as it is now.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct File {
    pub(crate) name: Name,
    pub(crate) mode: u32,
    pub(crate) links: u64,
    pub(crate) has_content: bool,
    /// `lockfile` takes it for one that nobody needs any more.
    pub(crate) is_old: bool,
}

/// The directory of one lock, for one run after the other.
pub(crate) struct World {
    directory: TempDir,
    pub(crate) path: PathBuf,
    /// As the programs are given it.
    pub(crate) path_text: CString,
    names: BTreeMap<u64, Name>,
    counts: BTreeMap<Actor, u8>,
    /// Whether anybody locks single bytes.
    pub(crate) has_bytes: bool,
}

/// A lock on one byte of a file, by which the keeper of a share and who asks it find each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Byte {
    Kept,
    Asked,
}

/// Where the bytes of who asks begin and end: `targets/cli/src/shared_keeper.rs`.
const ASKED: Range<u64> = 1 << 60..2 << 60;

/// The user of the Supervisor's files.
const SUPERVISOR: u32 = 65534;

impl World {
    /// # Panics
    ///
    /// As all of this file, if the file system can't do it.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").expect("a directory");
        let path = directory.path().join("lock/updates.lock");
        fs::create_dir(directory.path().join("lock")).expect("a directory");
        let path_text = CString::new(path.as_os_str().as_bytes()).expect("no NUL");
        Self {
            directory,
            path,
            path_text,
            names: BTreeMap::new(),
            counts: BTreeMap::new(),
            has_bytes: false,
        }
    }

    /// Forgets the last run.
    pub(crate) fn clear(&mut self) {
        let _ = fs::remove_file(&self.path);
        self.names.clear();
        self.counts.clear();
    }

    /// What the path names.
    pub(crate) fn at_path(&self) -> Option<File> {
        self.file(&fs::symlink_metadata(&self.path).ok()?)
    }

    /// What a process has open, if it is a file of this run.
    pub(crate) fn open_file(&self, pid: Pid, descriptor: i32) -> Option<File> {
        let link = format!("/proc/{pid}/fd/{descriptor}");
        self.file(&fs::metadata(link).ok()?)
    }

    /// The `flock` on an open file of this run, and whether it is exclusive. From where no other process's locks are listed:
    /// who reads all of `/proc/locks` in several pieces may miss some.
    pub(crate) fn flock(&self, pid: Pid, descriptor: i32) -> Option<(Name, bool)> {
        let facts = fs::read_to_string(format!("/proc/{pid}/fdinfo/{descriptor}")).ok()?;
        facts.lines().find_map(|line| self.flock_of(line))
    }

    /// `lock:  1: FLOCK  ADVISORY  WRITE 4242 00:19:1234 0 EOF`
    fn flock_of(&self, line: &str) -> Option<(Name, bool)> {
        let mut words = line.strip_prefix("lock:")?.split_ascii_whitespace().skip(1);
        if words.next() != Some("FLOCK") {
            return None;
        }
        let is_exclusive = words.nth(1) == Some("WRITE");
        let number = words.nth(1)?.rsplit(':').next()?.parse().ok()?;
        Some((*self.names.get(&number)?, is_exclusive))
    }

    /// The locks on bytes of an open file of this run.
    pub(crate) fn bytes(&self, pid: Pid, descriptor: i32) -> Vec<(Name, Byte)> {
        if !self.has_bytes {
            return vec![];
        }
        let facts = fs::read_to_string(format!("/proc/{pid}/fdinfo/{descriptor}"));
        let facts = facts.unwrap_or_default();
        facts
            .lines()
            .filter_map(|line| self.byte_of(line))
            .collect()
    }

    /// `lock:  1: OFDLCK ADVISORY  READ -1 00:19:1234 4242 4242`
    fn byte_of(&self, line: &str) -> Option<(Name, Byte)> {
        let mut words = line.strip_prefix("lock:")?.split_ascii_whitespace().skip(1);
        if words.next() != Some("OFDLCK") {
            return None;
        }
        let number = words.nth(3)?.rsplit(':').next()?.parse().ok()?;
        let byte = match words.next()?.parse().ok()? {
            start if start < ASKED.start => Byte::Kept,
            start if ASKED.contains(&start) => Byte::Asked,
            // A command below `run` has one of those above.
            _ => return None,
        };
        Some((*self.names.get(&number)?, byte))
    }

    fn file(&self, facts: &Metadata) -> Option<File> {
        Some(File {
            name: *self.names.get(&facts.ino())?,
            mode: facts.mode(),
            links: facts.nlink(),
            has_content: facts.size() > 0,
            is_old: facts.mtime() == 0,
        })
    }

    /// The path names a new file of this actor's.
    pub(crate) fn names_new(&mut self, maker: Actor) {
        let facts = fs::symlink_metadata(&self.path).expect("it has just been made");
        let count = self.counts.entry(maker).or_default();
        *count += 1;
        self.names.insert(facts.ino(), Name { maker, nth: *count });
    }

    /// What a holder of ours has left: with this mode.
    pub(crate) fn make_stale(&mut self, mode: u32) {
        fs::write(&self.path, "").expect("a file");
        fs::set_permissions(&self.path, PermissionsExt::from_mode(mode)).expect("chmod");
        let file = fs::File::open(&self.path).expect("a file");
        file.set_modified(UNIX_EPOCH).expect("its time");
        self.names_new(NOBODY);
    }

    /// The Supervisor's attempt, as procmail's `lockfile` makes it; whether the lock is its own now.
    pub(crate) fn supervisor_takes(&mut self, actor: Actor) -> bool {
        let other = self.directory.path().join("other");
        fs::write(&other, "0").expect("a file");
        let user = (Uid::from_raw(SUPERVISOR), Gid::from_raw(SUPERVISOR));
        chown(&other, Some(user.0), Some(user.1)).expect("chown");
        fs::set_permissions(&other, PermissionsExt::from_mode(0o444)).expect("chmod");
        self.link(&other, actor)
    }

    /// Another tool's attempt, which knows nothing of us; whether the lock is its own now.
    pub(crate) fn tool_takes(&mut self, actor: Actor) -> bool {
        let is_taken = fs::File::create_new(&self.path).is_ok();
        if is_taken {
            self.names_new(actor);
        }
        is_taken
    }

    /// helios's attempt; whether the lock is its own now.
    pub(crate) fn helios_takes(&mut self, actor: Actor) -> bool {
        let other = self.helios_file();
        self.link(&other, actor)
    }

    /// helios's attempt under an override: over whatever is there.
    pub(crate) fn helios_forces(&mut self, actor: Actor) {
        let other = self.helios_file();
        fs::rename(other, &self.path).expect("a rename");
        self.names_new(actor);
    }

    fn helios_file(&self) -> PathBuf {
        let other = self.directory.path().join("other");
        fs::write(&other, [0x02, 0x63]).expect("a file");
        fs::set_permissions(&other, PermissionsExt::from_mode(0o600)).expect("chmod");
        other
    }

    fn link(&mut self, other: &Path, actor: Actor) -> bool {
        let is_taken = fs::hard_link(other, &self.path).is_ok();
        fs::remove_file(other).expect("it is there");
        if is_taken {
            self.names_new(actor);
        }
        is_taken
    }

    /// Somebody removes whatever is at the path, without a look.
    pub(crate) fn remove(&self) -> bool {
        fs::remove_file(&self.path).is_ok()
    }
}
