//! `status`: who holds the lock.

use update_lock::{Holder, LockPath, Status, status as look};
use update_lock_start::{Environment, Line, Text, text};

use crate::options::{Key, Options};
use crate::report::{self, report};

/// Prints who holds the lock; exit code 0 if nobody does, 75 if somebody does.
pub(crate) fn status(options: &Options, environment: Environment) -> i32 {
    let location = crate::locate(options, environment);
    let location = match &location {
        Ok(location) => location,
        Err(error) => return crate::report_location(options, environment, *error),
    };
    let path = location.path();
    let status = match look(path) {
        Ok(status) => status,
        Err(error) => return report(Some(path), error),
    };
    if options.has(Key::Json) {
        print_json(path, status.as_ref());
    } else {
        print_text(path, status.as_ref());
    }
    status.map_or(0, |_| report::HELD)
}

fn print_text(path: &LockPath, status: Option<&Status>) {
    let mut line = Line::output();
    describe(&mut line, path, status);
    line.end();
}

/// Adds the path and who holds it.
pub(crate) fn describe(line: &mut Line, path: &LockPath, status: Option<&Status>) {
    line.filled(text!("%: "), path.as_bytes());
    let Some(status) = status else {
        line.text("free");
        return;
    };
    line.text(report::holder(status.holder));
    if status.is_kept {
        line.text(text!(" ('update-lock release' ends that)"));
    }
    match status.holder {
        Holder::Foreign { uid } => line.text(text!(", of user ")).number(uid),
        Holder::Stale if status.is_adoptable => line.text(text!(", the next start takes it over")),
        Holder::Stale => line.text(text!(", its user or root can take it over")),
        _ => line,
    };
    add_note(line, path, status, ", ", " ", text!(" %"));
}

/// What a note may say, but for the pid, which is a number.
const NAMES: [&str; 3] = ["program", "since", "reason"];

/// Adds what the note says: each part with something before its name, between the two, or as the value's template says.
fn add_note(
    line: &mut Line,
    path: &LockPath,
    status: &Status,
    before: &'static str,
    number: &'static str,
    value: Text,
) {
    let Ok(note) = &status.note(path) else {
        return;
    };
    if let Some(pid) = note.pid() {
        line.text(before).text("pid").text(number).number(pid);
    }
    for name in &NAMES {
        if let Some(said) = note.value(name) {
            line.text(before).text(*name).filled(value, said);
        }
    }
}

fn print_json(path: &LockPath, status: Option<&Status>) {
    let mut line = Line::output();
    line.filled(text!("{\"path\":\"%\",\"state\":\""), path.as_bytes());
    let Some(status) = status else {
        line.text(text!("free\",\"adoptable\":false}")).end();
        return;
    };
    let (state, holder) = match status.holder {
        Holder::Supervisor => ("held", "supervisor"),
        Holder::App => ("held", "app"),
        Holder::Stale => ("stale", "app"),
        _ => ("held", "foreign"),
    };
    line.text(state)
        .text(text!("\",\"holder\":\""))
        .text(holder);
    line.text(text!("\",\"adoptable\":"));
    line.text(if status.is_adoptable { "true" } else { "false" });
    if status.is_kept {
        line.text(text!(",\"kept\":true"));
    }
    if let Holder::Foreign { uid } = status.holder {
        line.text(",\"uid\":").number(uid);
    }
    add_note(&mut line, path, status, ",\"", "\":", text!("\":\"%\""));
    line.text("}").end();
}
