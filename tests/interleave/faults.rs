//! The real program, killed at each of its system calls, and each of them made to fail.
//!
//! Whatever happens: it ends, without a panic, with a documented code and one line that says why; nobody else's file is gone;
//! no command runs as if it were protected when it isn't; and the next start gets the lock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use libtest_mimic::{Failed, Trial};
use nix::errno::Errno;
use nix::sys::signal::Signal;

use crate::children;
use crate::commands::{Before, COMMANDS, Play};
use crate::cues::Cues;
use crate::errnos::REFUSED;
use crate::one_cpu::OneCpu;
use crate::programs::DEVICES;
use crate::proves_all;
use crate::steps::{Fault, Made, step};
use crate::tracee::{End, Tracee};
use crate::watchdog::{Watch, has_hung};

/// How many have been played.
pub(crate) static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The exit codes that the README has. 70 isn't one that may come.
const CODES: &[i32] = &[0, 64, 69, 73, 74, 75, 77, 126, 127];

/// What has been played.
pub(crate) struct Played {
    /// The calls that it made: their names, where they can fail.
    pub(crate) calls: Vec<Made>,
    pub(crate) violation: Option<String>,
}

pub(crate) fn play(device: &str, before: Before, command: &str, fault: Fault) -> Played {
    let play = Play::new(device, before);
    let mut tracee = Tracee::start_unfiltered(play.command(command));
    let watch = Watch::of(tracee.pid());
    let mut cues = Cues::of(command, &play);
    let stepped = step(&mut tracee, fault, |tracee, call, registers| {
        if call.waits(tracee, registers) {
            cues.give(tracee.pid());
        }
    });
    drop(watch);
    let end = stepped.end.expect("it becomes no other program");
    let violation = judge(&play, command, end, stepped.failed).or_else(|| play.find_fault());
    Played {
        calls: stepped.calls,
        violation,
    }
}

pub(crate) fn judge(play: &Play, command: &str, end: End, failed: Made) -> Option<String> {
    let (output, errors) = (play.said("stdout"), play.said("stderr"));
    let code = match end {
        End::Code(code) => code,
        End::Signal(Signal::SIGKILL) => return has_hung().then(|| "it hangs".into()),
        End::Signal(signal) => return Some(format!("it dies of {signal}")),
    };
    let said = || format!("{code}, {errors:?}");
    let command = command.strip_prefix("API ").unwrap_or(command);
    let verb = command.split(' ').next().unwrap_or_default();
    let is_told = ["hold", "watch"].contains(&verb) && code == 143;
    if !(CODES.contains(&code) || is_told) {
        return Some(format!("it ends with {}", said()));
    }
    if failed.is_some_and(|call| call.name == "write") {
        return None;
    }
    if output.contains("unprotected") && errors.is_empty() {
        return Some("the command isn't protected, and nobody says so".into());
    }
    let is_answer = ["status", "doctor"].contains(&verb);
    let is_quiet = verb == "lockfile" && code == 73;
    if ![0, 143].contains(&code) && errors.is_empty() && !is_answer && !is_quiet {
        return Some(format!("it ends without a word: {}", said()));
    }
    let is_ours = |line: &str| line.starts_with("update-lock: ") || line.starts_with("lockfile: ");
    // A hold tells what happens to its lock.
    let most = if verb == "hold" { 9 } else { 2 };
    if !errors.lines().all(is_ours) || errors.lines().count() > most {
        return Some(format!("it says what it shouldn't: {}", said()));
    }
    None
}

/// Whether the nth of so many calls isn't one that was there before: who tries again for a quarter of a second does the same
/// some hundred times.
fn is_new(nth: usize, count: usize) -> bool {
    nth < 60 || nth + 20 > count
}

/// All faults of a kind that a command with these calls can meet.
pub(crate) fn crashes(calls: &[Made]) -> Vec<Fault> {
    (0..calls.len())
        .filter(|&n| is_new(n, calls.len()))
        .flat_map(|n| [Fault::Before(n), Fault::After(n)])
        .collect()
}

pub(crate) fn errors(calls: &[Made]) -> Vec<Fault> {
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
pub(crate) fn refusals(calls: &[Made]) -> Vec<Fault> {
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

/// Plays a command with what is there before, and a fault.
type PlayWith = fn(&str, Before, &str, Fault) -> Played;
/// All faults of a kind that these calls can meet.
type List = fn(&[Made]) -> Vec<Fault>;

/// Each command on each device, killed and failing everywhere.
pub(crate) fn trials() -> Vec<Trial> {
    let kinds: [(&str, List); 3] = [
        ("crashes", crashes),
        ("errors", errors),
        ("refusals", refusals),
    ];
    let of_commands = COMMANDS.iter().map(|of| ("", of, play as PlayWith));
    let of_children = children::COMMANDS.iter();
    let of_children = of_children.map(|of| (" of what it starts", of, children::play as PlayWith));
    let plays: Vec<_> = of_commands.chain(of_children).collect();
    let mut trials = vec![];
    for (device, _) in DEVICES {
        for &(whose, &(before, command), play) in &plays {
            for (kind, list) in kinds {
                if kind == "errors" && device != "amd64" && !proves_all() {
                    continue;
                }
                let name = format!("{device}::{kind}{whose}: {command}, {before:?}");
                let play = move |fault| play(device, before, command, fault);
                trials.push(Trial::test(name, move || survives(play, list)));
            }
        }
    }
    trials
}

fn survives(play: impl Fn(Fault) -> Played, list: List) -> Result<(), Failed> {
    let _one_cpu = OneCpu::take();
    let undisturbed = play(Fault::None);
    if let Some(violation) = undisturbed.violation {
        return Err(format!("undisturbed: {violation}").into());
    }
    let mut violations = vec![];
    let faults = list(&undisturbed.calls);
    COUNT.fetch_add(faults.len(), Ordering::Relaxed);
    for fault in faults {
        if let Some(violation) = play(fault).violation {
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
