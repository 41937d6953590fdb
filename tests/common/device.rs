//! The devices of `ci/targets`, and the program built for each.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::old::{self, Old};
use super::process::PATH;
use super::{Invocation, Lock};

/// Those that this machine runs by itself: they are played under an older engine and an older kernel too.
const OF_THIS_MACHINE: [&str; 2] = ["amd64", "i386"];

/// One balena architecture: its real program, and the emulator with the CPU that its boards have.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    /// balena's name; with `-old` under an older engine, with `-4.4` under an older kernel.
    pub(crate) name: String,
    program: PathBuf,
    /// `qemu-arm -cpu arm1176`; empty where this machine runs the program by itself.
    emulator: Vec<String>,
    old: Option<Old>,
}

impl Device {
    /// All devices, and those of this machine under an older engine and an older kernel.
    pub(crate) fn all() -> Vec<Self> {
        let devices = Self::of_table();
        let olds = OF_THIS_MACHINE.iter().flat_map(|name| {
            let device = devices.iter().find(|device| device.name == *name);
            let device = device.expect("it is in ci/targets");
            [Old::Engine, Old::Kernel].map(|old| device.with(old))
        });
        let olds: Vec<_> = olds.collect();
        devices.into_iter().chain(olds).collect()
    }

    /// Those of `ci/targets`: name, triple, emulator and CPU are its first columns, `-` stands for none.
    fn of_table() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let table = fs::read_to_string(root.join("ci/targets")).expect("ci/targets is there");
        let rows = table
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default())
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|columns| !columns.is_empty());
        rows.map(|columns| Self::from_row(root, &columns)).collect()
    }

    fn from_row(root: &Path, columns: &[&str]) -> Self {
        let [name, _triple, emulator, cpu, ..] = columns else {
            panic!("ci/targets: a row has too few columns: {columns:?}");
        };
        let emulator = match (*emulator, *cpu) {
            ("-", _) => vec![],
            (emulator, "-") => vec![emulator.to_string()],
            (emulator, cpu) => vec![emulator.into(), "-cpu".into(), cpu.into()],
        };
        Self {
            name: (*name).to_string(),
            program: root.join("target/devices").join(name).join("update-lock"),
            emulator,
            old: None,
        }
    }

    fn with(&self, old: Old) -> Self {
        let suffix = match old {
            Old::Engine => "old",
            Old::Kernel => "4.4",
        };
        Self {
            name: format!("{}-{suffix}", self.name),
            program: self.program.clone(),
            emulator: vec![],
            old: Some(old),
        }
    }

    /// Plays a scenario on it.
    pub(crate) fn play(&self, scenario: impl FnOnce(&Self) + Send) {
        match self.old {
            Some(old) => old::within(old, || scenario(self)),
            None => scenario(self),
        }
    }

    /// What answers its newer system calls instead of the kernel.
    pub(crate) fn old(&self) -> Option<Old> {
        self.old
    }

    /// Whether the program runs without an emulator.
    pub(crate) fn is_native(&self) -> bool {
        self.emulator.is_empty()
    }

    /// The words that start the program here, the emulator's before its own.
    ///
    /// # Panics
    ///
    /// If the program hasn't been built, so that a device is never skipped.
    pub(crate) fn words(&self) -> Vec<OsString> {
        self.words_of(&self.program)
    }

    fn words_of(&self, program: &Path) -> Vec<OsString> {
        assert!(
            program.exists(),
            "{} is missing: run ci/build",
            program.display()
        );
        let emulator = self.emulator.iter().map(OsString::from);
        emulator.chain([program.into()]).collect()
    }

    /// The selftest or the example init, which `ci/build` has put beside the program.
    pub(crate) fn beside(&self, name: &str) -> Invocation {
        Invocation::of(self.words_of(&self.program.with_file_name(name)))
    }

    /// The lines of a log that the example init has written, decoded by `defmt`'s own tool.
    pub(crate) fn log_lines(&self, log: &Path) -> Vec<String> {
        let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/bin/defmt-print");
        let texts = self.program.with_file_name("unstripped/init");
        let frames = fs::File::open(log).expect("the log is there");
        let outcome = Invocation::of([tool, "--log-format", "{L} {s}", "-e"])
            .arg(texts)
            .start_with(frames.into())
            .end();
        outcome
            .succeeds()
            .output
            .lines()
            .map(String::from)
            .collect()
    }

    /// The words that start the program with an empty `argv[0]`: what Linux makes of an empty argument list.
    pub(crate) fn words_without_name(&self) -> Vec<OsString> {
        let mut words = self.words();
        if let Some(last) = words.len().checked_sub(1).filter(|&last| last > 0) {
            words.splice(last..last, ["-0".into(), "".into()]);
        }
        words
    }

    /// The program by the name `lockfile`.
    pub(crate) fn lockfile(&self, lock: &Lock) -> Invocation {
        self.by_name(lock, "lockfile")
    }

    /// The program by another name: through a symbolic link in the scenario's directory.
    pub(crate) fn by_name(&self, lock: &Lock, name: &str) -> Invocation {
        let mut words = self.words();
        if let Some(program) = words.last_mut() {
            let link = lock.file(name);
            if !link.is_symlink() {
                symlink(&program, &link).expect("a symbolic link");
            }
            *program = link.into();
        }
        Invocation::of(words)
    }

    /// A program of the device in C, which `ci/build` has built beside the other one.
    pub(crate) fn c_program(&self, name: &str) -> Invocation {
        let program = self.program.with_file_name(name);
        assert!(program.exists(), "run ci/build for {}", program.display());
        let has_libc = matches!(name, "c-client" | "c-stack");
        let emulator = match (self.name.as_str(), self.emulator.as_slice()) {
            // Debian's libc for i386 is made of i686 code, which a Pentium has no use for.
            ("i386-nlp", [emulator, ..]) if has_libc => vec![emulator.into()],
            (_, emulator) => emulator.iter().map(OsString::from).collect(),
        };
        Invocation::of(emulator).arg(program)
    }

    /// The program's file.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// The program, without a word about a lock.
    pub(crate) fn update_lock<const N: usize>(&self, arguments: [&str; N]) -> Invocation {
        Invocation::of(self.words()).args(arguments)
    }

    /// A shell script in which `update-lock` is the program and the lock is found by its variable.
    pub(crate) fn script(&self, lock: &Lock, script: &str) -> Invocation {
        self.in_sight_of(lock, Invocation::of(["sh", "-c", script]))
    }

    /// A program that finds `update-lock` in its `PATH`, and the lock by its variable.
    pub(crate) fn in_sight_of(&self, lock: &Lock, program: Invocation) -> Invocation {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/bin");
        program
            .env("PATH", format!("{directory}:{PATH}"))
            .env("PROGRAM", Invocation::of(self.words()).to_shell())
            .env("UPDATE_LOCK_PATH", lock.path())
            .directory(lock.scratch())
    }

    /// `update-lock --lock PATH ARGUMENTS`.
    pub(crate) fn at<const N: usize>(&self, lock: &Lock, arguments: [&str; N]) -> Invocation {
        Invocation::of(self.words())
            .args(["--lock"])
            .arg(lock.path())
            .args(arguments)
            .directory(lock.scratch())
    }
}
