//! The real library and the real program on the real kernel, in every order; killed at each system call, and each of them
//! made to fail (`faults.rs`).
//!
//! Processes are stepped from one system call that touches the lock to the next, by `ptrace`. All others of their calls are
//! made at once: they commute with whatever anybody else does to the lock. Of those that touch it, some do so too, and
//! aren't steps: see `Process::commutes`. A pause is none: who tries again and again does so after each change, or until its
//! patience ends. What the Supervisor, helios, a person, another tool and the host do are system calls of this test's own, as
//! theirs are.
//!
//! Processes are copies of one that has just been started (`originals.rs`). `acquire` and its keeper are one actor: between its
//! `fork` and its end neither touches the lock, so they change over there; a keeper that is killed earlier is one of
//! `faults.rs`. A release that waits, and a keeper between two looks, have no memory but their descriptors. It is taken for
//! granted that a look, the host's or one of `release` and `lockfile`, takes less than a quarter of a second.
//!
//! `cargo test --test interleave -- 'Shared'` explores what has that word in its name. With `PROVE=1`, as `ci/prove` has it,
//! there is more of it: see `lists.rs`.

mod abi;
#[path = "../common/api.rs"]
#[allow(dead_code, reason = "nobody looks at what it was asked")]
mod api;
mod children;
mod commands;
mod cues;
mod errnos;
mod explore;
mod faults;
mod lists;
mod one_cpu;
mod originals;
mod peer;
mod process;
mod programs;
mod rules;
mod scenario;
mod stage;
mod steps;
mod tracee;
mod watchdog;
mod world;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use explore::{Failure, Findings, explore, replay};
use libtest_mimic::{Arguments, Failed, Trial};
use nix::unistd::geteuid;
use programs::{DEVICES, MUTANTS, Mutant, of_device};
use scenario::{Exclusive, Host, Role, Scenario, of_text, to_text};

/// What all explorations together have found.
static TOTAL: Mutex<Findings> = Mutex::new(Findings::NONE);

fn main() -> ExitCode {
    if !geteuid().is_root() {
        eprintln!("These tests act as several users: run them as root.");
        return ExitCode::FAILURE;
    }
    let mut arguments = Arguments::from_args();
    // Some wait for what a failure puts off, or for the end of what has a watch.
    arguments.test_threads.get_or_insert(12);
    watchdog::start();
    let conclusion = libtest_mimic::run(&arguments, trials());
    let total = TOTAL.lock().expect("no panic");
    println!(
        "{} schedules in {} states, by {} runs; {} times in the known window",
        total.schedules, total.states, total.runs, total.windows
    );
    println!(
        "{} crashes and errors",
        faults::COUNT.load(Ordering::Relaxed)
    );
    conclusion.exit_code()
}

/// The long ones first. The mutants come in between, since they are built one after the other.
fn trials() -> Vec<Trial> {
    let mut trials = vec![];
    for (device, _) in DEVICES {
        let is_thorough = proves_all() && device == "amd64";
        let scenarios = lists::triples(is_thorough).into_iter();
        let scenarios = scenarios.chain(lists::pairs(is_thorough));
        for (scenario, limit) in scenarios.filter(|(s, _)| is_for(device, s)) {
            trials.push(Trial::test(format!("{device}::{scenario}"), move || {
                proves(device, &scenario, limit)
            }));
        }
    }
    // Four are too many to be explored: a kept schedule shows what they can do.
    let mutants = MUTANTS.iter();
    let mutants = mutants.filter(|mutant| Scenario::parse(mutant.scenario).cast.len() < 4);
    for (place, mutant) in mutants.enumerate() {
        let trial = Trial::test(format!("mutant::{}", mutant.name), || is_caught(mutant));
        trials.insert(4 * place, trial);
    }
    for (device, _) in DEVICES {
        let name = format!("{device}::kept schedules");
        trials.push(Trial::test(name, || replays(device)));
    }
    trials.push(Trial::test("the known window", shows_window));
    trials.extend(faults::trials());
    trials
}

fn proves_all() -> bool {
    std::env::var_os("PROVE").is_some()
}

/// The protocol is the same on either; the calls' numbers and the code aren't.
fn is_for(device: &str, scenario: &Scenario) -> bool {
    proves_all() || device == "amd64" || scenario.cast.len() == 2 && scenario.cast[0] == Exclusive
}

fn proves(device: &str, scenario: &Scenario, limit: Option<u32>) -> Result<(), Failed> {
    let begin = std::time::Instant::now();
    let findings = explore(scenario, &of_device(device), limit);
    if proves_all() {
        println!("{device} {scenario}: {findings}, {:.0?}", begin.elapsed());
    }
    let failure = findings
        .failure
        .as_ref()
        .map(|failure| report(scenario, failure));
    // A release by root, and whatever takes the lock away from it, are what makes the window.
    let has_override = |role: &Role| !role.is_process() && *role != Host;
    let is_known = scenario.cast.iter().any(has_override);
    if findings.windows > 0 && !is_known {
        return Err("a window without an override".into());
    }
    TOTAL.lock().expect("no panic").add(&findings);
    failure.map_or(Ok(()), |failure| Err(failure.into()))
}

/// Root's release can remove what an override puts there between its look and its `unlink`. Were this gone, the documentation
/// would have to say so.
fn shows_window() -> Result<(), Failed> {
    let scenario = Scenario::parse("free: Exclusive* ForcedSupervisor");
    let findings = explore(&scenario, &of_device("amd64"), None);
    let Some(steps) = &findings.window else {
        return Err(format!("it isn't there any more: {findings}").into());
    };
    if proves_all() {
        println!("the known window: {findings}\n  {}", steps.join("\n  "));
    }
    Ok(())
}

/// What was fatal once isn't fatal now, and still is for the mutant that it was found with.
fn replays(device: &str) -> Result<(), Failed> {
    for line in include_str!("schedules").lines() {
        if line.starts_with('#') {
            continue;
        }
        let mut parts = line.split(" | ");
        let (Some(scenario), Some(schedule), Some(name)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(format!("no schedule: {line}").into());
        };
        let (scenario, schedule) = (Scenario::parse(scenario), of_text(schedule));
        if let Err(failure) = replay(&scenario, &of_device(device), &schedule) {
            return Err(report(&scenario, &failure).into());
        }
        // They are built for this one alone.
        if device == "amd64"
            && let Some(mutant) = MUTANTS.iter().find(|mutant| mutant.name == name)
            && replay(&scenario, &programs::of_mutant(mutant), &schedule).is_ok()
        {
            return Err(format!("{name} survives {line}").into());
        }
    }
    Ok(())
}

fn is_caught(mutant: &Mutant) -> Result<(), Failed> {
    let scenario = Scenario::parse(mutant.scenario);
    let findings = explore(&scenario, &programs::of_mutant(mutant), Some(2));
    match &findings.failure {
        Some(failure) => {
            if proves_all() {
                println!("{}: {}", mutant.name, report(&scenario, failure));
            }
            Ok(())
        }
        None => Err(format!("it survives: {findings}").into()),
    }
}

/// The steps, for a person; and the line with which it is kept.
fn report(scenario: &Scenario, failure: &Failure) -> String {
    let Failure {
        schedule,
        steps,
        violation,
    } = failure;
    let steps = steps.join("\n  ");
    let schedule = to_text(schedule);
    format!(
        "{violation}\n  {steps}\n\nto be kept in tests/interleave/schedules:\n{scenario} | {schedule} | {violation}"
    )
}
