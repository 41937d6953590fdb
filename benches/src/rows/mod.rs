//! The rows of the table: a question, or some that are answered together, in each file.

mod calls;
mod cycle;
mod devices;
mod disk;
mod emulated;
mod fail;
mod memory;
mod pid1;
mod run;
mod shell;
mod wake;

use std::time::Instant;

use crate::places::Places;
use crate::settings::Settings;
use crate::table::Row;
use crate::{Outcome, complaint};

type Measure = fn(&Places, &Settings) -> Outcome<Vec<Row>>;

/// By the names of their files.
const ALL: [(&str, Measure); 11] = [
    ("cycle", cycle::measure),
    ("calls", calls::measure),
    ("fail", fail::measure),
    ("run", run::measure),
    ("shell", shell::measure),
    ("pid1", pid1::measure),
    ("wake", wake::measure),
    ("memory", memory::measure),
    ("disk", disk::measure),
    ("devices", devices::measure),
    ("emulated", emulated::measure),
];

/// Measures those of these names, or all of them where there are none. A line for each, with the time it took.
pub(crate) fn measure(names: &[&str], places: &Places, settings: &Settings) -> Outcome<Vec<Row>> {
    if let Some(name) = names
        .iter()
        .find(|name| ALL.iter().all(|(known, _)| known != *name))
    {
        return Err(complaint(&format!(
            "there is nothing to measure by the name {name}"
        )));
    }
    let mut rows = Vec::new();
    for (name, measure) in ALL
        .iter()
        .filter(|(name, _)| names.is_empty() || names.contains(name))
    {
        let start = Instant::now();
        rows.extend(
            measure(places, settings).map_err(|error| complaint(&format!("{name}: {error}")))?,
        );
        eprintln!("{:4} s  {name}", start.elapsed().as_secs());
    }
    Ok(rows)
}
