//! How long it takes to take the lock and to give it back, in a process that lives on.

use crate::contender::{self, Contender, FLOOR, OURS};
use crate::places::Places;
use crate::rounds;
use crate::settings::Settings;
use crate::table::Row;
use crate::{Outcome, complaint};

/// Counts so many cycles that a contender's turn takes about that long.
pub(crate) fn count_for(contender: &Contender, verb: &str, nanoseconds: f64) -> Outcome<u64> {
    let each = contender
        .time(verb, 20)
        .map_err(|error| complaint(&format!("{}: {error}", contender.name)))?;
    Ok(((nanoseconds / each) as u64).clamp(10, 1_000_000))
}

pub(crate) fn measure(places: &Places, settings: &Settings) -> Outcome<Row> {
    let mut counted = Vec::new();
    for contender in contender::in_process(places)? {
        let count = count_for(&contender, "cycle", settings.turn)?;
        counted.push((contender, count));
    }
    let samples = rounds::interleave(
        &counted,
        |(contender, _)| &contender.name,
        settings.rounds,
        |(contender, count)| contender.time("cycle", *count),
    )?;
    Ok(Row::new(
        "cycle",
        "One cycle in a process: acquire and release",
        "ns",
        FLOOR,
        OURS,
        &samples,
    ))
}
