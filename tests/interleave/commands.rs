//! The commands of the real program, each with what is at the path when it starts and what must be true when it has ended.

use std::cell::Cell;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

use nix::fcntl::{Flock, FlockArg};
use tempfile::TempDir;

use crate::api::{Api, KEY, State};

/// What is at the path before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Before {
    Nothing,
    /// A dead holder's file.
    Stale,
    /// Another tool's: it must still be there in the end.
    Foreign,
    /// The Supervisor's, likewise.
    Supervisor,
    /// A lock of `acquire`'s, for this test.
    Kept,
    /// The same with a share of it.
    KeptShare,
    /// Another tool's, which is long out of date.
    Old,
}

use Before::{Foreign, Kept, KeptShare, Nothing, Old, Stale};

pub(crate) const COMMANDS: &[(Before, &str)] = &[
    (Nothing, "run -- PROBE"),
    (Stale, "run -- PROBE"),
    (Nothing, "run --shared -- PROBE"),
    (Foreign, "run --no-wait -- PROBE"),
    (Before::Supervisor, "run --no-wait -- PROBE"),
    (Nothing, "run --wait 1s --or-run -- PROBE"),
    (Nothing, "run --after 1ms -- sleep 0.02"),
    (Nothing, "hold"),
    (Stale, "hold"),
    (Nothing, "hold --shared"),
    (Nothing, "watch"),
    (Stale, "watch"),
    (Foreign, "watch --json"),
    (Nothing, "acquire --for SELF"),
    (Stale, "acquire --for SELF"),
    (Foreign, "acquire --no-wait --for SELF"),
    (Nothing, "acquire --shared --for SELF"),
    (Kept, "release"),
    (Kept, "API release --update"),
    (KeptShare, "release --for SELF"),
    (Nothing, "release"),
    (Stale, "release"),
    (Foreign, "release"),
    (Stale, "release --force"),
    (Before::Supervisor, "release --force"),
    (Nothing, "status"),
    (Stale, "status"),
    (Kept, "status --json"),
    (Foreign, "status --json"),
    (Nothing, "doctor"),
    (Stale, "doctor"),
    (Foreign, "doctor"),
    (Nothing, "update"),
    (Nothing, "API update"),
    (Nothing, "API update --force"),
    (Nothing, "API status --json"),
    (Nothing, "API doctor"),
    (Nothing, "lockfile -r0"),
    (Stale, "lockfile -r0"),
    (Foreign, "lockfile -r0"),
    (Nothing, "lockfile -r0 OTHER"),
    (Foreign, "lockfile -r0 OTHER"),
    (Old, "lockfile -r0 -l1 -s0"),
];

static API: LazyLock<Api> = LazyLock::new(|| Api::start(State::default()));

/// A lock's directory, and a command that is to be played in it.
pub(crate) struct Play {
    directory: TempDir,
    program: PathBuf,
    /// Of a file that isn't ours.
    inode: Cell<Option<u64>>,
}

/// Says so where the lock isn't held. It doesn't create the file.
const PROBE: &str = r#"[ -e "$0" ] && ! flock -nx "$0" true || echo unprotected"#;

impl Play {
    /// # Panics
    ///
    /// As all of this file, if the file system or the program can't do it undisturbed.
    pub(crate) fn new(device: &str, before: Before) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").expect("a directory");
        let program = Path::new("target/devices").join(device).join("update-lock");
        let play = Self {
            directory,
            program: fs::canonicalize(program).expect("ci/build has built it"),
            inode: Cell::new(None),
        };
        let path = play.path();
        let mode = match before {
            Nothing => return play,
            Kept | KeptShare => {
                let mut acquire = play.command(match before {
                    KeptShare => "acquire --shared --for SELF",
                    _ => "acquire --for SELF",
                });
                assert!(acquire.status().expect("it starts").success());
                return play;
            }
            Stale => 0o1644,
            Foreign | Old => 0o644,
            Before::Supervisor => 0o444,
        };
        fs::write(&path, "").expect("a file");
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("chmod");
        if before == Before::Supervisor {
            std::os::unix::fs::chown(&path, Some(65534), Some(65534)).expect("chown");
        }
        if before == Old {
            let file = File::options().write(true).open(&path).expect("a file");
            file.set_modified(UNIX_EPOCH).expect("its time");
        } else if before != Stale {
            play.adds_foreign();
        }
        play
    }

    /// What is at the path isn't ours.
    pub(crate) fn adds_foreign(&self) {
        self.inode.set(self.inode_at_path());
    }

    fn inode_at_path(&self) -> Option<u64> {
        fs::metadata(self.path()).ok().map(|file| file.ino())
    }

    /// Whether somebody has a `flock` on what is at the path, for the host to see.
    pub(crate) fn is_held(&self) -> bool {
        let Ok(file) = File::open(self.path()) else {
            return false;
        };
        Flock::lock(file, FlockArg::LockExclusiveNonblock).is_err()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("updates.lock")
    }

    /// As text has it: `SELF` is this test, `PROBE` a command that looks at the lock, `OTHER` another file; `API` before it, that
    /// there is the Supervisor's.
    pub(crate) fn command(&self, text: &str) -> Command {
        self.command_saying(text, "")
    }

    /// What it says goes to files whose names begin so.
    pub(crate) fn command_saying(&self, text: &str, prefix: &str) -> Command {
        let mut command = Command::new(&self.program);
        let mut words = text.split(' ').peekable();
        command.env_clear().env("PATH", "/usr/bin:/bin");
        if words.next_if_eq(&"API").is_some() {
            command
                .env("BALENA_SUPERVISOR_ADDRESS", API.address())
                .env("BALENA_SUPERVISOR_API_KEY", KEY);
        }
        if words.next_if_eq(&"lockfile").is_some() {
            let other = self.directory.path().join("other.lock");
            command.arg0("lockfile");
            for word in words {
                match word {
                    "OTHER" => command.arg(&other),
                    word => command.arg(word),
                };
            }
            command.arg(self.path());
        } else {
            command.arg("--lock").arg(self.path());
            for word in words {
                match word {
                    "SELF" => command.arg(std::process::id().to_string()),
                    "PROBE" => command.args(["sh", "-c", PROBE]).arg(self.path()),
                    word => command.arg(word),
                };
            }
        }
        let output = |name| {
            let name = format!("{prefix}{name}");
            File::create(self.directory.path().join(name)).expect("a file")
        };
        command
            .stdin(Stdio::null())
            .stdout(output("stdout"))
            .stderr(output("stderr"));
        command
    }

    pub(crate) fn said(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).expect("a file")
    }

    /// Why what was somebody else's isn't there any more, or why the next start doesn't get the lock.
    pub(crate) fn find_fault(&self) -> Option<String> {
        if self.inode.get().is_some() {
            let is_there = self.inode_at_path() == self.inode.get();
            return (!is_there).then(|| "somebody else's file is gone".into());
        }
        // What acquire's keeper holds.
        let mut release = self.command("release --for SELF");
        let _ = release.status().expect("it starts");
        if fs::metadata(self.path()).is_ok_and(|file| file.mode() & 0o1000 == 0) {
            // lockfile's: its owner removes it.
            fs::remove_file(self.path()).expect("a file");
        }
        let mut next = self.command("run --wait 5s -- true");
        let is_well = next.status().expect("it starts").success();
        if !is_well {
            let said = self.said("stderr");
            return Some(format!("the next start doesn't get the lock: {said}"));
        }
        self.inode_at_path().map(|_| "a file is left".into())
    }
}
