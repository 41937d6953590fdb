//! Why a check has failed.

use core::panic::Location;

use rustix::io::Errno;
use rustix::process::geteuid;
use update_lock::Error;
use update_lock_start::Line;

/// What came out otherwise, and where in the source.
pub(crate) struct Failure {
    what: What,
    place: &'static Location<'static>,
}

enum What {
    Otherwise(&'static str),
    Root,
    Lock(Error),
    Kernel(Errno),
}

/// How a check ends.
pub(crate) type Outcome = Result<(), Failure>;

/// Fails where `fact` is false; `what` says what should have been.
#[track_caller]
pub(crate) fn ensure(fact: bool, what: &'static str) -> Outcome {
    if fact {
        Ok(())
    } else {
        Err(Failure::new(What::Otherwise(what)))
    }
}

/// Nothing fails where the check is only for root, and this is another user: it isn't done then, which is said.
pub(crate) fn need_root() -> Outcome {
    if geteuid().is_root() {
        Ok(())
    } else {
        Err(Failure::new(What::Root))
    }
}

impl Failure {
    /// Whether the check hasn't been done.
    pub(crate) fn is_lack_of_rights(&self) -> bool {
        matches!(self.what, What::Root)
    }

    #[track_caller]
    fn new(what: What) -> Self {
        Self {
            what,
            place: Location::caller(),
        }
    }

    /// Adds it to a line.
    pub(crate) fn tell(&self, line: &mut Line) {
        match self.what {
            What::Otherwise(what) => line.bytes(b"not so: ").bytes(what.as_bytes()),
            What::Root => line.bytes(b"only root can do that"),
            What::Lock(error) => {
                line.bytes(error.as_str().as_bytes());
                match error.errno() {
                    Some(errno) => line.bytes(b": errno ").number(errno.raw_os_error() as u32),
                    None => line,
                }
            }
            What::Kernel(errno) => line.bytes(b"errno ").number(errno.raw_os_error() as u32),
        };
        line.bytes(b" (").bytes(self.place.file().as_bytes());
        line.bytes(b":").number(self.place.line()).bytes(b")");
    }
}

impl From<Error> for Failure {
    #[track_caller]
    fn from(error: Error) -> Self {
        Self::new(What::Lock(error))
    }
}

impl From<Errno> for Failure {
    #[track_caller]
    fn from(errno: Errno) -> Self {
        Self::new(What::Kernel(errno))
    }
}
