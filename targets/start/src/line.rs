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
        let mut line = Self::on(error);
        line.text("update-lock: ");
        line
    }

    #[inline(never)]
    fn on(file: BorrowedFd<'static>) -> Self {
        Self {
            file,
            length: 0,
            buffer: [0; CAPACITY],
        }
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// Adds bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        for &byte in bytes {
            self.push(byte);
        }
        self
    }

    /// Adds bytes that somebody else made: what isn't printable ASCII or UTF-8, or could end a JSON string, is
    /// escaped as JSON escapes it.
    pub fn escaped(&mut self, bytes: &[u8]) -> &mut Self {
        for chunk in bytes.utf8_chunks() {
            let mut rest = chunk.valid().as_bytes();
            while let [byte, others @ ..] = rest {
                rest = others;
                match (byte, others) {
                    (b'"' | b'\\', _) => {
                        self.push(b'\\');
                        self.push(*byte);
                    }
                    (0..b' ' | 0x7f, _) => self.code_point(*byte),
                    // A terminal's control codes have a second set, U+0080 to U+009F.
                    (0xc2, [second @ 0x80..=0x9f, others @ ..]) => {
                        self.code_point(*second);
                        rest = others;
                    }
                    _ => self.push(*byte),
                }
            }
            // JSON has no bytes: they become the code points of their values.
            for &byte in chunk.invalid() {
                self.code_point(byte);
            }
        }
        self
    }

    fn code_point(&mut self, byte: u8) {
        let digit = |nibble| {
            if nibble < 10 {
                b'0' + nibble
            } else {
                b'a' + nibble - 10
            }
        };
        self.bytes(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
    }

    /// Adds a number.
    pub fn number(&mut self, number: u32) -> &mut Self {
        if number >= 10 {
            self.number(number / 10);
        }
        self.push(b'0' + (number % 10) as u8);
        self
    }

    /// Ends the line and writes it. A reader that is gone is no reason to stop.
    pub fn end(&mut self) {
        self.push(b'\n');
        self.flush();
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
