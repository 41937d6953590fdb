//! What can go wrong with the Supervisor's API. Never with the API key in it.

use core::fmt;

use embedded_io::ErrorKind;

use crate::Errno;

/// Why the Supervisor could not be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ApiError {
    /// The environment names no Supervisor: the service lacks the label `io.balena.features.supervisor-api`.
    NoAddress,
    /// The address isn't `http://IP:PORT`, the IP a literal.
    InvalidAddress,
    /// The API key has a byte in it that has no place in a URL, or more than 128 bytes.
    InvalidKey,
    /// The connection could not be made.
    Connect(Errno),
    /// The time was over before the answer was there.
    TimedOut,
    /// The request could not be sent.
    Write(ErrorKind),
    /// The answer could not be read.
    Read(ErrorKind),
    /// The answer ended too early.
    CutOff,
    /// The answer isn't HTTP/1.
    NotHttp,
    /// The answer exceeds [`ANSWER_CAPACITY`](crate::ANSWER_CAPACITY).
    TooLong,
    /// An answer of this status code, which isn't a success.
    Status(u16),
    /// The answer's body isn't what the API promises.
    NotUnderstood,
}

impl ApiError {
    /// What happened, in a few words, without [`core::fmt`].
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NoAddress => "no BALENA_SUPERVISOR_ADDRESS in the environment",
            Self::InvalidAddress => "the Supervisor's address is not http://IP:PORT",
            Self::InvalidKey => "the API key is too long or has other than letters and digits",
            Self::Connect(_) => "cannot connect to the Supervisor",
            Self::TimedOut => "the Supervisor did not answer in time",
            Self::Write(_) => "cannot send to the Supervisor",
            Self::Read(_) => "cannot read the Supervisor's answer",
            Self::CutOff => "the Supervisor's answer was cut off",
            Self::NotHttp => "the Supervisor's answer is not HTTP",
            Self::TooLong => "the Supervisor's answer is too long",
            Self::Status(401) => "the Supervisor does not accept the API key",
            Self::Status(404) => "the Supervisor is too old for that",
            Self::Status(423) => "the Supervisor finds an update lock",
            Self::Status(300..=399) => "the Supervisor's address answers with a redirect",
            Self::Status(_) => "the Supervisor refused",
            Self::NotUnderstood => "the Supervisor's answer is not understood",
        }
    }

    /// Why the connection could not be made, in a few words; for the errors that are to be expected, else `None`.
    #[must_use]
    pub const fn reason(&self) -> Option<&'static str> {
        let Self::Connect(errno) = self else {
            return None;
        };
        Some(match *errno {
            Errno::CONNREFUSED => "connection refused",
            Errno::HOSTUNREACH | Errno::NETUNREACH => "no route",
            Errno::ACCESS | Errno::PERM => "not permitted",
            Errno::MFILE | Errno::NFILE => "too many open files",
            _ => return None,
        })
    }

    /// The errno of a connection that could not be made.
    #[must_use]
    pub const fn errno(&self) -> Option<Errno> {
        match self {
            Self::Connect(errno) => Some(*errno),
            _ => None,
        }
    }

    /// The status code of an answer that isn't a success.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Status(status) => Some(*status),
            _ => None,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::Connect(errno) => match self.reason() {
                Some(reason) => write!(f, ": {reason}"),
                None => write!(f, ": errno {}", errno.raw_os_error()),
            },
            Self::Write(kind) | Self::Read(kind) => write!(f, ": {kind}"),
            Self::Status(status) => write!(f, " (HTTP status {status})"),
            _ => Ok(()),
        }
    }
}

impl core::error::Error for ApiError {}

impl embedded_io::Error for ApiError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoAddress | Self::Status(404) => ErrorKind::NotFound,
            Self::InvalidAddress | Self::InvalidKey => ErrorKind::InvalidInput,
            Self::Connect(Errno::CONNREFUSED) => ErrorKind::ConnectionRefused,
            Self::Connect(Errno::ACCESS | Errno::PERM) => ErrorKind::PermissionDenied,
            Self::TimedOut => ErrorKind::TimedOut,
            Self::Write(kind) | Self::Read(kind) => *kind,
            Self::CutOff => ErrorKind::ConnectionAborted,
            Self::NotHttp | Self::TooLong | Self::NotUnderstood => ErrorKind::InvalidData,
            Self::Status(401 | 403) => ErrorKind::PermissionDenied,
            _ => ErrorKind::Other,
        }
    }
}
