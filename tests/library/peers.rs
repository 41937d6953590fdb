//! The programs that share a lock with this library, as they do it on a device.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex};

use update_lock::LockPath;

use crate::{Place, until};

/// Runs them: a fork of these tests themselves would hold the locks of others for a moment. It ends with its input.
#[allow(clippy::zombie_processes, reason = "nothing here outlives the tests")]
static SHELL: LazyLock<Mutex<Shell>> = LazyLock::new(|| {
    let mut shell = Command::new("sh")
        .args(["-c", "while read -r line; do eval \"$line\"; echo $?; done"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    Mutex::new(Shell {
        input: shell.stdin.take().expect("piped"),
        output: BufReader::new(shell.stdout.take().expect("piped")),
    })
});

struct Shell {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// The exit code of a shell's command, in which `"$P"` is the lock's path.
fn run(place: &Place, command: &str) -> u32 {
    let mut shell = SHELL.lock().expect("a shell");
    let file = place.file().display();
    writeln!(shell.input, "P='{file}'; {command}").expect("it listens");
    let mut code = String::new();
    shell.output.read_line(&mut code).expect("it answers");
    code.trim_end().parse().expect("an exit code")
}

/// A free lock where `nobody` can take it, too.
pub(crate) fn open_place() -> Place {
    let place = Place::new();
    let directory = place.file().parent().expect("a directory");
    fs::set_permissions(directory, Permissions::from_mode(0o1777)).expect("chmod");
    place
}

/// The Supervisor's attempt, by procmail's `lockfile`. `true` if it has the lock now.
pub(crate) fn supervisor_takes(place: &Place) -> bool {
    let attempt =
        "setpriv --reuid 65534 --regid 65534 --clear-groups lockfile -r 0 \"$P\" 2>/dev/null";
    match run(place, attempt) {
        0 => true,
        73 => false,
        code => panic!("the Supervisor's lockfile: {code}"),
    }
}

/// The Supervisor under an override: what is there goes, its own comes.
pub(crate) fn supervisor_forces(place: &Place) {
    removes(place);
    assert!(supervisor_takes(place), "an override was broken");
}

/// helios under an override: its file goes over what is there.
pub(crate) fn helios_forces(place: &Place) {
    let other = place.other("other");
    fs::write(&other, [2, 0x63]).expect("a file");
    fs::set_permissions(&other, Permissions::from_mode(0o600)).expect("chmod");
    fs::rename(&other, place.file()).expect("over ours");
}

/// A person's `rm`, or the Supervisor that is done.
pub(crate) fn removes(place: &Place) {
    assert_eq!(run(place, "rm \"$P\""), 0);
}

const CHILD: &str = "UPDATE_LOCK_TEST_CHILD";

/// The lock of a test that runs in a process of its own: see [`Strace`].
pub(crate) fn of_child() -> Option<LockPath> {
    let file = std::env::var_os(CHILD)?;
    Some(LockPath::try_from(Path::new(&file)).expect("a path"))
}

/// A test in a process of its own, under `strace`, which changes what some system calls answer.
pub(crate) struct Strace<'p>(&'p Place);

impl<'p> Strace<'p> {
    /// Starts the test of that name, which is the one that calls this.
    pub(crate) fn start(place: &'p Place, test: &str, options: &str) -> Self {
        Self::start_as(place, test, options, "")
    }

    /// The same through another program: as another user.
    pub(crate) fn start_as(place: &'p Place, test: &str, options: &str, through: &str) -> Self {
        let program = std::env::current_exe().expect("this test");
        let command = format!(
            "cd \"${{P%/*}}\"; {{
                {CHILD}=\"$P\" {through} strace -f -qq -o calls {options} '{}' --exact {test} >output 2>&1;
                echo $? >status; }} &",
            program.display()
        );
        run(place, &command.replace('\n', " "));
        Self(place)
    }

    /// Whether it has made such a system call.
    pub(crate) fn has_called(&self, call: &str) -> bool {
        self.read("calls").contains(call)
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.read("status").ends_with('\n')
    }

    /// Waits for its end; its system calls.
    #[track_caller]
    pub(crate) fn until_passed(self) -> String {
        until("the end of a test", || self.has_ended());
        assert_eq!(self.read("status"), "0\n", "{}", self.read("output"));
        self.read("calls")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.other(name)).unwrap_or_default()
    }
}
