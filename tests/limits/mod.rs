//! What QEMU's user mode can't carry, and what no program can do under an older engine or kernel.
//!
//! A scenario that meets such a limit is played on those devices only that don't have it, `amd64` for one. Each limit has a
//! probe that shows it on every device that has it, and which fails as soon as the limit is gone.

use libtest_mimic::Trial;

use crate::common::{Device, Lock, proc_fs};
use crate::scenarios::{self, life};

/// Something that can't be done on a device.
struct Limit {
    /// What can't be done.
    name: &'static str,
    /// The scenarios that need it.
    scenarios: &'static [&'static str],
    /// Whether it can be done after all.
    is_gone: fn(&Device) -> bool,
}

/// Seen with QEMU 7.2.
const OF_QEMU: &[Limit] = &[
    // QEMU keeps the first two real-time signals for its C library, and so the program is told of 32 where 34 was sent.
    // What it passes on is moved back, but a code that it makes of the number is not.
    Limit {
        name: "the_numbers_of_real_time_signals",
        scenarios: &["a_real_time_signal_that_ends_the_command_becomes_128_and_its_number"],
        is_gone: |device| {
            let lock = Lock::new();
            let run = device.at(&lock, ["run", "--", "sh", "-c", "kill -34 $$"]);
            let code = run.end().code;
            assert!([Some(128 + 32), Some(128 + 34)].contains(&code), "{code:?}");
            code == Some(128 + 34)
        },
    },
    // QEMU has handlers of its own for signals that would end it, and what it executes starts with the default.
    Limit {
        name: "passing_on_that_a_fatal_signal_is_ignored",
        scenarios: &["the_command_ignores_a_fatal_signal_that_the_caller_ignores"],
        is_gone: |device| {
            let lock = Lock::new();
            let run = device.at(&lock, ["run", "--", "cat", "/proc/self/status"]);
            let run = run.through(["env", "--ignore-signal=HUP"]);
            let hangup = 1;
            proc_fs::signal_set(&run.end().output, "SigIgn") & hangup != 0
        },
    },
];

const OF_OLD: &[Limit] = &[
    // Without `/proc` it takes a pidfd, and Linux has those since 5.3.
    Limit {
        name: "a_pidfd",
        scenarios: &["without_proc_pidfd_tells_the_end", "without_proc"],
        is_gone: |device| {
            let (lock, process) = (Lock::new(), life::sleeper());
            let acquire = life::acquire_for(device, &lock, &process);
            let code = life::without_proc(acquire).end().code;
            assert!([Some(0), Some(74)].contains(&code), "{code:?}");
            code == Some(0)
        },
    },
];

fn of(device: &Device) -> &'static [Limit] {
    if device.old().is_some() {
        OF_OLD
    } else if device.is_native() {
        &[]
    } else {
        OF_QEMU
    }
}

/// Whether the scenario can be played on the device.
pub(crate) fn permit(device: &Device, scenario: &str) -> bool {
    let needs = |limit: &Limit| limit.scenarios.contains(&scenario);
    !of(device).iter().any(needs)
}

/// A trial for each limit of the device.
pub(crate) fn probes(device: &Device) -> impl Iterator<Item = Trial> {
    of(device).iter().map(|limit| {
        let device = device.clone();
        let name = format!("{}::limit::{}", device.name, limit.name);
        Trial::test(name, move || {
            for name in limit.scenarios {
                let is_known = scenarios::all().any(|scenario| scenario.name == *name);
                assert!(is_known, "there is no scenario {name}");
            }
            device.play(|device| {
                let is_gone = (limit.is_gone)(device);
                assert!(
                    !is_gone,
                    "it can be done now: take the limit out of the list"
                );
            });
            Ok(())
        })
    })
}
