//! Every device's real program goes through every scenario, under the emulator with the CPU of its boards. Those that this
//! machine runs by itself go through them under an older engine's filter too; and under an older kernel's, where `ci/prove`
//! plays what is ignored here.
//!
//! `cargo test --test devices -- rpi::` plays those of one device, `... crash` those with that word in their names.

mod common;
mod limits;
mod scenarios;

use std::process::ExitCode;

use common::{Device, listener};
use libtest_mimic::{Arguments, Trial};
use nix::unistd::geteuid;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().collect();
    if let [_, first, file] = arguments.as_slice()
        && first == listener::ARGUMENT
    {
        listener::listen(file);
    }
    if !geteuid().is_root() {
        eprintln!("These tests act as several users, and mount: run them as root.");
        return ExitCode::FAILURE;
    }
    let mut arguments = Arguments::from_args();
    // They spend their time waiting for each other.
    arguments.test_threads.get_or_insert(12);
    libtest_mimic::run(&arguments, trials()).exit_code()
}

/// Every scenario for every device, but for what it can't carry: there the probe that shows it.
fn trials() -> Vec<Trial> {
    let mut trials = vec![];
    for device in Device::all() {
        for scenario in scenarios::all() {
            if limits::permit(&device, scenario.name) {
                let device = device.clone();
                let name = format!("{}::{}", device.name, scenario.name);
                let is_ignored = scenarios::is_for_ci_prove(&device, scenario.name);
                let trial = Trial::test(name, move || {
                    device.play(scenario.play);
                    Ok(())
                });
                trials.push(trial.with_ignored_flag(is_ignored));
            }
        }
        trials.extend(limits::probes(&device));
    }
    trials
}
