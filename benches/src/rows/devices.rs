//! The programs for the devices: bytes on disk.

use std::fs;

use crate::Outcome;
use crate::places::Places;
use crate::rounds::Samples;
use crate::settings::Settings;
use crate::table::Row;

/// What ci/build leaves for each device, and what it is.
const PROGRAMS: [(&str, &str); 2] = [
    ("update-lock", "update-lock on disk, for each device"),
    (
        "cycle",
        "The smallest program with a lock on disk, for each device",
    ),
];

/// Of those devices that are built.
pub(crate) fn measure(places: &Places, _: &Settings) -> Outcome<Vec<Row>> {
    let devices = devices(places)?;
    PROGRAMS
        .iter()
        .map(|(program, title)| {
            let samples = devices.iter().filter_map(|device| {
                let file = places.program_for(device, program);
                let bytes = fs::metadata(file).ok()?.len();
                Some(Samples {
                    name: device.clone(),
                    values: vec![bytes as f64],
                })
            });
            let samples = samples.collect::<Vec<_>>();
            Ok(Row::new(&format!("size-{program}"), title, "bytes", &samples).gated())
        })
        .collect()
}

/// The names in `ci/targets`.
fn devices(places: &Places) -> Outcome<Vec<String>> {
    let table = fs::read_to_string(places.file("ci/targets"))?;
    let names = table
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    Ok(names
        .filter(|name| !name.starts_with('#'))
        .map(String::from)
        .collect())
}
