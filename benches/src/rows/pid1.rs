//! A container whose PID 1 starts a command that ends at once: over the command as PID 1.

use std::ffi::OsStr;

use crate::Outcome;
use crate::command_line::{self, CommandLine};
use crate::contender::{OURS, START_AND_WAIT};
use crate::places::{self, Places};
use crate::settings::Settings;
use crate::table::Row;

pub(crate) fn measure(places: &Places, settings: &Settings) -> Outcome<Vec<Row>> {
    let (namespace, command) = (places.floor("new-pids"), places.floor("true"));
    let (floor, program) = (places.floor("run"), places.update_lock());
    let [tini, tini_static, dumb_init] = ["tini", "tini-static", "dumb-init"].map(places::in_path);
    let (tini, tini_static, dumb_init) = (tini?, tini_static?, dumb_init?);
    let lock = places.lock("pid1");
    let line = |name, words: &[&OsStr]| {
        let namespace = [namespace.as_os_str()];
        let words = namespace.iter().chain(words).copied();
        CommandLine::new(name, words.chain([command.as_os_str()]))
    };
    let run = [
        program.as_os_str(),
        "--lock".as_ref(),
        lock.as_os_str(),
        "run".as_ref(),
        "--".as_ref(),
    ];
    let lines = [
        line("true, as PID 1", &[]),
        line(START_AND_WAIT, &[floor.as_os_str()]),
        line(OURS, &run),
        // None of them takes a lock.
        line("tini", &[tini.as_os_str(), "--".as_ref()]),
        line("tini-static", &[tini_static.as_os_str(), "--".as_ref()]),
        line("dumb-init", &[dumb_init.as_os_str(), "--".as_ref()]),
    ];
    let mut samples = command_line::measure(&lines, settings)?;
    command_line::over_first(&mut samples);
    let title = "Start and end of a container's PID 1 with a command, over the command as PID 1";
    Ok(vec![
        Row::new("pid1", title, "ns", &samples).against(START_AND_WAIT, OURS),
    ])
}
