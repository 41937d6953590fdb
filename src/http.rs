//! One HTTP/1.1 request and its answer, without I/O: bytes to be sent, and bytes that have come.
//!
//! ```
//! use update_lock::http::{Answer, Request};
//!
//! let mut buffer = [0; 512];
//! let request = Request {
//!     method: "GET",
//!     path: "/ping",
//!     host: b"127.0.0.1:48484",
//!     key: b"",
//!     json: b"",
//! };
//! assert!(request.write(&mut buffer)?.starts_with(b"GET /ping HTTP/1.1\r\n"));
//!
//! let mut answer = Answer::new(&mut buffer);
//! let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";
//! answer.space()?[..bytes.len()].copy_from_slice(bytes);
//! assert!(answer.add(bytes.len())?, "it is complete");
//! assert_eq!((answer.status(), answer.body()), (Some(200), &b"OK"[..]));
//! # Ok::<(), update_lock::ApiError>(())
//! ```

use core::fmt;
use core::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Status};

use crate::{ApiError, decimal};

/// The most header lines that an answer may have; Express sends eight or fewer.
const HEADERS: usize = 32;

/// What to ask, with a JSON body, for a connection that is closed after the answer.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// What is asked for, from the first `/` on.
    pub path: &'a str,
    /// The address of the server, and its port.
    pub host: &'a [u8],
    /// The value of the query `apikey`; without one where it is empty. It is sent as it is: letters and digits.
    pub key: &'a [u8],
    /// The body; may be empty.
    pub json: &'a [u8],
}

impl Request<'_> {
    /// Puts the request into `buffer`.
    ///
    /// # Errors
    ///
    /// [`ApiError::TooLong`]: it doesn't fit.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], ApiError> {
        let query: &[u8] = if self.key.is_empty() {
            b""
        } else {
            b"?apikey="
        };
        let mut digits = [0; 10];
        let pieces = [
            self.method.as_bytes(),
            b" ",
            self.path.as_bytes(),
            query,
            self.key,
            b" HTTP/1.1\r\nHost: ",
            self.host,
            b"\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ",
            decimal::digits(self.json.len() as u32, &mut digits),
            b"\r\n\r\n",
            self.json,
        ];
        let mut length = 0;
        for &piece in &pieces {
            for &byte in piece {
                *buffer.get_mut(length).ok_or(ApiError::TooLong)? = byte;
                length += 1;
            }
        }
        Ok(buffer.get(..length).unwrap_or_default())
    }
}

/// Without the key.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {})", self.method, self.path)
    }
}

/// An answer that comes in pieces of any length, put together in a buffer.
///
/// The buffer has to have room for the head and what comes along with it, then for the body. Informational answers (1xx)
/// are skipped.
pub struct Answer<'b> {
    buffer: &'b mut [u8],
    /// How much of the buffer is in use: the head, or else the body.
    filled: usize,
    head: Option<Head>,
    /// How long the body is, as far as it is known.
    body: usize,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    status: u16,
    framing: Framing,
}

/// How the end of the body is known (RFC 9112, 6.3).
#[derive(Clone, Copy, Debug)]
enum Framing {
    /// By its length.
    Length(usize),
    /// By an empty chunk. The next chunk begins in the buffer at `next`.
    Chunked { next: usize },
    /// By the end of the connection.
    Close,
}

impl<'b> Answer<'b> {
    /// An answer of which nothing has come yet.
    pub fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            filled: 0,
            head: None,
            body: 0,
        }
    }

    /// Where the next bytes go; never empty.
    ///
    /// # Errors
    ///
    /// [`ApiError::TooLong`]: the buffer is full.
    pub fn space(&mut self) -> Result<&mut [u8], ApiError> {
        match self.buffer.get_mut(self.filled..) {
            None | Some([]) => Err(ApiError::TooLong),
            Some(space) => Ok(space),
        }
    }

    /// Takes note of `count` bytes that have been put into [`space`](Self::space), and says whether the answer is complete.
    /// A `count` of 0 is the end of the connection.
    ///
    /// # Errors
    ///
    /// - [`ApiError::NotHttp`]: nothing that HTTP knows.
    /// - [`ApiError::CutOff`]: the connection has ended before the answer.
    /// - [`ApiError::TooLong`]: the body is longer than the buffer, or there are too many header lines.
    pub fn add(&mut self, count: usize) -> Result<bool, ApiError> {
        let is_end = count == 0;
        self.filled = (self.filled + count).min(self.buffer.len());
        let is_complete = self.take_head()? && self.take_body(is_end)?;
        if is_end && !is_complete {
            return Err(ApiError::CutOff);
        }
        Ok(is_complete)
    }

    /// The status code, once the head has come.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.head.map(|head| head.status)
    }

    /// The body, as far as it has come.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.buffer.get(..self.body).unwrap_or_default()
    }

    /// Whether the head has come. It leaves the buffer.
    fn take_head(&mut self) -> Result<bool, ApiError> {
        while self.head.is_none() {
            let bytes = self.buffer.get(..self.filled).unwrap_or_default();
            let Some((length, head)) = Head::parse(bytes)? else {
                return Ok(false);
            };
            self.shift(length, 0, self.filled);
            self.filled = self.filled.saturating_sub(length);
            if head.status >= 200 {
                self.head = Some(head);
            }
        }
        Ok(true)
    }

    /// Whether the body is complete.
    fn take_body(&mut self, is_end: bool) -> Result<bool, ApiError> {
        match self.head.map(|head| head.framing) {
            Some(Framing::Length(length)) if length > self.buffer.len() => Err(ApiError::TooLong),
            Some(Framing::Length(length)) => {
                self.body = length.min(self.filled);
                Ok(self.body == length)
            }
            Some(Framing::Chunked { next }) => self.take_chunks(next),
            _ => {
                self.body = self.filled;
                Ok(is_end)
            }
        }
    }

    /// Adds the chunks that have come as a whole to the body; whether the last one has. What may follow that is of no use.
    fn take_chunks(&mut self, mut next: usize) -> Result<bool, ApiError> {
        loop {
            let bytes = self.buffer.get(next..self.filled).unwrap_or_default();
            let size = httparse::parse_chunk_size(bytes).map_err(|_| ApiError::NotHttp)?;
            let Status::Complete((start, size)) = size else {
                return Ok(false);
            };
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            if size == 0 {
                return Ok(true);
            }
            let end = start.saturating_add(size);
            match bytes.get(end..) {
                Some([b'\r', b'\n', ..]) => {}
                None | Some([] | [b'\r']) => return Ok(false),
                _ => return Err(ApiError::NotHttp),
            }
            self.shift(next + start, self.body, next + end);
            self.body += size;
            next += end + 2;
            if let Some(head) = &mut self.head {
                head.framing = Framing::Chunked { next };
            }
        }
    }

    /// Moves the bytes from `from` until `end` down to `to`.
    ///
    /// Not by `copy_within`, which may panic as far as the compiler can see.
    fn shift(&mut self, from: usize, to: usize, end: usize) {
        for (to, from) in (to..).zip(from..end) {
            let Some(&byte) = self.buffer.get(from) else {
                return;
            };
            if let Some(slot) = self.buffer.get_mut(to) {
                *slot = byte;
            }
        }
    }
}

/// Without what the buffer has held before, such as a request with its key.
impl fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({:?})", self.status())
    }
}

impl Head {
    /// The head at the start of `bytes`, and its length; `None` where it isn't complete.
    #[inline(never)] // so that a look at the program tells httparse's assertions from ours
    fn parse(bytes: &[u8]) -> Result<Option<(usize, Self)>, ApiError> {
        let mut headers = [const { MaybeUninit::uninit() }; HEADERS];
        let mut response = httparse::Response::new(&mut []);
        let parser = ParserConfig::default();
        match parser.parse_response_with_uninit_headers(&mut response, bytes, &mut headers) {
            Ok(Status::Complete(length)) => {
                let status = response.code.unwrap_or_default();
                let framing = Framing::of(status, response.headers)?;
                Ok(Some((length, Self { status, framing })))
            }
            Ok(Status::Partial) => Ok(None),
            Err(httparse::Error::TooManyHeaders) => Err(ApiError::TooLong),
            Err(_) => Err(ApiError::NotHttp),
        }
    }
}

impl Framing {
    fn of(status: u16, headers: &[Header<'_>]) -> Result<Self, ApiError> {
        let mut framing = match status {
            // They have no body, whatever their headers say.
            ..200 | 204 | 304 => return Ok(Self::Length(0)),
            _ => Self::Close,
        };
        for header in headers {
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            framing = match framing {
                _ if is("transfer-encoding") => {
                    if !header.value.eq_ignore_ascii_case(b"chunked") {
                        return Err(ApiError::NotHttp);
                    }
                    Self::Chunked { next: 0 }
                }
                Self::Chunked { .. } => framing,
                _ if is("content-length") => {
                    let length = decimal::parse(header.value).ok_or(ApiError::NotHttp)? as usize;
                    if matches!(framing, Self::Length(other) if other != length) {
                        return Err(ApiError::NotHttp);
                    }
                    Self::Length(length)
                }
                _ => framing,
            };
        }
        Ok(framing)
    }
}
