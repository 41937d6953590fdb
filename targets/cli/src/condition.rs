//! `--while COMMAND`: a command that is run again and again, and by its exit code says whether the lock is needed.

use rustix::process::{Pid, WaitStatus, setpgid};
use update_lock_start::number::SIGKILL;
use update_lock_start::{
    Environment, Line, Signals, complain, exec_shell, send_to_group, spawn, text,
};

use crate::job::{NOT_FOUND, exit_code};

/// The command, and what it said last.
pub(crate) struct Condition {
    command: &'static [u8],
    environment: Environment,
    /// In milliseconds.
    interval: u32,
    /// When it is run next.
    next: u64,
    running: Option<Pid>,
    /// Whether it holds; `None` before the first answer.
    answer: Option<bool>,
}

impl Condition {
    pub(crate) fn new(command: &'static [u8], interval: u32, environment: Environment) -> Self {
        Self {
            command,
            environment,
            interval,
            next: 0,
            running: None,
            answer: None,
        }
    }

    /// Runs the command if it is due; what its last run said.
    pub(crate) fn answer(&mut self, now: u64, signals: &Signals) -> Option<bool> {
        if now >= self.next {
            self.next = now + u64::from(self.interval);
            if let Some(running) = self.running.take() {
                send_to_group(running, SIGKILL);
                complain(
                    text!("'%': still running at its next turn: killed, taken for a no"),
                    self.command,
                );
                self.answer = Some(false);
            }
            self.running = self.start(signals);
            if self.running.is_none() {
                self.answer = Some(false);
            }
        }
        self.answer
    }

    /// In how many milliseconds it is run next.
    pub(crate) fn due(&self, now: u64) -> u64 {
        self.next.saturating_sub(now)
    }

    /// A child of this process has ended.
    pub(crate) fn ended(&mut self, process: Pid, status: WaitStatus) {
        if self.running != Some(process) {
            return;
        }
        let Some(code) = exit_code(status) else {
            return;
        };
        self.running = None;
        self.answer = Some(code == 0);
        if code > 125 {
            let mut line = Line::error();
            line.filled(text!("'%': exit code "), self.command)
                .number(code as u32);
            line.text(text!(": taken for a no")).end();
        }
    }

    fn start(&self, signals: &Signals) -> Option<Pid> {
        let run = || {
            let _ = setpgid(None, None);
            signals.restore();
            let mut command = Line::string();
            if let Some(command) = command.bytes(self.command).as_c_str() {
                let _ = exec_shell(command, self.environment);
            }
            complain(
                text!("cannot run '%': no /bin/sh here, or it is too long"),
                self.command,
            );
            NOT_FOUND
        };
        match spawn(&run) {
            Ok(process) => {
                let _ = setpgid(Some(process), Some(process));
                Some(process)
            }
            Err(errno) => {
                crate::report::report_fork(errno);
                None
            }
        }
    }

    /// Kills what is running.
    pub(crate) fn end(&self) {
        if let Some(running) = self.running {
            send_to_group(running, SIGKILL);
        }
    }
}
