//! How long it takes to take the lock and to give it back, in a process that lives on.

use crate::Outcome;
use crate::contender::{self, FLOOR, OURS};
use crate::places::Places;
use crate::repeated;
use crate::settings::Settings;
use crate::table::Row;

pub(crate) fn measure(places: &Places, settings: &Settings) -> Outcome<Vec<Row>> {
    let samples = repeated::measure(contender::in_process(places)?, "cycle", settings)?;
    let title = "One cycle in a process: acquire and release";
    Ok(vec![
        Row::new("cycle", title, "ns", &samples).against(FLOOR, OURS),
    ])
}
