//! Plays the checks one by one, each in a process of its own: one that hangs or crashes has failed, and the next one follows.

use rustix::process::{Pid, WaitOptions, WaitStatus, getpid, setpgid, wait};
use update_lock::LockPath;
use update_lock_start::number::{SIGCHLD, SIGKILL};
use update_lock_start::{Child, Clock, Line, SignalSet, Signals, exit, fork, now, send_to_group};

use crate::bench::Bench;
use crate::checks::Check;
use crate::failure::{Failure, Outcome};

/// How long a check may take: longer than any on an emulator of a slow board.
const DEADLINE_S: u64 = 60;

/// What the process of a check that has failed, and said so, ends with; and that of one that couldn't be done.
const FAILED: i32 = 1;
const UNDONE: i32 = 2;

enum Verdict {
    Passed,
    Failed,
    Undone,
}

pub(crate) struct Runner {
    directory: &'static [u8],
    signals: Signals,
    passed: u32,
    failed: u32,
    undone: u32,
}

impl Runner {
    pub(crate) fn new(directory: &'static [u8]) -> Self {
        Self {
            directory,
            signals: Signals::block(),
            passed: 0,
            failed: 0,
            undone: 0,
        }
    }

    pub(crate) fn run(&mut self, check: &Check) {
        let count = match self.verdict(check) {
            Verdict::Passed => {
                say("ok   ", check).end();
                &mut self.passed
            }
            Verdict::Failed => &mut self.failed,
            Verdict::Undone => &mut self.undone,
        };
        *count += 1;
    }

    /// How many have passed and failed, and couldn't be done.
    pub(crate) fn report(&self) {
        let mut line = Line::output();
        line.number(self.passed).text(" passed, ");
        line.number(self.failed).text(" failed");
        if self.undone > 0 {
            line.text(", ").number(self.undone).text(" not done");
        }
        line.end();
    }

    pub(crate) fn exit_code(&self) -> i32 {
        i32::from(self.failed > 0)
    }

    fn verdict(&self, check: &Check) -> Verdict {
        let bench = match self.bench() {
            Ok(bench) => bench,
            Err(failure) => {
                let mut line = say("FAIL ", check);
                line.filled(
                    "no directory in '%', name another one: ".into(),
                    self.directory,
                );
                failure.tell(&mut line);
                line.end();
                return Verdict::Failed;
            }
        };
        let verdict = self.verdict_on(check, &bench);
        bench.clear();
        verdict
    }

    fn bench(&self) -> Result<Bench, Failure> {
        let mut name = Line::string();
        name.text("update-lock-selftest.")
            .number(getpid().as_raw_pid() as u32);
        let directory = LockPath::in_directory(self.directory, name.as_bytes())?;
        Bench::new(&directory)
    }

    fn verdict_on(&self, check: &Check, bench: &Bench) -> Verdict {
        match fork() {
            Ok(Child::Me) => {
                let _ = setpgid(None, None);
                self.signals.restore();
                exit(play(check, bench))
            }
            Ok(Child::Of(child)) => {
                // The child does the same: whoever comes first.
                let _ = setpgid(Some(child), Some(child));
                let status = self.until_ends(child);
                // Whoever else took part, where the check has failed.
                send_to_group(child, SIGKILL);
                judge(check, status)
            }
            Err(errno) => {
                let mut line = say("FAIL ", check);
                line.text("no process: errno ")
                    .number(errno.raw_os_error() as u32)
                    .end();
                Verdict::Failed
            }
        }
    }

    /// Reaps whatever ends until `child` has; `None` when it has taken too long.
    fn until_ends(&self, child: Pid) -> Option<WaitStatus> {
        let end = seconds() + DEADLINE_S;
        loop {
            while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
                if pid == child {
                    return Some(status);
                }
            }
            let left = end.checked_sub(seconds()).filter(|&left| left > 0)?;
            let _ = self
                .signals
                .wait(SignalSet::of(&[SIGCHLD]), Some(left as u32 * 1000));
        }
    }
}

fn seconds() -> u64 {
    now(Clock::Monotonic).0
}

fn say(verdict: &'static str, check: &Check) -> Line {
    let mut line = Line::output();
    line.text(verdict).text(check.name);
    line
}

/// Plays it, and says so where it doesn't pass; the exit code.
fn play(check: &Check, bench: &Bench) -> i32 {
    let outcome = (check.play)(bench);
    if let Err(failure) = &outcome {
        let verdict = match failure.is_lack_of_rights() {
            true => "-    ",
            false => "FAIL ",
        };
        let mut line = say(verdict, check);
        failure.tell(line.text(": "));
        line.end();
    }
    exit_code(&outcome)
}

/// Of a process that plays a part.
pub(crate) fn exit_code(outcome: &Outcome) -> i32 {
    match outcome {
        Ok(()) => 0,
        Err(failure) if failure.is_lack_of_rights() => UNDONE,
        Err(_) => FAILED,
    }
}

/// What the end of a check's process means; says so, where that hasn't.
fn judge(check: &Check, status: Option<WaitStatus>) -> Verdict {
    let code = status.and_then(WaitStatus::exit_status);
    let mut line = match code {
        Some(0) => return Verdict::Passed,
        Some(UNDONE) => return Verdict::Undone,
        Some(FAILED) => return Verdict::Failed,
        _ => say("FAIL ", check),
    };
    match (code, status.and_then(WaitStatus::terminating_signal)) {
        (Some(code), _) => line.text(": ends with ").number(code as u32),
        (None, Some(signal)) => line.text(": ends by signal ").number(signal as u32),
        (None, None) => line.text(": takes too long"),
    };
    line.end();
    Verdict::Failed
}
