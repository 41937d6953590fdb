//! Errors as people and scripts see them: one line, and an exit code.

use update_lock::{Errno, Error, Holder, Location, LockPath, Operation};
use update_lock_start::{Line, Text, complain, complain_number, text};

/// `EX_USAGE` of `sysexits.h`: the command line can't be understood.
pub(crate) const USAGE: i32 = 64;
/// `EX_UNAVAILABLE`: there is no lock location here.
pub(crate) const NO_LOCATION: i32 = 69;
/// `EX_CANTCREAT`: the lock file exists, says `lockfile`.
pub(crate) const EXISTS: i32 = 73;
/// `EX_IOERR`: a system call failed.
pub(crate) const IO: i32 = 74;
/// `EX_TEMPFAIL`: somebody holds the lock.
pub(crate) const HELD: i32 = 75;
/// `EX_NOPERM`: not allowed.
pub(crate) const NOT_ALLOWED: i32 = 77;

/// The exit code for an error.
pub(crate) fn code(error: Error) -> i32 {
    match error {
        Error::Held(_) | Error::GivingWay => HELD,
        Error::Nobody => NOT_ALLOWED,
        Error::PathTooLong | Error::InvalidPath => USAGE,
        Error::NoLocation => NO_LOCATION,
        error => match error.errno() {
            Some(Errno::NOENT | Errno::NOTDIR) => NO_LOCATION,
            Some(Errno::ACCESS | Errno::PERM) => NOT_ALLOWED,
            _ => IO,
        },
    }
}

/// Says what failed, on which path, why, and what to do.
pub(crate) fn report(path: Option<&LockPath>, error: Error) -> i32 {
    describe(&mut Line::error(), path, error);
    code(error)
}

/// A keeper that is asked to release takes much longer than it should.
pub(crate) fn say_is_slow(path: &LockPath) {
    complain(
        text!("%: waiting for its keeper; is that stopped?"),
        path.as_bytes(),
    );
}

/// As [`report`], of a lock that was waited for: that is over.
pub(crate) fn give_up(path: &LockPath, error: Error) -> i32 {
    let mut line = Line::error();
    if let Error::Held(_) | Error::GivingWay = error {
        line.text(text!("gave up: "));
    }
    describe(&mut line, Some(path), error);
    code(error)
}

/// Says that no process could be started.
pub(crate) fn report_fork(errno: Errno) -> i32 {
    complain_number(
        text!(
            "cannot start a process: errno %; too many processes or open files, or too little memory"
        ),
        errno.raw_os_error() as u32,
    );
    IO
}

/// Ends a line with all that.
pub(crate) fn describe(line: &mut Line, path: Option<&LockPath>, error: Error) {
    diagnose(line, path, error, ASK_DOCTOR);
}

/// What to do where nothing better is known.
pub(crate) const ASK_DOCTOR: Text = text!("; 'update-lock doctor' looks at it closer");

/// Ends a line with all that, or with `otherwise` where it isn't known what to do.
pub(crate) fn diagnose(line: &mut Line, path: Option<&LockPath>, error: Error, otherwise: Text) {
    if let Some(path) = path {
        line.filled(text!("%: "), path.as_bytes());
    }
    tell(line, error);
    match remedy(error) {
        Some(remedy) => line.text(text!("; ")).text(remedy),
        None => line.text(otherwise),
    };
    line.end();
}

/// The error of a lock whose directory isn't there.
pub(crate) fn missing(location: &Location) -> Option<Error> {
    let error = location.check_writable().err()?;
    (code(error) == NO_LOCATION).then_some(error)
}

/// Adds what failed, and why.
pub(crate) fn tell(line: &mut Line, error: Error) {
    match error {
        Error::System { operation, errno } => {
            line.text(text!("cannot "))
                .text(step(operation))
                .text(text!(": "));
            match reason(errno) {
                Some(reason) => line.text(reason),
                None => line
                    .text(text!("errno "))
                    .number(errno.raw_os_error() as u32),
            }
        }
        Error::Held(Holder::Foreign { uid }) => line
            .text(text!(FOREIGN.as_str()))
            .text(text!(", of user "))
            .number(uid),
        Error::Held(found) => line.text(holder(found)),
        Error::Nobody => line.text(text!(Error::Nobody.as_str())),
        Error::NoLocation => line.text(text!(Error::NoLocation.as_str())),
        Error::GivingWay => line.text(text!(Error::GivingWay.as_str())),
        Error::PathTooLong => line.text(text!(Error::PathTooLong.as_str())),
        _ => line.text(text!(Error::InvalidPath.as_str())),
    };
}

// The library's words, packed.

const FOREIGN: Holder = Holder::Foreign { uid: 0 };

#[inline(never)]
pub(crate) fn holder(holder: Holder) -> Text {
    match holder {
        Holder::Supervisor => text!(Holder::Supervisor.as_str()),
        Holder::App => text!(Holder::App.as_str()),
        Holder::Stale => text!(Holder::Stale.as_str()),
        _ => text!(FOREIGN.as_str()),
    }
}

fn step(operation: Operation) -> Text {
    match operation {
        Operation::Create => text!(Operation::Create.as_str()),
        Operation::Open => text!(Operation::Open.as_str()),
        Operation::Lock => text!(Operation::Lock.as_str()),
        Operation::Stat => text!(Operation::Stat.as_str()),
        Operation::Mark => text!(Operation::Mark.as_str()),
        Operation::Remove => text!(Operation::Remove.as_str()),
        Operation::Read => text!(Operation::Read.as_str()),
        _ => text!(Operation::Write.as_str()),
    }
}

fn reason(errno: Errno) -> Option<Text> {
    const fn of(errno: Errno) -> &'static str {
        let operation = Operation::Open;
        match (Error::System { operation, errno }).reason() {
            Some(reason) => reason,
            None => panic!("the library has no words for it"),
        }
    }
    macro_rules! reasons {
        ($($name:ident)*) => {
            match errno {
                $(Errno::$name => text!(of(Errno::$name)),)*
                _ => return None,
            }
        };
    }
    Some(
        reasons!(ACCESS PERM NOENT NOTDIR ROFS NOSPC NAMETOOLONG LOOP MFILE NFILE NOMEM NOLCK IO NOTEMPTY),
    )
}

/// What a person can do about it.
fn remedy(error: Error) -> Option<Text> {
    Some(match error {
        Error::Held(Holder::Supervisor) | Error::GivingWay => text!("it goes by itself"),
        Error::Held(Holder::App) => text!("'update-lock status' says who"),
        Error::Held(Holder::Stale) => text!("run as its user or as root to take it over"),
        Error::Held(_) => text!("'update-lock release --force' removes it if nothing needs it"),
        Error::Nobody => text!("run as another user"),
        Error::NoLocation => text!("name a file with --lock PATH"),
        Error::PathTooLong | Error::InvalidPath => text!("name another file"),
        error => match error.errno()? {
            Errno::NOENT | Errno::NOTDIR => text!("make its directory, or name another file"),
            Errno::ACCESS | Errno::PERM => {
                text!("run as root, or let this user write its directory")
            }
            Errno::ROFS => text!("mount it for writing, or name another file"),
            Errno::NOSPC => text!("make room there"),
            Errno::NOTEMPTY => text!("empty it first"),
            Errno::NAMETOOLONG => text!("name another file"),
            Errno::MFILE | Errno::NFILE => text!("raise the limit (ulimit -n)"),
            _ => return None,
        },
    })
}
