//! `selftest [DIRECTORY]`: whether the lock behaves as it should on the machine that this is started on.
//!
//! It prints a line for each check, and at the end how many have passed and failed; its exit code is 0 when none has failed.
//! It leaves nothing behind in DIRECTORY, which is /tmp by default. As PID 1 it mounts what it needs, and ends the machine.

#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod bench;
mod checks;
mod failure;
#[path = "../../init/src/machine.rs"]
mod machine;
mod other;
mod runner;

use update_lock_start::{Args, Environment, open_missing};

use runner::Runner;

#[allow(unsafe_code, reason = "the program's entry is a symbol for the linker")]
mod entry {
    update_lock_start::entry!(super::main);
}

const DIRECTORY: &[u8] = b"/tmp";

fn main(mut arguments: Args, _: Environment) -> i32 {
    open_missing();
    machine::prepare();
    let directory = arguments.nth(1).unwrap_or(DIRECTORY);
    let mut runner = Runner::new(directory);
    for check in checks::all() {
        runner.run(check);
    }
    runner.report();
    machine::end(true);
    runner.exit_code()
}
