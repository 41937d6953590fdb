//! The real program, killed at each of its system calls, and each of them made to fail.
//!
//! Whatever happens: it ends, without a panic, with a documented code and one line that says why; nobody else's file is gone;
//! no command runs as if it were protected when it isn't; and the next start gets the lock.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::commands::{Before, COMMANDS, Play};
use crate::errnos::{Failing, REFUSED};
use crate::programs::DEVICES;
use crate::proves_all;
use crate::tracee::{End, Tracee};

/// What is done to a command.
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

/// How many have been played.
pub(crate) static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The exit codes that the README has. 70 isn't one that may come.
const CODES: &[i32] = &[0, 64, 69, 73, 74, 75, 77, 126, 127];

/// Nothing of the program waits for so long here.
const HANG: Duration = Duration::from_secs(20);

/// What has been played.
pub(crate) struct Played {
    /// The calls that it made: their names, where they can fail.
    pub(crate) calls: Vec<Option<&'static Failing>>,
    pub(crate) violation: Option<String>,
}

pub(crate) fn play(device: &str, before: Before, command: &str, fault: Fault) -> Played {
    let play = Play::new(device, before);
    let tracee = Tracee::start_unfiltered(play.command(command));
    let _watch = Watch::of(tracee.pid());
    let is_hold = command == "hold";
    let (calls, failed, end) = step(tracee, fault, is_hold.then(|| play.path()));
    let violation = judge(&play, command, end, failed).or_else(|| play.find_fault());
    Played { calls, violation }
}

/// To its end: the calls that it made, the failed one, and how it ended. Who holds for ever is told to end when it has the
/// lock, or has looked for it often enough.
fn step(
    mut tracee: Tracee,
    fault: Fault,
    lock: Option<std::path::PathBuf>,
) -> (Vec<Option<&'static Failing>>, Option<Injected>, End) {
    let mut calls = vec![];
    let mut failed = None;
    let mut has_been_told = false;
    while let Some(registers) = tracee.next_any_call() {
        let call = Failing::of(&registers);
        let nth = calls.len();
        calls.push(call);
        let is_wait = call.is_some_and(|call| call.name.starts_with("rt_sigtimedwait"));
        if let Some(path) = &lock
            && is_wait
            && !has_been_told
            && (path.exists() || nth > 300)
        {
            has_been_told = true;
            let _ = kill(tracee.pid(), Signal::SIGTERM);
        }
        match (fault, call) {
            (Fault::Before(n), _) if n == nth => tracee.crash(),
            (Fault::Once(name, n, errno), Some(call)) if call.name == name => {
                let made = calls.iter().flatten();
                if made.filter(|call| call.name == name).count() == n + 1 {
                    failed = Some(Injected::of(call));
                    tracee.fail_call(errno);
                } else {
                    tracee.finish_call();
                }
            }
            (Fault::Always(name, errno), Some(call)) if call.name == name => {
                failed = Some(Injected::of(call));
                tracee.fail_call(errno);
            }
            _ => tracee.finish_call(),
        }
        if let Fault::After(n) = fault
            && n == nth
        {
            tracee.crash();
        }
    }
    (calls, failed, tracee.end().expect("it has ended"))
}

/// What failed, as far as it excuses silence.
struct Injected {
    is_write: bool,
}

impl Injected {
    fn of(call: &Failing) -> Self {
        Self {
            is_write: call.name == "write",
        }
    }
}

fn judge(play: &Play, command: &str, end: End, failed: Option<Injected>) -> Option<String> {
    let (output, errors) = (play.said("stdout"), play.said("stderr"));
    let code = match end {
        End::Code(code) => code,
        End::Signal(Signal::SIGKILL) => return has_hung().then(|| "it hangs".into()),
        End::Signal(signal) => return Some(format!("it dies of {signal}")),
    };
    let said = || format!("{code}, {errors:?}");
    let is_told = command == "hold" && code == 143;
    if !(CODES.contains(&code) || is_told) {
        return Some(format!("it ends with {}", said()));
    }
    let is_mute = failed.is_some_and(|failed| failed.is_write);
    if is_mute {
        return None;
    }
    if output.contains("unprotected") && errors.is_empty() {
        return Some("the command isn't protected, and nobody says so".into());
    }
    let is_answer = command.starts_with("status") || command.starts_with("doctor");
    let is_quiet = command == "lockfile -r0" && code == 73;
    if ![0, 143].contains(&code) && errors.is_empty() && !is_answer && !is_quiet {
        return Some(format!("it ends without a word: {}", said()));
    }
    let is_ours = |line: &str| line.starts_with("update-lock: ") || line.starts_with("lockfile: ");
    // A hold tells what happens to its lock.
    let most = if command == "hold" { 9 } else { 2 };
    if !errors.lines().all(is_ours) || errors.lines().count() > most {
        return Some(format!("it says what it shouldn't: {}", said()));
    }
    None
}

/// Kills a process that hangs.
struct Watch(Pid);

static WATCHED: Mutex<Vec<(Pid, Instant)>> = Mutex::new(vec![]);
static HUNG: Mutex<Vec<Pid>> = Mutex::new(vec![]);

thread_local! {
    static LAST: std::cell::Cell<Pid> = const { std::cell::Cell::new(Pid::from_raw(0)) };
}

/// Whether the process that this thread watched last was killed for it.
fn has_hung() -> bool {
    HUNG.lock().expect("no panic").contains(&LAST.get())
}

impl Watch {
    fn of(pid: Pid) -> Self {
        LAST.set(pid);
        HUNG.lock().expect("no panic").retain(|&other| other != pid);
        WATCHED
            .lock()
            .expect("no panic")
            .push((pid, Instant::now()));
        Self(pid)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        WATCHED
            .lock()
            .expect("no panic")
            .retain(|&(pid, _)| pid != self.0);
    }
}

/// Looks after those that are watched, for as long as this process lives.
pub(crate) fn watch() {
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            for &(pid, start) in WATCHED.lock().expect("no panic").iter() {
                if start.elapsed() > HANG {
                    HUNG.lock().expect("no panic").push(pid);
                    let _ = kill(pid, Signal::SIGKILL);
                }
            }
        }
    });
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

/// Whether the nth of so many calls isn't one that was there before: who tries again for a quarter of a second does the same
/// some hundred times.
fn is_new(nth: usize, count: usize) -> bool {
    nth < 60 || nth + 20 > count
}

/// All faults of a kind that a command with these calls can meet.
pub(crate) fn crashes(calls: &[Option<&'static Failing>]) -> Vec<Fault> {
    (0..calls.len())
        .filter(|&n| is_new(n, calls.len()))
        .flat_map(|n| [Fault::Before(n), Fault::After(n)])
        .collect()
}

pub(crate) fn errors(calls: &[Option<&'static Failing>]) -> Vec<Fault> {
    let mut faults = vec![];
    let mut counts = HashMap::new();
    for (n, call) in calls.iter().enumerate() {
        let Some(call) = call else {
            continue;
        };
        let count = counts.entry(call.name).or_insert(0);
        if is_new(n, calls.len()) {
            let errnos = call.errnos.iter();
            faults.extend(errnos.map(|&errno| Fault::Once(call.name, *count, errno)));
        }
        *count += 1;
    }
    faults
}

/// `ENOSYS` by an older kernel, `EPERM` by a strict filter.
pub(crate) fn refusals(calls: &[Option<&'static Failing>]) -> Vec<Fault> {
    let mut names: Vec<_> = calls.iter().flatten().map(|call| call.name).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| REFUSED.contains(name));
    let refusal = |name| {
        [
            Fault::Always(name, Errno::ENOSYS),
            Fault::Always(name, Errno::EPERM),
        ]
    };
    names.into_iter().flat_map(refusal).collect()
}

/// Each command on each device, killed and failing everywhere.
pub(crate) fn trials() -> Vec<Trial> {
    type Kind = (&'static str, fn(&[Option<&'static Failing>]) -> Vec<Fault>);
    let kinds: [Kind; 3] = [
        ("crashes", crashes),
        ("errors", errors),
        ("refusals", refusals),
    ];
    let mut trials = vec![];
    for (device, _) in DEVICES {
        for &(before, command) in COMMANDS {
            for (kind, list) in kinds {
                if kind == "errors" && device != "amd64" && !proves_all() {
                    continue;
                }
                let name = format!("{device}::{kind}: {command}, {before:?}");
                trials.push(Trial::test(name, move || {
                    survives(device, before, command, list)
                }));
            }
        }
    }
    trials
}

fn survives(
    device: &str,
    before: Before,
    command: &str,
    list: fn(&[Option<&'static Failing>]) -> Vec<Fault>,
) -> Result<(), Failed> {
    let undisturbed = play(device, before, command, Fault::None);
    if let Some(violation) = undisturbed.violation {
        return Err(format!("undisturbed: {violation}").into());
    }
    let mut violations = vec![];
    let faults = list(&undisturbed.calls);
    COUNT.fetch_add(faults.len(), Ordering::Relaxed);
    for fault in faults {
        if let Some(violation) = play(device, before, command, fault).violation {
            let call = match fault {
                Fault::Before(n) | Fault::After(n) => undisturbed.calls[n],
                _ => None,
            };
            let name = call.map_or("", |call| call.name);
            violations.push(format!("{fault} {name}: {violation}"));
        }
    }
    match violations.is_empty() {
        true => Ok(()),
        false => Err(violations.join("\n").into()),
    }
}
