//! Other processes that take part in a check.

use rustix::fd::OwnedFd;
use rustix::io::{read, write};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};
use update_lock_start::number::SIGKILL;
use update_lock_start::{Child, Line, exit, fork, send};

use crate::failure::{Failure, Outcome, ensure};

/// Another process. It and the check that started it tell each other how far they are.
pub(crate) struct Other {
    pid: Pid,
    cues: Cues,
}

/// The ends of two pipes, by which two processes give each other their cues.
pub(crate) struct Cues {
    from: OwnedFd,
    to: OwnedFd,
}

impl Cues {
    /// Two ends for each of two.
    fn pairs() -> Result<(Self, Self), Failure> {
        let (their_from, to) = pipe_with(PipeFlags::CLOEXEC)?;
        let (from, their_to) = pipe_with(PipeFlags::CLOEXEC)?;
        let theirs = Self {
            from: their_from,
            to: their_to,
        };
        Ok((Self { from, to }, theirs))
    }

    /// Gives the other one a cue.
    #[track_caller]
    pub(crate) fn give(&self) -> Outcome {
        ensure(write(&self.to, b"!")? == 1, "the other one is told")
    }

    /// Waits for the other one's cue.
    #[track_caller]
    pub(crate) fn wait(&self) -> Outcome {
        ensure(read(&self.from, &mut [0])? == 1, "the other one lives")
    }
}

impl Other {
    /// Starts one that plays `part`.
    pub(crate) fn start(part: impl FnOnce(&Cues) -> Outcome) -> Result<Self, Failure> {
        let (cues, theirs) = Cues::pairs()?;
        match fork()? {
            Child::Of(pid) => Ok(Self { pid, cues }),
            Child::Me => {
                // Otherwise the end of the check's process would not be the end of its pipes.
                drop(cues);
                let outcome = part(&theirs);
                if let Err(failure) = &outcome {
                    let mut line = Line::output();
                    failure.tell(line.bytes(b"     another process of the next one: "));
                    line.end();
                }
                exit(i32::from(outcome.is_err()))
            }
        }
    }

    /// Gives it a cue.
    #[track_caller]
    pub(crate) fn cue(&self) -> Outcome {
        self.cues.give()
    }

    /// Waits for its cue.
    #[track_caller]
    pub(crate) fn wait(&self) -> Outcome {
        self.cues.wait()
    }

    /// Waits for its end, which must be a good one.
    #[track_caller]
    pub(crate) fn end(self) -> Outcome {
        let status = self.status()?;
        ensure(
            status.exit_status() == Some(0),
            "the other one comes to a good end",
        )
    }

    /// Kills it, as the kernel does when memory runs out.
    #[track_caller]
    pub(crate) fn kill(self) -> Outcome {
        send(self.pid, SIGKILL);
        let status = self.status()?;
        let is_killed = status.terminating_signal() == Some(SIGKILL as i32);
        ensure(is_killed, "the other one dies of SIGKILL")
    }

    fn status(&self) -> Result<WaitStatus, Failure> {
        match waitpid(Some(self.pid), WaitOptions::empty())? {
            Some((_, status)) => Ok(status),
            None => Err(rustix::io::Errno::CHILD.into()),
        }
    }
}
