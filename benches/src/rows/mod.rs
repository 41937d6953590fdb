//! The rows of the table: a question in each file.

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

use crate::Outcome;
use crate::places::Places;
use crate::settings::Settings;
use crate::table::Row;

/// Measures all of them.
pub(crate) fn measure(places: &Places, settings: &Settings) -> Outcome<Vec<Row>> {
    let mut rows = vec![
        cycle::measure(places, settings)?,
        calls::measure(places)?,
        fail::measure(places, settings)?,
        run::measure(places, settings)?,
        shell::measure(places, settings)?,
        pid1::measure(places, settings)?,
    ];
    rows.extend(wake::measure(places, settings)?);
    rows.extend(memory::measure(places, settings)?);
    rows.push(disk::measure(places)?);
    rows.extend(devices::measure(places)?);
    rows.extend(emulated::measure(places)?);
    Ok(rows)
}
