//! A process from one system call to the next, with one fault among them.

use std::fmt::{self, Display, Formatter};

use nix::errno::Errno;
use nix::libc::user_regs_struct;

use crate::errnos::Failing;
use crate::tracee::{End, Tracee};

/// What is done to a process.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Killed before its nth call.
    Before(usize),
    /// Killed after it.
    After(usize),
    /// Its nth call of this name fails.
    Once(&'static str, usize, Errno),
    /// Each call of this name fails, as on an older kernel or under a filter.
    Always(&'static str, Errno),
}

impl Fault {
    pub(crate) fn is_crash(self) -> bool {
        matches!(self, Self::Before(_) | Self::After(_))
    }
}

/// A call that a process makes: what it is, where it can fail.
pub(crate) type Made = Option<&'static Failing>;

/// How it went.
pub(crate) struct Stepped {
    pub(crate) calls: Vec<Made>,
    /// The call that failed.
    pub(crate) failed: Made,
    /// `None` where it has become another program.
    pub(crate) end: Option<End>,
}

/// How much longer each look at the clock takes than it does, so that patience ends soon.
const HASTE_MS: i64 = 10;

/// To its end, or to its `execve`. Before each call `cue` may do something.
pub(crate) fn step(
    tracee: &mut Tracee,
    fault: Fault,
    mut cue: impl FnMut(&Tracee, &'static Failing, &user_regs_struct),
) -> Stepped {
    let mut calls: Vec<Made> = vec![];
    let mut failed = None;
    let mut haste = 0;
    while let Some(registers) = tracee.next_any_call() {
        let call = Failing::of(&registers);
        let nth = calls.len();
        calls.push(call);
        if let Some(call) = call {
            cue(tracee, call, &registers);
        }
        match (fault, call) {
            (Fault::Before(n), _) if n == nth => tracee.crash(),
            (Fault::Once(name, n, errno), Some(call))
                if call.name == name && count(&calls, name) == n + 1 =>
            {
                failed = Some(call);
                tracee.fail_call(errno);
            }
            (Fault::Always(name, errno), Some(call)) if call.name == name => {
                failed = Some(call);
                tracee.fail_call(errno);
            }
            _ => {
                tracee.finish_call();
                if let Some(time) = call.and_then(|call| call.time(&registers)) {
                    haste += HASTE_MS;
                    tracee.advance(time, haste);
                }
            }
        }
        if let Fault::After(n) = fault
            && n == nth
        {
            tracee.crash();
        }
        if tracee.has_executed() {
            tracee.let_go();
            break;
        }
    }
    Stepped {
        calls,
        failed,
        end: tracee.end(),
    }
}

fn count(calls: &[Made], name: &str) -> usize {
    let made = calls.iter().flatten();
    made.filter(|call| call.name == name).count()
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "undisturbed"),
            Self::Before(n) => write!(f, "killed before call {n}"),
            Self::After(n) => write!(f, "killed after call {n}"),
            Self::Once(name, n, errno) => write!(f, "{name} number {n} fails with {errno:?}"),
            Self::Always(name, errno) => write!(f, "each {name} fails with {errno:?}"),
        }
    }
}
