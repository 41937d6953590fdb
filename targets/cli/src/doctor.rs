//! `doctor`: would a lock protect anything here? Each check with its outcome and what to do.

use rustix::process::geteuid;
use update_lock::{Error, Location, Origin};
use update_lock_start::{Environment, Line, Text, is_synchronized, print, say, text};

use crate::options::Options;
use crate::{api, report, status};

/// As whom the Supervisor creates its own lock files.
const NOBODY: u32 = 65534;

/// Prints one line a check; exit code 0 if a lock would protect the app, else that of the first thing in its way.
pub(crate) fn doctor(options: &Options, environment: Environment) -> i32 {
    let location = crate::locate(options, environment);
    let location = match &location {
        Ok(location) => location,
        &Err(error) => {
            let mut line = Line::output();
            report::tell(line.text(text!("FAIL  location: ")), error);
            line.text(text!(
                "; on a device, set the service up as one of a fleet; elsewhere use --lock PATH"
            ))
            .end();
            return report::code(error);
        }
    };
    show_location(location);
    let checks = [
        check_mount(location),
        check_user(),
        check_directory(location),
        check_era(location),
        check_lock(location),
    ];
    check_supervisor(environment);
    let failed = checks.iter().find(|&&code| code != 0);
    failed.copied().unwrap_or(0)
}

fn show_location(location: &Location) {
    let template = match location.origin() {
        Origin::Explicit => text!("ok    location: %, from --lock"),
        Origin::UserVariable => text!("ok    location: %, from UPDATE_LOCK_PATH"),
        Origin::SupervisorVariable => text!("ok    location: %, from BALENA_APP_LOCK_PATH"),
        Origin::Version => text!("ok    location: %, from the Supervisor's version"),
        _ => text!("ok    location: %, from the directories that are there"),
    };
    print(template, location.path().as_bytes());
}

fn check_mount(location: &Location) -> i32 {
    if location.is_mount_point() {
        say(text!("ok    device: the directory is a mount point"));
        return 0;
    }
    if location.protects() {
        say(text!(
            "note  device: the directory is no mount point; the path was named by hand, so it is used all the same"
        ));
        return 0;
    }
    say(text!(
        "FAIL  device: the directory is no mount point: this is no balena device, and a lock would protect nothing; \
        on a device, see that the image doesn't bring the directory along"
    ));
    report::NO_LOCATION
}

fn check_user() -> i32 {
    let user = geteuid().as_raw();
    if user == NOBODY {
        report::describe(
            Line::output().text(text!("FAIL  user: ")),
            None,
            Error::Nobody,
        );
        return report::NOT_ALLOWED;
    }
    Line::output()
        .text(text!("ok    user: "))
        .number(user)
        .end();
    0
}

fn check_directory(location: &Location) -> i32 {
    match location.check_writable() {
        Ok(()) => {
            say(text!("ok    directory: it can be written"));
            0
        }
        Err(error) => fail(text!("FAIL  directory: "), location, error),
    }
}

fn fail(check: Text, location: &Location, error: Error) -> i32 {
    let mut line = Line::output();
    report::diagnose(line.text(check), Some(location.path()), error, text!(""));
    report::code(error)
}

fn check_era(location: &Location) -> i32 {
    if location.is_cleared_by_supervisor() {
        say(text!(
            "note  Supervisor: it is older than 4.0.0 and removes the lock whenever it starts; update the device's OS"
        ));
    } else if !location.stops_host_reboot() {
        say(text!(
            "note  Supervisor: the host looks only at files named updates.lock: its reboots aren't held back"
        ));
    }
    0
}

fn check_lock(location: &Location) -> i32 {
    match update_lock::status(location.path()) {
        Ok(Some(found)) if !found.goes_by_itself() => {
            fail(text!("FAIL  lock: "), location, Error::Held(found.holder))
        }
        Ok(found) => {
            let mut line = Line::output();
            status::describe(
                line.text(text!("ok    lock: ")),
                location.path(),
                found.as_ref(),
            );
            line.end();
            0
        }
        Err(error) => fail(text!("FAIL  lock: "), location, error),
    }
}

fn check_supervisor(environment: Environment) {
    let either = |new: &str, old: &str| {
        environment
            .get(new.as_bytes())
            .or_else(|| environment.get(old.as_bytes()))
    };
    match either("BALENA_SUPERVISOR_VERSION", "RESIN_SUPERVISOR_VERSION") {
        Some(version) => print(text!("ok    Supervisor: %"), version),
        None => say(text!(
            "note  Supervisor: its version isn't in the environment"
        )),
    }
    check_api(environment);
    if !is_synchronized() {
        say(text!(
            "note  clock: NTP hasn't set it, so no window opens; where NTP is blocked, --trust-clock opens them"
        ));
    }
}

fn check_api(environment: Environment) {
    let mut line = Line::output();
    match api::find(environment) {
        Ok(supervisor) => {
            // With the key, which a ping doesn't need.
            let outcome = supervisor.device();
            let mark = if outcome.is_ok() {
                text!("ok  ")
            } else {
                text!("note")
            };
            line.text(mark)
                .filled(text!("  API: http://%"), supervisor.host());
            match outcome {
                Ok(_) => line.text(text!(" answers, and accepts the key")).end(),
                Err(error) => api::describe(line.text(text!(": ")), error, text!("")),
            }
        }
        Err(error) => api::describe(line.text(text!("note  API: ")), error, text!("")),
    }
}
