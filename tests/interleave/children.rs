//! What a command starts, killed at each of its system calls, and each of them made to fail: a keeper to its end, and what
//! becomes the command of `run` until it is that.

use std::process::Child;

use nix::errno::Errno;

use crate::commands::{Before, Play};
use crate::faults::{Played, judge};
use crate::steps::{Fault, step};
use crate::tracee::{End, Tracee};
use crate::watchdog::{Watch, has_hung};

use Before::{Nothing, Stale};

pub(crate) const COMMANDS: &[(Before, &str)] = &[
    (Nothing, "run -- PROBE"),
    (Nothing, "run --group -- PROBE"),
    (Nothing, "acquire --for SELF"),
    (Stale, "acquire --for SELF"),
    (Nothing, "acquire --shared --for SELF"),
];

/// As `faults::play`, of the process that the command starts. A keeper is asked to release when it waits for that.
pub(crate) fn play(device: &str, before: Before, command: &str, fault: Fault) -> Played {
    let play = Play::new(device, before);
    let (mut parent, mut child) = Tracee::start_child_of(play.command(command));
    let watches = [&parent, &child].map(|tracee| Watch::of(tracee.pid()));
    let is_keeper = command.starts_with("acquire");
    let mut asked = None;
    let stepped = step(&mut child, fault, |tracee, call, registers| {
        if is_keeper && asked.is_none() && call.waits(tracee, registers) {
            asked = Some(Asked::new(&play));
        }
    });
    let end = parent.join();
    let of_keeper = is_keeper
        .then(|| judge_keeper(&play, fault, end, stepped.end, asked))
        .flatten();
    drop(watches);
    // As a shell has it, of what was killed.
    let is_told = !is_keeper && fault.is_crash() && end == End::Code(137);
    let violation = of_keeper
        .or_else(|| {
            if is_told {
                None
            } else {
                judge(&play, command, end, stepped.failed)
            }
        })
        .or_else(|| play.find_fault());
    Played {
        calls: stepped.calls,
        violation,
    }
}

/// A keeper that has been asked to release.
struct Asked {
    was_held: bool,
    release: Child,
}

impl Asked {
    fn new(play: &Play) -> Self {
        let mut release = play.command_saying("release --for SELF", "release-");
        Self {
            was_held: play.is_held(),
            release: release.spawn().expect("it starts"),
        }
    }
}

/// Who has been told that the lock is held relies on that until the release.
fn judge_keeper(
    play: &Play,
    fault: Fault,
    end: End,
    end_of_keeper: Option<End>,
    asked: Option<Asked>,
) -> Option<String> {
    let is_promised = end == End::Code(0);
    let Some(mut asked) = asked else {
        // As an override has it.
        let is_lost = matches!(fault, Fault::Once("newfstatat" | "statx", _, Errno::ENOENT));
        let is_broken = is_promised && !fault.is_crash() && !is_lost;
        return is_broken.then(|| format!("its keeper ends by itself: {end_of_keeper:?}"));
    };
    let _watch = Watch::of(nix::unistd::Pid::from_raw(asked.release.id().cast_signed()));
    let code = asked.release.wait().expect("it was started").code();
    let said = play.said("release-stderr");
    if is_promised && !asked.was_held {
        return Some("its keeper doesn't hold the lock".into());
    }
    if code != Some(0) || said.contains("nothing to release") && is_promised && !fault.is_crash() {
        return Some(format!("its release ends with {code:?}, {said:?}"));
    }
    has_hung().then(|| "its keeper hangs".into())
}
