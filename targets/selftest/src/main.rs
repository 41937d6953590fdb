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

use update_lock_start::{Args, Environment, Line, open_missing, text};

use bench::Bench;
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
    let code = check(directory);
    machine::end(true);
    code
}

/// Plays all checks in a directory of their own; the exit code.
fn check(directory: &[u8]) -> i32 {
    let bench = match Bench::new(directory) {
        Ok(bench) => bench,
        Err(failure) => {
            let mut line = Line::output();
            let text = text!("FAIL cannot make a directory in '%', name another one: ");
            failure.tell(line.filled(text, directory));
            line.end();
            return 1;
        }
    };
    let mut runner = Runner::new(&bench);
    for check in checks::all() {
        runner.run(check);
    }
    runner.report();
    bench.remove();
    runner.exit_code()
}
