//! Where the lock is: what the environment, the Supervisor's version or the directories say.

use core::ffi::CStr;

use crate::location::Origin;
use crate::{Error, decimal, inode};

/// The three eras of the path, the newest first.
///
/// `/tmp/balena` and `/tmp/resin` are one directory of the host, mounted twice.
const ERAS: [Era; 3] = [
    Era {
        since: (7, 22),
        directory: c"/tmp/balena/",
        name: b"updates.lock",
    },
    Era {
        since: (4, 0),
        directory: c"/tmp/resin/",
        name: OLD_NAME,
    },
    Era {
        since: (0, 0),
        directory: OLDEST_DIRECTORY,
        name: OLD_NAME,
    },
];

pub(crate) const OLD_NAME: &[u8] = b"resin-updates.lock";
pub(crate) const OLDEST_DIRECTORY: &CStr = c"/data/";

struct Era {
    /// The first Supervisor that looks there: major and minor version.
    since: (u32, u32),
    directory: &'static CStr,
    name: &'static [u8],
}

impl Era {
    fn place(&self, origin: Origin) -> Place<'static> {
        Place {
            head: self.directory.to_bytes(),
            tail: self.name,
            origin,
        }
    }
}

/// A lock's path in two pieces, where they are anyway, and how it was found.
pub(crate) struct Place<'e> {
    pub(crate) head: &'e [u8],
    pub(crate) tail: &'e [u8],
    pub(crate) origin: Origin,
}

impl<'e> Place<'e> {
    /// As [`Location::find`](crate::Location::find); what a variable says may be no path.
    pub(crate) fn find(variable: impl Fn(&'static str) -> Option<&'e [u8]>) -> Result<Self, Error> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(path) = set("UPDATE_LOCK_PATH") {
            return Ok(Self::named(path, Origin::UserVariable));
        }
        if let Some(path) = set("BALENA_APP_LOCK_PATH").or_else(|| set("RESIN_APP_LOCK_PATH")) {
            return Ok(Self::named(path, Origin::SupervisorVariable));
        }
        let version = set("BALENA_SUPERVISOR_VERSION").or_else(|| set("RESIN_SUPERVISOR_VERSION"));
        match version.and_then(parse_version) {
            Some(version) => of_version(version),
            None => of_directories(),
        }
    }

    fn named(path: &'e [u8], origin: Origin) -> Self {
        Self {
            head: path,
            tail: b"",
            origin,
        }
    }
}

fn of_version(version: (u32, u32)) -> Result<Place<'static>, Error> {
    let era = ERAS.iter().find(|era| version >= era.since);
    Ok(era.ok_or(Error::NoLocation)?.place(Origin::Version))
}

fn of_directories() -> Result<Place<'static>, Error> {
    let mut plain = None;
    for era in &ERAS {
        match inode::is_mount_point(era.directory) {
            Some(true) => return Ok(era.place(Origin::Directory)),
            // A plain `/data` is anybody's.
            Some(false) if era.directory != OLDEST_DIRECTORY => plain = plain.or(Some(era)),
            _ => {}
        }
    }
    Ok(plain.ok_or(Error::NoLocation)?.place(Origin::Directory))
}

/// Major and minor version of `v7.22.0-rc1+build`, whatever follows them.
fn parse_version(text: &[u8]) -> Option<(u32, u32)> {
    let text = text.strip_prefix(b"v").unwrap_or(text);
    let mut numbers = text
        .split(|byte| !byte.is_ascii_digit())
        .map(decimal::parse);
    let major = numbers.next()??;
    Some((major, numbers.next().flatten().unwrap_or(0)))
}
