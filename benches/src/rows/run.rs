//! What a command costs that runs under the lock: over the command alone.

use crate::Outcome;
use crate::command_line::{self, CommandLine};
use crate::contender::{OURS, START_AND_WAIT};
use crate::places::Places;
use crate::settings::Settings;
use crate::table::Row;

pub(crate) fn measure(places: &Places, settings: &Settings) -> Outcome<Vec<Row>> {
    let command = places.floor("true");
    let command = command.as_os_str();
    let (floor, program) = (places.floor("run"), places.update_lock());
    let (lock, flock) = (places.lock("run"), places.lock("flock"));
    let run = [
        program.as_os_str(),
        "--lock".as_ref(),
        lock.as_os_str(),
        "run".as_ref(),
        "--".as_ref(),
        command,
    ];
    let lines = [
        CommandLine::new("true, alone", [command]),
        CommandLine::new(START_AND_WAIT, [floor.as_os_str(), command]),
        CommandLine::new(OURS, run),
        CommandLine::new("flock(1)", ["flock".as_ref(), flock.as_os_str(), command]),
    ];
    let mut samples = command_line::measure(&lines, settings)?;
    command_line::over_first(&mut samples);
    let title = "A command under the lock, over the command alone";
    Ok(vec![
        Row::new("run", title, "ns", &samples).against(START_AND_WAIT, OURS),
    ])
}
