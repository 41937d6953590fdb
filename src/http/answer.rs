//! What is answered, put together and read.

use core::fmt;
use core::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Status};

use crate::{ApiError, decimal};

/// The most header lines that an answer may have; Express sends eight or fewer.
const HEADERS: usize = 32;

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
