//! `status`: who holds the lock.

use update_lock::{ApiError, Holder, Location, LockPath, Status, status as look};
use update_lock_start::{Environment, Line, Text, text};

use crate::api;
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
        print_json(path, status.as_ref(), environment);
    } else {
        print_text(location, status.as_ref());
    }
    status.map_or(0, |_| report::HELD)
}

fn print_text(location: &Location, status: Option<&Status>) {
    let mut line = Line::output();
    describe(&mut line, location.path(), status);
    if status.is_none() && report::missing(location).is_some() {
        line.text(text!("; its directory isn't there"));
    }
    line.end();
}

/// Adds the path and who holds it.
pub(crate) fn describe(line: &mut Line, path: &LockPath, status: Option<&Status>) {
    line.filled(text!("%: "), path.as_bytes());
    let Some(status) = status else {
        line.text(text!("free"));
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
    add_note(line, path, status, text!(", "), text!(" "), text!(" %"));
}

/// What a note may say, but for the pid, which is a number.
const NAMES: [&str; 3] = ["program", "since", "reason"];

/// Adds what the note says: each part with something before its name, between the two, or as the value's template says.
fn add_note(
    line: &mut Line,
    path: &LockPath,
    status: &Status,
    before: Text,
    number: Text,
    value: Text,
) {
    let Ok(note) = &status.note(path) else {
        return;
    };
    if let Some(pid) = note.pid() {
        line.text(before)
            .text(text!("pid"))
            .text(number)
            .number(pid);
    }
    for name in &NAMES {
        if let Some(said) = note.value(name) {
            line.text(before).bytes(name.as_bytes()).filled(value, said);
        }
    }
}

fn print_json(path: &LockPath, status: Option<&Status>, environment: Environment) {
    let mut line = Line::output();
    line.filled(text!("{\"path\":\"%\","), path.as_bytes());
    match status {
        Some(status) => {
            add_holder(&mut line, status.holder);
            line.text(text!(",\"adoptable\":"));
            line.text(boolean(status.is_adoptable));
            if status.is_kept {
                line.text(text!(",\"kept\":true"));
            }
            add_note(
                &mut line,
                path,
                status,
                text!(",\""),
                text!("\":"),
                text!("\":\"%\""),
            );
        }
        None => _ = line.text(text!("\"state\":\"free\",\"adoptable\":false")),
    }
    add_update(&mut line, environment);
    line.text(text!("}")).end();
}

/// Adds who holds a lock, as members of a JSON object.
pub(crate) fn add_holder(line: &mut Line, holder: Holder) {
    let (state, name) = match holder {
        Holder::Supervisor => (text!("held"), text!("supervisor")),
        Holder::App => (text!("held"), text!("app")),
        Holder::Stale => (text!("stale"), text!("app")),
        _ => (text!("held"), text!("foreign")),
    };
    line.text(text!("\"state\":\"")).text(state);
    line.text(text!("\",\"holder\":\""))
        .text(name)
        .text(text!("\""));
    if let Holder::Foreign { uid } = holder {
        line.text(text!(",\"uid\":")).number(uid);
    }
}

fn boolean(value: bool) -> Text {
    if value { text!("true") } else { text!("false") }
}

/// Adds what the Supervisor says about updates, where its API is; `null` where it can't be asked.
fn add_update(line: &mut Line, environment: Environment) {
    let device = match api::find(environment).and_then(|supervisor| supervisor.device()) {
        Ok(device) => device,
        Err(ApiError::NoAddress) => return,
        Err(error) => {
            api::describe(&mut Line::error(), error, report::ASK_DOCTOR);
            line.text(text!(",\"update\":null"));
            return;
        }
    };
    line.text(text!(",\"update\":{\"status\":\""));
    let status = device.status.unwrap_or_default();
    line.bytes(status.as_bytes()).text(text!("\""));
    for &(name, flag) in &[
        (text!("pending"), device.update_pending),
        (text!("downloaded"), device.update_downloaded),
        (text!("failed"), device.update_failed),
    ] {
        line.text(text!(",\"")).text(name).text(text!("\":"));
        line.text(flag.map_or(text!("null"), boolean));
    }
    line.text(text!("}"));
}
