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

/// What the process of a check that has failed, and said so, ends with.
const FAILED: i32 = 1;

pub(crate) struct Runner {
    directory: &'static [u8],
    signals: Signals,
    passed: u32,
    failed: u32,
}

impl Runner {
    pub(crate) fn new(directory: &'static [u8]) -> Self {
        Self {
            directory,
            signals: Signals::block(),
            passed: 0,
            failed: 0,
        }
    }

    pub(crate) fn run(&mut self, check: &Check) {
        if self.passes(check) {
            say("ok   ", check).end();
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    /// How many have passed and failed.
    pub(crate) fn report(&self) {
        let mut line = Line::output();
        line.number(self.passed).text(" passed, ");
        line.number(self.failed).text(" failed").end();
    }

    pub(crate) fn exit_code(&self) -> i32 {
        i32::from(self.failed > 0)
    }

    fn passes(&self, check: &Check) -> bool {
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
                return false;
            }
        };
        let passes = self.passes_on(check, &bench);
        bench.clear();
        passes
    }

    fn bench(&self) -> Result<Bench, Failure> {
        let mut name = Line::string();
        name.text("update-lock-selftest.")
            .number(getpid().as_raw_pid() as u32);
        let directory = LockPath::in_directory(self.directory, name.as_bytes())?;
        Bench::new(&directory)
    }

    fn passes_on(&self, check: &Check, bench: &Bench) -> bool {
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
                is_good(check, status)
            }
            Err(errno) => {
                let mut line = say("FAIL ", check);
                line.text("no process: errno ")
                    .number(errno.raw_os_error() as u32)
                    .end();
                false
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

fn play(check: &Check, bench: &Bench) -> i32 {
    let outcome = (check.play)(bench);
    if let Err(failure) = &outcome {
        let mut line = say("FAIL ", check);
        failure.tell(line.text(": "));
        line.end();
    }
    exit_code(&outcome)
}

/// Of a process that plays a part.
pub(crate) fn exit_code(outcome: &Outcome) -> i32 {
    match outcome {
        Ok(()) => 0,
        Err(_) => FAILED,
    }
}

fn is_good(check: &Check, status: Option<WaitStatus>) -> bool {
    let status = match status {
        Some(status) => status,
        None => {
            say("FAIL ", check).text(": takes too long").end();
            return false;
        }
    };
    match status.exit_status() {
        Some(0) => return true,
        Some(FAILED) => {}
        code => {
            let mut line = say("FAIL ", check);
            match code {
                Some(code) => line.text(": ends with ").number(code as u32),
                None => line
                    .text(": ends by signal ")
                    .number(status.terminating_signal().unwrap_or(0) as u32),
            };
            line.end();
        }
    }
    false
}
