//! What only the holder may touch: a counter, and who is at it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

const COUNT: u64 = 0;
const HOLDER: u64 = 8;

/// A file with a counter that two at once would spoil, and the signs that the crowd gives each other beside it.
pub(crate) struct Ledger {
    file: File,
    override_sign: PathBuf,
    stop_sign: PathBuf,
}

impl Ledger {
    /// A new one in the directory.
    pub(crate) fn create(directory: &Path) -> Self {
        let path = directory.join("ledger");
        fs::write(&path, [0; 16]).expect("the ledger");
        fs::set_permissions(path, Permissions::from_mode(0o666)).expect("chmod");
        Self::open(directory)
    }

    /// The one in the directory.
    pub(crate) fn open(directory: &Path) -> Self {
        let path = directory.join("ledger");
        let file = OpenOptions::new().read(true).write(true).open(path);
        Self {
            file: file.expect("the ledger"),
            override_sign: directory.join("override"),
            stop_sign: directory.join("stop"),
        }
    }

    /// Adds one to the counter, in four steps: two at once would lose one, or see each other.
    ///
    /// # Panics
    ///
    /// If somebody else is at it.
    pub(crate) fn touch(&self) {
        let myself = u64::from(std::process::id());
        assert_eq!(self.read(HOLDER), 0, "somebody is at it");
        self.write(HOLDER, myself);
        self.write(COUNT, self.count() + 1);
        assert_eq!(self.read(HOLDER), myself, "somebody else came");
        self.write(HOLDER, 0);
    }

    /// The counter.
    pub(crate) fn count(&self) -> u64 {
        self.read(COUNT)
    }

    /// Whether an override is under way: see `overrides.rs`.
    pub(crate) fn is_overridden(&self) -> bool {
        self.override_sign.exists()
    }

    /// An override begins, or is over.
    pub(crate) fn set_overridden(&self, is_overridden: bool) {
        set(&self.override_sign, is_overridden);
    }

    /// Whether all are to stop.
    pub(crate) fn is_over(&self) -> bool {
        self.stop_sign.exists()
    }

    /// All are to stop.
    pub(crate) fn stop(&self) {
        set(&self.stop_sign, true);
    }

    fn read(&self, offset: u64) -> u64 {
        let mut bytes = [0; 8];
        self.file
            .read_exact_at(&mut bytes, offset)
            .expect("the ledger");
        u64::from_ne_bytes(bytes)
    }

    fn write(&self, offset: u64, value: u64) {
        self.file
            .write_all_at(&value.to_ne_bytes(), offset)
            .expect("the ledger");
    }
}

fn set(sign: &Path, is_there: bool) {
    if is_there {
        File::create(sign).expect("a sign");
    } else {
        fs::remove_file(sign).expect("a sign");
    }
}
