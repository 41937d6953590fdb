//! A TCP connection that is over at its deadline, whatever the other side does.

use core::fmt;
use core::net::SocketAddr;

use embedded_io::{ErrorType, Read, Write};
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
        match stream.repeat(PollFlags::OUT, |socket| connect(socket, &address))? {
            Ok(()) | Err(Errno::ISCONN) => Ok(stream),
            Err(errno) => Err(ApiError::Connect(errno)),
        }
    }

    /// Makes a call that doesn't block until it has an outcome; between two calls it waits until the socket is as `flags`
    /// say.
    fn repeat<T>(
        &mut self,
        flags: PollFlags,
        mut call: impl FnMut(BorrowedFd<'_>) -> Result<T, Errno>,
    ) -> Result<Result<T, Errno>, ApiError> {
        loop {
            let left = self.timeout_ms.saturating_sub(self.stopwatch.elapsed());
            if left == 0 {
                return Err(ApiError::TimedOut);
            }
            let socket = self.socket.as_fd();
            match call(socket) {
                Err(Errno::AGAIN | Errno::INTR | Errno::INPROGRESS | Errno::ALREADY) => {
                    self.stopwatch.poll_for(flags, Some(socket), left);
                }
                outcome => return Ok(outcome),
            }
        }
    }
}

impl ErrorType for TcpStream {
    type Error = ApiError;
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ApiError> {
        let received = self.repeat(PollFlags::IN, |socket| {
            recv(socket, &mut *buffer, RecvFlags::empty())
        })?;
        match received {
            Ok((count, _)) => Ok(count),
            Err(errno) => Err(ApiError::Read(kind(errno))),
        }
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ApiError> {
        self.repeat(PollFlags::OUT, |socket| {
            send(socket, bytes, SendFlags::NOSIGNAL)
        })?
        .map_err(|errno| ApiError::Write(kind(errno)))
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

/// What ends a connection that had been made.
fn kind(errno: Errno) -> embedded_io::ErrorKind {
    use embedded_io::ErrorKind;
    match errno {
        Errno::CONNRESET => ErrorKind::ConnectionReset,
        Errno::PIPE => ErrorKind::BrokenPipe,
        Errno::TIMEDOUT => ErrorKind::TimedOut,
        _ => ErrorKind::Other,
    }
}
