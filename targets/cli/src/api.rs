//! The Supervisor's API, as the commands use it.

use embedded_io::ErrorKind;
use update_lock::{ApiError, Supervisor, Update, UpdateReply};
use update_lock_start::{Child, Environment, Line, Text, complain, exit, fork, say, text};

use crate::options::{Key, Options};
use crate::report;

/// How long a call may take.
const TIMEOUT_MS: u64 = 5000;

/// The API, if the service has access to it.
pub(crate) fn find(environment: Environment) -> Result<Supervisor<'static>, ApiError> {
    let supervisor = Supervisor::find(|name| environment.get(name.as_bytes()))?;
    Ok(supervisor.with_timeout(TIMEOUT_MS))
}

/// Whether the service has access to it, as its label says.
pub(crate) fn is_there(environment: Environment) -> bool {
    !matches!(find(environment), Err(ApiError::NoAddress))
}

/// `update`: asks the Supervisor to look for an update.
pub(crate) fn update(options: &Options, environment: Environment) -> i32 {
    let update = Update {
        force: options.has(Key::Force),
        cancel: options.has(Key::Cancel),
    };
    match ask(update, environment) {
        Ok(UpdateReply::Looks) => {
            say(text!("the Supervisor looks for an update now"));
            0
        }
        Ok(_) => {
            complain(
                text!("instant updates are off on this device: ignored; --force asks all the same"),
                b"",
            );
            report::HELD
        }
        Err(error) => report_error(error),
    }
}

/// Has the Supervisor find out that a lock is free now, which else it would only after up to a quarter of an hour. Says why
/// that can't be.
pub(crate) fn tell(environment: Environment) {
    if let Err(error) = ask(Update::default(), environment) {
        report_error(error);
    }
}

/// The same, if the API is there at all; in a process beside this one, which has other things to do than to wait.
pub(crate) fn tell_beside(environment: Environment) {
    if is_there(environment)
        && let Ok(Child::Me) = fork()
    {
        tell(environment);
        exit(0);
    }
}

fn ask(update: Update, environment: Environment) -> Result<UpdateReply, ApiError> {
    find(environment)?.update(update)
}

fn report_error(error: ApiError) -> i32 {
    describe(&mut Line::error(), error, report::ASK_DOCTOR);
    match error {
        ApiError::NoAddress => report::NO_LOCATION,
        ApiError::InvalidAddress | ApiError::InvalidKey => report::USAGE,
        ApiError::Status(401 | 403) => report::NOT_ALLOWED,
        ApiError::Status(423) => report::HELD,
        _ => report::IO,
    }
}

/// Ends a line with what went wrong, why, and what to do, or `otherwise` where that isn't known.
pub(crate) fn describe(line: &mut Line, error: ApiError, otherwise: Text) {
    line.text(what(error));
    match (error.reason(), error.errno(), error.status()) {
        (Some(reason), _, _) => line.text(text!(": ")).bytes(reason.as_bytes()),
        (None, Some(errno), _) => line
            .text(text!(": errno "))
            .number(errno.raw_os_error() as u32),
        (None, None, Some(status)) => line.text(text!(": HTTP ")).number(status.into()),
        _ => line,
    };
    match remedy(error) {
        Some(remedy) => line.text(text!("; ")).text(remedy),
        None => line.text(otherwise),
    };
    line.end();
}

fn what(error: ApiError) -> Text {
    macro_rules! texts {
        ($($error:expr, $pattern:pat)*) => {
            match error {
                $($pattern => text!({ const ERROR: ApiError = $error; ERROR.as_str() }),)*
                _ => text!(ApiError::NotUnderstood.as_str()),
            }
        };
    }
    use ApiError::*;
    texts! {
        NoAddress, NoAddress
        InvalidAddress, InvalidAddress
        InvalidKey, InvalidKey
        Connect(update_lock::Errno::IO), Connect(_)
        TimedOut, TimedOut
        Write(ErrorKind::Other), Write(_)
        Read(ErrorKind::Other), Read(_)
        CutOff, CutOff
        NotHttp, NotHttp
        TooLong, TooLong
        Status(300), Status(300..=399)
        Status(401), Status(401)
        Status(404), Status(404)
        Status(423), Status(423)
        Status(500), Status(_)
    }
}

fn remedy(error: ApiError) -> Option<Text> {
    Some(match error {
        ApiError::NoAddress => {
            text!("give the service the label io.balena.features.supervisor-api: '1'")
        }
        ApiError::InvalidAddress => text!("see BALENA_SUPERVISOR_ADDRESS"),
        ApiError::InvalidKey => text!("see BALENA_SUPERVISOR_API_KEY"),
        ApiError::Status(423) => text!("--force overrides it"),
        ApiError::Status(401 | 403) => text!("restart the service: it gets a new key"),
        _ => return None,
    })
}
