//! The command as a job: its process group, the terminal, its signals, its end.

use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::process::{Pid, WaitOptions, WaitStatus, getpid, setpgid, wait};
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use update_lock_start::number::{
    SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH,
};
use update_lock_start::{
    Call, Environment, Line, Received, STANDARD, SignalSet, Signals, complain, exec, process_group,
    send, send_to_group, session, spawn, text,
};

use crate::lock::Lock;
use crate::nested;
use crate::options::Options;
use crate::report;

/// A shell's code for a command that can't be executed.
const NOT_EXECUTABLE: i32 = 126;
/// A shell's code for a command that isn't there.
pub(crate) const NOT_FOUND: i32 = 127;

/// The signals that a terminal sends to a whole process group.
const OF_TERMINAL: SignalSet = SignalSet::of(&[
    SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGWINCH,
]);

/// How this process stands to its terminal and its process group.
#[derive(Clone, Copy)]
pub(crate) struct Standing {
    /// PID 1 or a session's leader: there is no shell above that could continue a stopped job.
    is_leader: bool,
    /// The command gets a process group of its own; else it shares this one's, and with it the terminal's signals.
    has_own_group: bool,
    /// Each forwarded signal goes to the command's whole group.
    signals_group: bool,
}

impl Standing {
    pub(crate) fn new(signals_group: bool) -> Self {
        let pid = getpid();
        let is_leader = pid == Pid::INIT || session() == Some(pid);
        Self {
            is_leader,
            has_own_group: is_leader || signals_group,
            signals_group,
        }
    }

    /// Stops this process as the terminal's Ctrl-Z would, if there is a shell above to continue it.
    pub(crate) fn stop(self, signals: &Signals) {
        if !self.is_leader && has_terminal() {
            signals.stop();
        }
    }
}

/// A started command.
pub(crate) struct Job {
    standing: Standing,
    command: Pid,
}

impl Job {
    /// Starts the command; `lock` stays with it if this process is killed.
    #[inline(never)] // with a frame of its own, which doesn't stay for as long as the command runs
    pub(crate) fn start(
        standing: Standing,
        signals: &Signals,
        lock: Option<&Lock>,
        options: &Options,
        environment: Environment,
    ) -> Result<Self, Errno> {
        // Asked here: in the child the answer depends on who of the two comes first below.
        let ours = process_group();
        let name = { options.arguments }.next().unwrap_or_default();
        let (mut held, mut holder) = (Line::string(), Line::string());
        let mut call = Call::new(options.arguments, environment);
        for &(name, variable) in &nested::variables(options, lock, &mut held, &mut holder) {
            if let Some(variable) = variable {
                call.add(name, variable);
            }
        }
        for &(name, variable) in &nested::NOT_BELOW {
            call.replace(name, variable);
        }
        let command = spawn(&|| {
            if standing.has_own_group {
                let _ = setpgid(None, None);
                hand_terminal(ours, Some(getpid()));
            }
            if let Some(lock) = lock {
                let _ = fcntl_setfd(lock, FdFlags::empty());
            }
            signals.restore();
            report_failed(name, exec(&call))
        })?;
        if standing.has_own_group {
            // The command does the same: where it goes on beside this process, whoever comes first, it has its group.
            let _ = setpgid(Some(command), Some(command));
        }
        Ok(Self { standing, command })
    }

    /// Passes a signal on, unless the command has got it already.
    pub(crate) fn forward(&self, signal: Received) {
        let is_own = signal.sender == getpid().as_raw_pid();
        let is_terminals = signal.is_from_kernel && OF_TERMINAL.contains(signal.number);
        if is_own || is_terminals && !self.standing.has_own_group {
            return;
        }
        if signal.number == SIGCONT && self.standing.has_own_group {
            // A shell that continues us has given the terminal to our group.
            hand_terminal(process_group(), Some(self.command));
        }
        self.signal(signal.number);
    }

    /// Has the command end, and what it has started where that is in a group of its own.
    pub(crate) fn stop(&self, number: u32) {
        if self.standing.has_own_group {
            send_to_group(self.command, number);
        } else {
            send(self.command, number);
        }
    }

    /// Sends the command a signal, or its whole group.
    fn signal(&self, number: u32) {
        if self.standing.signals_group {
            send_to_group(self.command, number);
        } else {
            send(self.command, number);
        }
    }

    /// Reaps whatever has ended, orphans too; the command's exit code once it has.
    pub(crate) fn reap(&self, signals: &Signals) -> Option<i32> {
        let mut code = None;
        loop {
            match next_change() {
                Ok(Some((pid, status))) if pid == self.command => {
                    code = exit_code(status).or(code);
                    self.follow_stop(status, signals);
                }
                Ok(Some(_)) => {}
                Ok(None) => return code,
                Err(_) => return code.or_else(report_unknown_end),
            }
        }
    }

    /// Stops when the terminal has stopped the command, so that the shell above gets its prompt.
    fn follow_stop(&self, status: WaitStatus, signals: &Signals) {
        // Not on SIGSTOP: who sends that to the command alone continues the command alone.
        let Some(signal @ (SIGTSTP | SIGTTIN | SIGTTOU)) =
            status.stopping_signal().map(|signal| signal as u32)
        else {
            return;
        };
        if !self.standing.is_leader {
            self.standing.stop(signals);
        } else if signal == SIGTSTP {
            // Nobody could continue it, nor what it has started. As a session's leader itself, it would not have been
            // stopped.
            send_to_group(self.command, SIGCONT);
        }
    }

    /// Takes the terminal back for whatever goes on after this process.
    pub(crate) fn end(&self) {
        if self.standing.has_own_group {
            hand_terminal(Some(self.command), process_group());
        }
    }
}

fn next_change() -> Result<Option<(Pid, WaitStatus)>, Errno> {
    wait(WaitOptions::NOHANG | WaitOptions::UNTRACED)
}

/// There is no child any more, and nobody who could say how it ended.
fn report_unknown_end() -> Option<i32> {
    complain(
        text!("the command has ended, and the kernel doesn't say how"),
        b"",
    );
    Some(report::IO)
}

/// The command's own code, or 128+N if signal N ended it; `None` if it hasn't ended.
pub(crate) fn exit_code(status: WaitStatus) -> Option<i32> {
    status
        .exit_status()
        .or_else(|| status.terminating_signal().map(|signal| 128 + signal))
}

/// Whether there is a terminal that this process and its shell belong to.
fn has_terminal() -> bool {
    rustix::fs::open(c"/dev/tty", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).is_ok()
}

/// Makes `to` the terminal's foreground process group if `from` was. SIGTTOU is blocked, so that this can be done from
/// the background.
fn hand_terminal(from: Option<Pid>, to: Option<Pid>) {
    let (Some(from), Some(to)) = (from, to) else {
        return;
    };
    let mut terminals = STANDARD.iter().filter(|file| tcgetpgrp(file) == Ok(from));
    if let Some(file) = terminals.next() {
        let _ = tcsetpgrp(file, to);
    }
}

fn report_failed(command: &[u8], errno: Errno) -> i32 {
    let (code, reason) = match errno {
        Errno::NOENT | Errno::NOTDIR => (
            NOT_FOUND,
            Some(text!("command not found; see its spelling and PATH")),
        ),
        Errno::ACCESS => (
            NOT_EXECUTABLE,
            Some(text!(
                "permission denied; name a file that this user may execute (chmod +x)"
            )),
        ),
        Errno::NOEXEC => (
            NOT_EXECUTABLE,
            Some(text!("not for this machine, or a script without #!")),
        ),
        _ => (NOT_EXECUTABLE, None),
    };
    let mut line = Line::error();
    line.filled(text!("cannot run '%': "), command);
    match reason {
        None => line
            .text(text!("errno "))
            .number(errno.raw_os_error() as u32),
        Some(reason) => line.text(reason),
    };
    line.end();
    code
}
