//! The lock under load: many contenders and forced takes among them, more waiters than `inotify` serves, and an hour of it.
//!
//! `cargo test --test load` does what fits in half a minute; `ci/prove` and `ci/soak` do the rest, which is ignored here.

#[allow(
    dead_code,
    unused_imports,
    reason = "each test has its share of what they share"
)]
#[path = "../common/mod.rs"]
mod common;

mod contender;
mod crowd;
mod growth;
mod ledger;
mod overrides;
mod waiters;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};

use common::Device;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().collect();
    if let [_, role, path, scratch] = arguments.as_slice() {
        let (path, scratch) = (Path::new(path), Path::new(scratch));
        match role.as_str() {
            "wait" => return contender::contend(path, scratch, true),
            "try" => return contender::contend(path, scratch, false),
            "touch" => return contender::touch(path, scratch),
            _ => {}
        }
    }
    let mut arguments = Arguments::from_args();
    // Each takes the whole machine.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials()).exit_code()
}

fn trials() -> Vec<Trial> {
    let trial = |name, play: fn()| {
        Trial::test(name, move || {
            play();
            Ok(())
        })
    };
    vec![
        trial("fifty_thousand_cycles", || crowd::contend(50_000)),
        trial("a_million_cycles", || crowd::contend(1_000_000)).with_ignored_flag(true),
        trial(
            "waiters_beyond_the_limit_of_inotify",
            waiters::each_has_its_turn,
        ),
        trial("a_soak", || crowd::soak(time_of_soak())).with_ignored_flag(true),
    ]
}

/// The device whose program this machine runs by itself.
fn device() -> Device {
    let mut devices = Device::all().into_iter();
    let device = devices.find(|device| device.name == "amd64");
    device.expect("it is in ci/targets")
}

/// How long the soak is to be: an hour, or what `UPDATE_LOCK_SOAK` says in seconds.
fn time_of_soak() -> Duration {
    let seconds = std::env::var("UPDATE_LOCK_SOAK");
    let seconds = seconds.map_or(3600, |text| text.parse().expect("a number of seconds"));
    Duration::from_secs(seconds)
}
