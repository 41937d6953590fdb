//! A run beside a release's figures, which are in `benches/results/`.
//!
//! What is counted, bytes and system calls, must not have grown. Times are shown, as ratios to the floor of their own run:
//! they are of different days and machines.

use std::fmt::Write;
use std::path::Path;

use crate::table::{Cell, Row, Table, short};
use crate::{Outcome, complaint};

/// Bytes may grow by so much: what another version of the compiler makes of the same source.
const BYTES_MARGIN: f64 = 1.01;

/// Prints the comparison of two tables.
///
/// # Errors
///
/// Where a figure has grown that must not, or hasn't been measured: all of them.
pub(crate) fn compare(then: &Path, now: &Path) -> Outcome<()> {
    let (then, now) = (Table::read(then)?, Table::read(now)?);
    println!(
        "# Beside {}\n\n| | {} | now |\n|---|---:|---:|",
        then.version, then.version
    );
    let mut complaints = String::new();
    for old_row in &then.rows {
        let new_row = now.rows.iter().find(|row| row.id == old_row.id);
        for old in old_row.cells.iter().filter(|cell| old_row.is_ours(cell)) {
            let new = new_row.and_then(|row| {
                row.cells
                    .iter()
                    .find(|cell| cell.contender == old.contender)
            });
            let what = format!("{}: {}", old_row.title, old.contender);
            let before = figure(old_row, old);
            let after = new.map(|new| figure(old_row, new));
            println!(
                "| {what} | {} | {} |",
                short(before),
                after.map_or("-".into(), short)
            );
            if old_row.is_gated && after.is_none_or(|after| after > before * margin(old_row)) {
                let after = after.map_or("not measured".into(), |after| after.to_string());
                let _ = writeln!(
                    complaints,
                    "{what}: {before} {} before, {after} now",
                    old_row.unit
                );
            }
        }
    }
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaint(&format!(
            "worse than {}:\n{complaints}",
            then.version
        )))
    }
}

fn margin(row: &Row) -> f64 {
    if row.unit == "bytes" {
        BYTES_MARGIN
    } else {
        1.0
    }
}

/// The ratio of a time, anything else as it is.
fn figure(row: &Row, cell: &Cell) -> f64 {
    let ratio = cell.over_floor.filter(|_| row.unit == "ns");
    ratio.unwrap_or(cell.summary).median
}
