//! `defmt::Format` for the types that can't derive it.

use defmt::{Format, Formatter, write};

use crate::{Error, Identity, LockPath, NoteText, Request, SharedLock, UpdateLock, Waiter, Watch};

/// Not derived, as rustix's errnos have no format but `core::fmt`'s.
impl Format for Error {
    fn format(&self, formatter: Formatter<'_>) {
        match self {
            Self::Held(holder) => write!(formatter, "Held({})", holder),
            Self::System { operation, errno } => write!(
                formatter,
                "cannot {=str}: errno {=i32}",
                operation.as_str(),
                errno.raw_os_error()
            ),
            other => write!(formatter, "{=str}", other.as_str()),
        }
    }
}

impl Format for LockPath {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "{=[u8]:a}", self.as_bytes());
    }
}

impl Format for Identity {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "{=[u8]:a}", self.as_bytes());
    }
}

impl Format for SharedLock {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "SharedLock({})", self.path());
    }
}

impl Format for Waiter {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "Waiter({})", self.path());
    }
}

impl Format for Request<'_> {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "Request({})", self.path());
    }
}

impl Format for NoteText {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "{=[u8]:a}", self.as_bytes());
    }
}

impl Format for UpdateLock {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "UpdateLock({})", self.path());
    }
}

impl Format for Watch {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "Watch({})", self.path());
    }
}

#[cfg(feature = "supervisor")]
mod supervisor {
    use super::{Format, Formatter, write};
    use crate::{ApiError, Connection, Supervisor, TcpStream, Word, http};

    /// As [`Error`](crate::Error)'s.
    impl Format for ApiError {
        fn format(&self, formatter: Formatter<'_>) {
            match self {
                Self::Connect(errno) => write!(
                    formatter,
                    "{=str}: errno {=i32}",
                    self.as_str(),
                    errno.raw_os_error()
                ),
                Self::Status(status) => write!(formatter, "HTTP {=u16}", status),
                other => write!(formatter, "{=str}", other.as_str()),
            }
        }
    }

    /// Without the key.
    impl Format for Supervisor<'_> {
        fn format(&self, formatter: Formatter<'_>) {
            write!(formatter, "Supervisor({=[u8]:a})", self.host());
        }
    }

    impl<S> Format for Connection<'_, S> {
        fn format(&self, formatter: Formatter<'_>) {
            write!(formatter, "Connection");
        }
    }

    impl Format for TcpStream {
        fn format(&self, formatter: Formatter<'_>) {
            write!(formatter, "TcpStream");
        }
    }

    impl Format for Word {
        fn format(&self, formatter: Formatter<'_>) {
            write!(formatter, "{=[u8]:a}", self.as_bytes());
        }
    }

    /// Without the key.
    impl Format for http::Request<'_> {
        fn format(&self, formatter: Formatter<'_>) {
            write!(formatter, "{=str} {=str}", self.method, self.path);
        }
    }

    impl Format for http::Answer<'_> {
        fn format(&self, formatter: Formatter<'_>) {
            write!(formatter, "Answer({=?})", self.status());
        }
    }
}
