//! Processes whose output and end the scenarios look at.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, posix_spawn};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::{Lock, wait};

/// Where programs are looked for.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program to be started, with all that surrounds it.
#[must_use = "it hasn't been started"]
pub(crate) struct Invocation {
    words: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    has_own_group: bool,
}

impl Invocation {
    /// A program and its arguments.
    pub(crate) fn of(words: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            words: words.into_iter().map(Into::into).collect(),
            variables: vec![],
            directory: None,
            has_own_group: true,
        }
    }

    /// One more argument.
    pub(crate) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.words.push(argument.into());
        self
    }

    /// More arguments.
    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.words.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Started by another program, which executes what follows its own arguments: `setpriv`, `env`, `prlimit`.
    pub(crate) fn through(
        mut self,
        program: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        self.words
            .splice(0..0, program.into_iter().map(Into::into))
            .for_each(drop);
        self
    }

    /// Started by a shell, after `script`.
    pub(crate) fn after(self, script: &str) -> Self {
        self.through(["sh", "-c", &format!("{script}\nexec \"$@\""), "sh"])
    }

    /// Started as another user, of root's group as the Supervisor's own processes are.
    pub(crate) fn by_user(self, uid: u32) -> Self {
        self.through(["setpriv", "--reuid", &uid.to_string(), "--clear-groups"])
    }

    /// An environment variable. There are none but `PATH` and these.
    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// The working directory.
    pub(crate) fn directory(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// As the leader of a session of its own, without a terminal.
    pub(crate) fn in_own_session(self) -> Self {
        // A group's leader can't start a session, and would have to fork.
        self.through(["setsid"]).without_group()
    }

    /// In the process group of these tests.
    pub(crate) fn without_group(mut self) -> Self {
        self.has_own_group = false;
        self
    }

    /// As PID 1, under an `unshare` that ends as it does.
    pub(crate) fn in_own_pid_namespace(self) -> Self {
        self.through(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"])
    }

    /// Stopped when it has returned from its `nth` system call of that name on the lock's file: by `strace`, which steps
    /// aside so that the process is the program's own. See [`Lock::until_stopped`].
    pub(crate) fn stopped_after(self, lock: &Lock, call: &str, nth: u32) -> Self {
        self.signalled_after(lock, call, nth, "SIGSTOP")
    }

    /// The same, killed.
    pub(crate) fn killed_after(self, lock: &Lock, call: &str, nth: u32) -> Self {
        self.signalled_after(lock, call, nth, "SIGKILL")
    }

    fn signalled_after(self, lock: &Lock, call: &str, nth: u32, signal: &str) -> Self {
        let inject = format!("inject={call}:signal={signal}:when={nth}");
        let trace = format!("trace={call}");
        let options = ["strace", "-D", "-qq", "-o", "calls", "-P", lock.text()];
        self.through(options.into_iter().chain(["-e", &trace, "-e", &inject]))
    }

    /// The program and its arguments, each quoted for a shell.
    pub(crate) fn to_shell(&self) -> String {
        let quote = |word: &OsString| format!("'{}'", word.to_str().expect("text"));
        self.words.iter().map(quote).collect::<Vec<_>>().join(" ")
    }

    /// Starts it.
    #[track_caller]
    pub(crate) fn start(self) -> Process {
        self.start_with(Stdio::null())
    }

    /// Starts it with a standard input.
    #[track_caller]
    pub(crate) fn start_with(self, input: Stdio) -> Process {
        let (output, errors) = (Output::new(), Output::new());
        let mut command = self.to_command();
        command
            .stdin(input)
            .stdout(output.writer())
            .stderr(errors.writer());
        Process {
            child: spawn(command),
            output,
            errors,
            status: None,
        }
    }

    /// Starts it and waits for its end.
    #[track_caller]
    pub(crate) fn end(self) -> Outcome {
        self.start().end()
    }

    /// Starts it with an empty argument list, not even its name, and waits for its end.
    #[track_caller]
    pub(crate) fn end_without_arguments(self) -> Outcome {
        let (output, errors) = (Output::new(), Output::new());
        let [program] = self.words.as_slice() else {
            panic!("it has arguments: {:?}", self.words);
        };
        let mut actions = PosixSpawnFileActions::init().expect("spawn actions");
        for (stream, descriptor) in [(&output, 1), (&errors, 2)] {
            let from = stream.0.as_raw_fd();
            actions.add_dup2(from, descriptor).expect("a spawn action");
        }
        let attributes = PosixSpawnAttr::init().expect("spawn attributes");
        let none: [&CStr; 0] = [];
        let pid = posix_spawn(Path::new(program), &actions, &attributes, &none, &none);
        let status = waitpid(pid.expect("it starts"), None).expect("its end");
        Outcome {
            code: match status {
                WaitStatus::Exited(_, code) => Some(code),
                _ => None,
            },
            signal: match status {
                WaitStatus::Signaled(_, signal, _) => Some(signal as i32),
                _ => None,
            },
            output: output.text(),
            errors: errors.text(),
        }
    }

    /// As the standard library has it.
    pub(crate) fn to_command(&self) -> Command {
        let [program, arguments @ ..] = self.words.as_slice() else {
            panic!("no program");
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", PATH)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        if self.has_own_group {
            command.process_group(0);
        }
        command
    }
}

/// Starts a command.
///
/// # Panics
///
/// If there is no such program: a scenario is never skipped.
#[track_caller]
pub(crate) fn spawn(mut command: Command) -> Child {
    command
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {}: {error}", command.get_program().display()))
}

/// A started process. Its end, and that of its group, comes with its drop at the latest.
pub(crate) struct Process {
    child: Child,
    output: Output,
    errors: Output,
    status: Option<ExitStatus>,
}

impl Process {
    /// Its process id.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// What it and its children wrote to standard output so far.
    pub(crate) fn output(&self) -> String {
        self.output.text()
    }

    /// What it and its children wrote to standard error so far.
    pub(crate) fn errors(&self) -> String {
        self.errors.text()
    }

    /// Waits until a line of standard error contains `text`, and gives that line.
    #[track_caller]
    pub(crate) fn until_says(&self, text: &str) -> String {
        wait::until_some(&format!("{text:?} on standard error"), || {
            let errors = self.errors();
            let (lines, _unfinished) = errors.rsplit_once('\n')?;
            let line = lines.lines().find(|line| line.contains(text))?;
            Some(line.to_string())
        })
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("it can be signalled");
    }

    /// Whether it hasn't ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.try_wait().is_none()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(&mut self) -> Outcome {
        let what = format!("the end of process {}", self.pid());
        let status = wait::until_some(&what, || self.try_wait());
        Outcome {
            code: status.code(),
            signal: status.signal(),
            output: self.output(),
            errors: self.errors(),
        }
    }

    fn try_wait(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().expect("it can be waited for");
        }
        self.status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = killpg(self.pid(), Signal::SIGKILL);
        if self.status.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// How a process ended, and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Its exit code, if no signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    /// Its standard output.
    pub(crate) output: String,
    /// Its standard error.
    pub(crate) errors: String,
}

impl Outcome {
    /// Asserts its exit code.
    #[track_caller]
    pub(crate) fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Asserts that it ended well and said nothing on standard error.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        let outcome = self.exits_with(0);
        assert_eq!(outcome.errors, "", "{outcome:#?}");
        outcome
    }

    /// Asserts that it ended with `code` and with exactly one line on standard error, the program's own.
    #[track_caller]
    pub(crate) fn fails_with(self, code: i32) -> String {
        let outcome = self.exits_with(code);
        let line = outcome.one_line();
        assert_eq!(outcome.output, "", "an error is not output: {outcome:#?}");
        line
    }

    /// Asserts that it ended with `code` and with one line on standard error, which names `path`.
    #[track_caller]
    pub(crate) fn fails_on(self, code: i32, path: impl AsRef<OsStr>) -> String {
        let line = self.fails_with(code);
        let path = path.as_ref().to_string_lossy().into_owned();
        assert!(line.contains(&path), "{path:?} isn't in {line:?}");
        line
    }

    /// The one line on standard error.
    #[track_caller]
    pub(crate) fn one_line(&self) -> String {
        let errors = &self.errors;
        assert!(errors.ends_with('\n'), "no whole line: {self:#?}");
        assert_eq!(errors.lines().count(), 1, "not one line: {self:#?}");
        assert!(
            errors.starts_with("update-lock: "),
            "who says so? {self:#?}"
        );
        errors.trim_end().to_string()
    }
}

/// An output stream in a file without a name, so that nobody has to keep reading it.
struct Output(File);

impl Output {
    fn new() -> Self {
        Self(tempfile::tempfile().expect("a temporary file"))
    }

    fn writer(&self) -> File {
        self.0.try_clone().expect("a second descriptor")
    }

    /// From its start, without moving the offset that the writers share.
    fn text(&self) -> String {
        let mut bytes = vec![];
        At {
            file: &self.0,
            offset: 0,
        }
        .read_to_end(&mut bytes)
        .expect("it can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

struct At<'f> {
    file: &'f File,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.file.read_at(buffer, self.offset)?;
        self.offset += length as u64;
        Ok(length)
    }
}
