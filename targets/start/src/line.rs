//! Text for people and programs, written as it comes, in few system calls.

use rustix::fd::BorrowedFd;

/// The longest piece that is written at once: what a pipe takes without mixing it with another's (`PIPE_BUF`) is
/// more, and what a line usually needs is less.
const CAPACITY: usize = 512;

/// Descriptors 0, 1 and 2.
// SAFETY: no part of the programs closes them, and each of the programs begins by opening those that its caller has
// left closed.
pub const STANDARD: [BorrowedFd<'static>; 3] = unsafe {
    [
        BorrowedFd::borrow_raw(0),
        BorrowedFd::borrow_raw(1),
        BorrowedFd::borrow_raw(2),
    ]
};

/// A line under construction.
pub struct Line {
    file: BorrowedFd<'static>,
    length: usize,
    buffer: [u8; CAPACITY],
}

impl Line {
    /// A line for the standard output.
    #[must_use]
    pub fn output() -> Self {
        let [_, output, _] = STANDARD;
        Self::on(output)
    }

    /// A line for the standard error, begun with the program's name.
    #[must_use]
    pub fn error() -> Self {
        let [_, _, error] = STANDARD;
        Self::on(error).text("update-lock: ")
    }

    fn on(file: BorrowedFd<'static>) -> Self {
        Self {
            file,
            length: 0,
            buffer: [0; CAPACITY],
        }
    }

    /// Adds text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Adds bytes as they are.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        for &byte in bytes {
            self.push(byte);
        }
        self
    }

    /// Adds bytes that somebody else made: what isn't printable ASCII or UTF-8, or could end a JSON string, is
    /// escaped as JSON escapes it.
    #[must_use]
    pub fn escaped(mut self, bytes: &[u8]) -> Self {
        for chunk in bytes.utf8_chunks() {
            for &byte in chunk.valid().as_bytes() {
                self = match byte {
                    b'"' | b'\\' => self.bytes(&[b'\\', byte]),
                    0..b' ' | 0x7f => self.text("\\u00").hex(byte),
                    _ => self.bytes(&[byte]),
                };
            }
            // JSON has no bytes: they become the code points of their values.
            for &byte in chunk.invalid() {
                self = self.text("\\u00").hex(byte);
            }
        }
        self
    }

    fn hex(self, byte: u8) -> Self {
        let digit = |nibble| {
            if nibble < 10 {
                b'0' + nibble
            } else {
                b'a' + nibble - 10
            }
        };
        self.bytes(&[digit(byte >> 4), digit(byte & 15)])
    }

    /// Adds a number.
    #[must_use]
    pub fn number(self, number: u32) -> Self {
        let line = if number >= 10 {
            self.number(number / 10)
        } else {
            self
        };
        line.bytes(&[b'0' + (number % 10) as u8])
    }

    /// Ends the line and writes it. A reader that is gone is no reason to stop.
    pub fn end(self) {
        self.bytes(b"\n").flush();
    }

    fn push(&mut self, byte: u8) {
        if self.length == CAPACITY {
            self.flush();
        }
        if let Some(place) = self.buffer.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    fn flush(&mut self) {
        let mut left = self.buffer.get(..self.length).unwrap_or_default();
        while !left.is_empty() {
            match rustix::io::write(self.file, left) {
                Ok(written) if written > 0 => left = left.get(written..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                _ => break,
            }
        }
        self.length = 0;
    }
}
