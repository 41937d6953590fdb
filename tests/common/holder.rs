//! A `run` that holds the lock until the scenario lets its command end.

use std::sync::atomic::{AtomicU32, Ordering};

use nix::unistd::Pid;

use super::{Device, Gate, Lock, Outcome, Process};

/// Each holder's files have names of their own.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A `run` whose command has started, so that it holds the lock.
pub(crate) struct Holder {
    /// The `run`.
    pub(crate) run: Process,
    /// Its command.
    pub(crate) command: Pid,
    /// What its command waits for.
    pub(crate) gate: Gate,
}

impl Holder {
    /// `run -- COMMAND` with the lock's command, once that has started.
    #[track_caller]
    pub(crate) fn start(device: &Device, lock: &Lock) -> Self {
        Waiter::start(device, lock, &[]).until_holds()
    }

    /// Lets the command end, and waits for the end of `run`.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Outcome {
        drop(self.gate);
        self.run.end()
    }
}

/// A `run` that may have to wait.
pub(crate) struct Waiter {
    /// The `run`.
    pub(crate) run: Process,
    started: String,
    /// What its command waits for.
    pub(crate) gate: Gate,
}

impl Waiter {
    /// `run OPTIONS -- COMMAND`.
    pub(crate) fn start(device: &Device, lock: &Lock, options: &[&str]) -> Self {
        Self::start_as(device, lock, options, |run| run)
    }

    /// `run -- COMMAND`, whose command begins with `first`.
    pub(crate) fn start_doing(device: &Device, lock: &Lock, first: &str) -> Self {
        Self::start_command(device, lock, &[], first, |run| run)
    }

    /// The same, with a change to how it is started.
    pub(crate) fn start_as(
        device: &Device,
        lock: &Lock,
        options: &[&str],
        dress: impl FnOnce(super::Invocation) -> super::Invocation,
    ) -> Self {
        Self::start_command(device, lock, options, "", dress)
    }

    fn start_command(
        device: &Device,
        lock: &Lock,
        options: &[&str],
        first: &str,
        dress: impl FnOnce(super::Invocation) -> super::Invocation,
    ) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let (started, gate_name) = (format!("started-{number}"), format!("gate-{number}"));
        let gate = lock.gate(&gate_name);
        let command = format!("{first} exec <{gate_name}; echo $$ >{started}; exec cat");
        let run = device
            .at(lock, ["run"])
            .args(options)
            .args(["--", "sh", "-c", &command]);
        Self {
            run: dress(run).start(),
            started: lock.file(&started).to_str().expect("text").to_string(),
            gate,
        }
    }

    /// Whether its command has started.
    pub(crate) fn has_started(&self) -> bool {
        self.command().is_some()
    }

    fn command(&self) -> Option<Pid> {
        let line = std::fs::read_to_string(&self.started).ok()?;
        line.strip_suffix('\n')?.parse().ok().map(Pid::from_raw)
    }

    /// Waits until its command has started, lets that end, and waits for its own end.
    #[track_caller]
    pub(crate) fn until_ends(mut self) -> Outcome {
        super::wait::until("the command of a run", || self.has_started());
        drop(self.gate);
        self.run.end()
    }

    /// Waits until its command has started.
    #[track_caller]
    pub(crate) fn until_holds(self) -> Holder {
        let command = super::wait::until_some("the command of a run", || self.command());
        Holder {
            run: self.run,
            command,
            gate: self.gate,
        }
    }

    /// Waits until it says that it waits.
    #[track_caller]
    pub(crate) fn until_waits(self) -> Self {
        self.run.until_says("update-lock: ");
        assert!(!self.has_started(), "it waits: {}", self.run.errors());
        self
    }
}
