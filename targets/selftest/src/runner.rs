//! Plays the checks one by one, each in a process of its own: one that hangs or crashes has failed, and the next one follows.

use rustix::process::{Pid, WaitOptions, WaitStatus, setpgid, wait};
use update_lock_start::number::{SIGCHLD, SIGKILL};
use update_lock_start::{Child, Clock, Line, SignalSet, Signals, exit, fork, now, send_to_group};

use crate::bench::Bench;
use crate::checks::Check;

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

pub(crate) struct Runner<'b> {
    bench: &'b Bench,
    signals: Signals,
    passed: u32,
    failed: u32,
    undone: u32,
}

impl<'b> Runner<'b> {
    pub(crate) fn new(bench: &'b Bench) -> Self {
        Self {
            bench,
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
        self.bench.clear();
    }

    /// How many have passed and failed, and couldn't be done.
    pub(crate) fn report(&self) {
        let mut line = Line::output();
        line.number(self.passed).bytes(b" passed, ");
        line.number(self.failed).bytes(b" failed");
        if self.undone > 0 {
            line.bytes(b", ").number(self.undone).bytes(b" not done");
        }
        line.end();
    }

    pub(crate) fn exit_code(&self) -> i32 {
        i32::from(self.failed > 0)
    }

    fn verdict(&self, check: &Check) -> Verdict {
        match fork() {
            Ok(Child::Me) => {
                let _ = setpgid(None, None);
                self.signals.restore();
                exit(play(check, self.bench))
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
                line.bytes(b"no process: errno ")
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
    line.bytes(verdict.as_bytes()).bytes(check.name.as_bytes());
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
        failure.tell(line.bytes(b": "));
        line.end();
    }
    match &outcome {
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
        (Some(code), _) => line.bytes(b": ends with ").number(code as u32),
        (None, Some(signal)) => line.bytes(b": ends by signal ").number(signal as u32),
        (None, None) => line.bytes(b": takes too long"),
    };
    line.end();
    Verdict::Failed
}
