//! The system calls of a cycle, counted by `strace`.

use std::fs;
use std::process::{Command, Stdio};

use crate::contender::{self, Contender, FLOOR, OURS};
use crate::places::Places;
use crate::rounds::Samples;
use crate::settings::Settings;
use crate::table::Row;
use crate::{Outcome, complaint};

/// Cycles between two counts, from whose difference start and end are gone.
const CYCLES: u64 = 100;

pub(crate) fn measure(places: &Places, _: &Settings) -> Outcome<Vec<Row>> {
    let mut samples = Vec::new();
    for contender in contender::in_process(places)? {
        let few = count(places, &contender, 1)?;
        let many = count(places, &contender, 1 + CYCLES)?;
        let each = (many as f64 - few as f64) / CYCLES as f64;
        // A runtime's threads make some of their own now and then.
        let values = vec![(each * 10.0).round() / 10.0];
        samples.push(Samples {
            name: contender.name,
            values,
        });
    }
    let row = Row::new("calls", "The system calls of a cycle", "calls", &samples);
    Ok(vec![row.against(FLOOR, OURS).gated()])
}

/// The system calls of all threads for so many cycles.
fn count(places: &Places, contender: &Contender, cycles: u64) -> Outcome<usize> {
    let log = places.lock("calls");
    let asked = contender.asked_to("cycle", &contender.lock, Some(cycles));
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-e", "signal=none", "-o"])
        .arg(&log);
    let status = strace
        .arg(asked.get_program())
        .args(asked.get_args())
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(complaint(&format!(
            "strace of {}: {status}",
            contender.name
        )));
    }
    // A call that another thread's interrupts is one line and its end another.
    let calls = fs::read_to_string(&log)?;
    Ok(calls
        .lines()
        .filter(|line| line.contains('(') && !line.contains(" resumed>"))
        .count())
}
