//! A TCP connection that is over at its deadline, whatever the other side does.

use core::fmt;
use core::net::SocketAddr;

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use rustix::event::PollFlags;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, connect, recv, send, socket_with,
};

use crate::stopwatch::Stopwatch;
use crate::{ApiError, Errno};

/// A TCP connection, with one deadline for all that is done with it. No signal ends or stretches its calls, and it
/// never raises `SIGPIPE`.
pub struct TcpStream {
    socket: OwnedFd,
    stopwatch: Stopwatch,
    timeout_ms: u64,
}

impl TcpStream {
    /// Connects to `address`. Connecting, writing and reading have `timeout_ms` milliseconds, all together.
    ///
    /// # Errors
    ///
    /// - [`ApiError::Connect`]: nobody listens there, or there is no way to it.
    /// - [`ApiError::TimedOut`]: it didn't answer in time.
    pub fn connect(address: SocketAddr, timeout_ms: u64) -> Result<Self, ApiError> {
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket =
            socket_with(family, SocketType::STREAM, flags, None).map_err(ApiError::Connect)?;
        let mut stream = Self {
            socket,
            stopwatch: Stopwatch::start(),
            timeout_ms,
        };
        // Asked again, `connect(2)` says what has become of the first call.
        while let Err(errno) = connect(&stream.socket, &address) {
            match errno {
                Errno::ISCONN => break,
                _ => stream.wait(errno, PollFlags::OUT, ApiError::Connect)?,
            }
        }
        Ok(stream)
    }

    /// After a call that failed with `errno`: waits until the socket is as `flags` say, if that was all that it lacked.
    fn wait(
        &mut self,
        errno: Errno,
        flags: PollFlags,
        error: fn(Errno) -> ApiError,
    ) -> Result<(), ApiError> {
        match errno {
            Errno::AGAIN | Errno::INTR | Errno::INPROGRESS | Errno::ALREADY => {}
            errno => return Err(error(errno)),
        }
        let left = self.left()?;
        self.stopwatch
            .poll_for(flags, Some(self.socket.as_fd()), left);
        Ok(())
    }

    /// How many milliseconds are left.
    fn left(&self) -> Result<u64, ApiError> {
        match self.timeout_ms.saturating_sub(self.stopwatch.elapsed()) {
            0 => Err(ApiError::TimedOut),
            left => Ok(left),
        }
    }
}

impl ErrorType for TcpStream {
    type Error = ApiError;
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ApiError> {
        // Not only before it waits: who always has something to send must come to an end too.
        self.left()?;
        loop {
            match recv(&self.socket, &mut *buffer, RecvFlags::empty()) {
                Ok((count, _)) => return Ok(count),
                Err(errno) => self.wait(errno, PollFlags::IN, read_error)?,
            }
        }
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ApiError> {
        loop {
            match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(count) => return Ok(count),
                Err(errno) => self.wait(errno, PollFlags::OUT, write_error)?,
            }
        }
    }

    fn flush(&mut self) -> Result<(), ApiError> {
        Ok(())
    }
}

impl AsFd for TcpStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TcpStream")
    }
}

fn read_error(errno: Errno) -> ApiError {
    ApiError::Read(kind(errno))
}

fn write_error(errno: Errno) -> ApiError {
    ApiError::Write(kind(errno))
}

/// What ends a connection that had been made.
fn kind(errno: Errno) -> ErrorKind {
    match errno {
        Errno::CONNRESET => ErrorKind::ConnectionReset,
        Errno::PIPE => ErrorKind::BrokenPipe,
        Errno::TIMEDOUT => ErrorKind::TimedOut,
        _ => ErrorKind::Other,
    }
}
