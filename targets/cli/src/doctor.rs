//! `doctor`: would a lock protect anything here? Each check with its outcome and what to do.

use rustix::process::geteuid;
use update_lock::{Error, Location, Origin};
use update_lock_start::{Environment, Line};

use crate::options::Options;
use crate::{report, status};

/// As whom the Supervisor creates its own lock files.
const NOBODY: u32 = 65534;

/// Prints one line a check; exit code 0 if a lock would protect the app, else that of the first thing in its way.
pub(crate) fn doctor(options: &Options, environment: Environment) -> i32 {
    let location = match crate::locate(options, environment) {
        Ok(location) => location,
        Err(error) => {
            fail("location").text(error.as_str())
                .text("; on a device, set the service up as one of a fleet; elsewhere use --lock PATH")
                .end();
            return report::code(error);
        }
    };
    show_location(&location);
    let checks = [
        check_mount(&location),
        check_user(),
        check_directory(&location),
        check_era(&location),
        check_lock(&location),
    ];
    check_supervisor(environment);
    checks.into_iter().find(|&code| code != 0).unwrap_or(0)
}

/// Begins a line: the outcome, and what was looked at.
fn begin(outcome: &str, check: &str) -> Line {
    let mut line = Line::output();
    line.text(outcome).text(check).text(": ");
    line
}

fn good(check: &str) -> Line {
    begin("ok    ", check)
}

fn note(check: &str) -> Line {
    begin("note  ", check)
}

fn fail(check: &str) -> Line {
    begin("FAIL  ", check)
}

fn show_location(location: &Location) {
    let origin = match location.origin() {
        Origin::Explicit => "--lock",
        Origin::UserVariable => "UPDATE_LOCK_PATH",
        Origin::SupervisorVariable => "BALENA_APP_LOCK_PATH",
        Origin::Version => "the Supervisor's version",
        _ => "the directories that are there",
    };
    good("location")
        .escaped(location.path().as_bytes())
        .text(", from ")
        .text(origin)
        .end();
}

fn check_mount(location: &Location) -> i32 {
    if location.is_mount_point() {
        good("device").text("the directory is a mount point").end();
        return 0;
    }
    if location.protects() {
        note("device")
            .text("the directory is no mount point; the path was named by hand, so it is used all the same")
            .end();
        return 0;
    }
    fail("device").text("the directory is no mount point: this is no balena device, and a lock would protect nothing")
        .text("; on a device, see that the image doesn't bring the directory along")
        .end();
    report::NO_LOCATION
}

fn check_user() -> i32 {
    let user = geteuid().as_raw();
    if user == NOBODY {
        fail("user")
            .text(Error::Nobody.as_str())
            .text("; run as another user")
            .end();
        return report::NOT_ALLOWED;
    }
    good("user").number(user).end();
    0
}

fn check_directory(location: &Location) -> i32 {
    match location.check_writable() {
        Ok(()) => {
            good("directory").text("it can be written").end();
            0
        }
        Err(error) => {
            report::describe(&mut fail("directory"), Some(location.path()), error);
            report::code(error)
        }
    }
}

fn check_era(location: &Location) -> i32 {
    if location.is_cleared_by_supervisor() {
        note("Supervisor")
            .text("it is older than 4.0.0 and removes the lock whenever it starts; update the device's OS")
            .end();
    } else if !location.stops_host_reboot() {
        note("Supervisor")
            .text("the host looks only at files named updates.lock: its reboots aren't held back")
            .end();
    }
    0
}

fn check_lock(location: &Location) -> i32 {
    match update_lock::status(location.path()) {
        Ok(Some(found)) if !found.goes_by_itself() => {
            let error = Error::Held(found.holder);
            report::describe(&mut fail("lock"), Some(location.path()), error);
            report::code(error)
        }
        Ok(found) => {
            let mut line = good("lock");
            status::describe(&mut line, location.path(), found.as_ref());
            line.end();
            0
        }
        Err(error) => {
            report::describe(&mut fail("lock"), Some(location.path()), error);
            report::code(error)
        }
    }
}

fn check_supervisor(environment: Environment) {
    let either = |new, old| environment.get(new).or_else(|| environment.get(old));
    match either("BALENA_SUPERVISOR_VERSION", "RESIN_SUPERVISOR_VERSION") {
        Some(version) => good("Supervisor").escaped(version).end(),
        None => note("Supervisor")
            .text("its version isn't in the environment")
            .end(),
    }
    match either("BALENA_SUPERVISOR_ADDRESS", "RESIN_SUPERVISOR_ADDRESS") {
        Some(address) => good("API").escaped(address).end(),
        None => note("API")
            .text(
                "not available; give the service the label io.balena.features.supervisor-api: '1'",
            )
            .end(),
    }
}
