//! Text for people, programs and the kernel, written as it comes, in few system calls.

use core::ffi::CStr;
use core::slice::Iter;

use rustix::fd::BorrowedFd;

use crate::standard::STANDARD;
use crate::text;
use crate::text::{Text, pair};

/// The longest piece that is written at once, and the longest string for the kernel: less than what a pipe takes without
/// mixing it with another's (`PIPE_BUF`), and more than a line usually needs.
const CAPACITY: usize = 1024;

/// Prints a line to the standard output: `template`, with `value` for its `%`, escaped.
#[inline(never)]
pub fn print(template: Text, value: &[u8]) {
    Line::output().filled(template, value).end();
}

/// Prints a line to the standard output.
#[inline(never)]
pub fn say(text: Text) {
    print(text, b"");
}

/// Prints a line to the standard error: the program's name and `template`, with `value` for its `%`, escaped.
#[inline(never)]
pub fn complain(template: Text, value: &[u8]) {
    Line::error().filled(template, value).end();
}

/// [`complain`] of a number.
#[inline(never)]
pub fn complain_number(template: Text, number: u32) {
    complain(template, Line::string().number(number).as_bytes());
}

/// A line under construction, or a string for the kernel.
pub struct Line {
    /// Where it is written to; `None` for a string.
    file: Option<BorrowedFd<'static>>,
    length: usize,
    buffer: [u8; CAPACITY],
}

impl Line {
    /// A line for the standard output.
    #[must_use]
    pub fn output() -> Self {
        let [_, output, _] = STANDARD;
        Self::on(Some(output), text!(""))
    }

    /// A line for the standard error, begun with the program's name.
    #[must_use]
    pub fn error() -> Self {
        let [_, _, error] = STANDARD;
        Self::on(Some(error), text!("update-lock: "))
    }

    /// A string: see [`as_c_str`](Self::as_c_str).
    #[must_use]
    pub fn string() -> Self {
        Self::on(None, text!(""))
    }

    #[inline(never)]
    fn on(file: Option<BorrowedFd<'static>>, beginning: Text) -> Self {
        let mut line = Self {
            file,
            length: 0,
            buffer: [0; CAPACITY],
        };
        line.text(beginning);
        line
    }

    /// Adds a text.
    #[inline(never)]
    pub fn text(&mut self, text: Text) -> &mut Self {
        self.filled(text, b"")
    }

    /// Adds bytes as they are.
    #[inline(never)]
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        for &byte in bytes {
            self.push(byte);
        }
        self
    }

    /// Adds `template`, with `value` for its `%`, escaped.
    #[inline(never)]
    pub fn filled(&mut self, template: Text, value: &[u8]) -> &mut Self {
        for byte in template.packed() {
            self.unpack(byte, value);
        }
        self
    }

    fn unpack(&mut self, byte: u8, value: &[u8]) {
        if let Some([first, second]) = pair(byte) {
            self.unpack(first, value);
            self.unpack(second, value);
        } else if byte == b'%' {
            self.escaped(value);
        } else {
            self.push(byte);
        }
    }

    /// Adds bytes that somebody else made: what isn't printable ASCII or UTF-8, or could end a JSON string, is
    /// escaped as JSON escapes it. JSON has no bytes: they become the code points of their values.
    #[inline(never)]
    pub fn escaped(&mut self, bytes: &[u8]) -> &mut Self {
        let mut rest = bytes.iter();
        while let Some(&byte) = rest.next() {
            let mut others = rest.clone();
            match code_point(byte, &mut others) {
                None => self.code_point(byte),
                // A terminal's control codes have a second set, U+0080 to U+009F.
                Some(value @ (0..0x20 | 0x7f..0xa0)) => {
                    self.code_point(value as u8);
                    rest = others;
                }
                Some(_) => {
                    if matches!(byte, b'"' | b'\\') {
                        self.push(b'\\');
                    }
                    self.push(byte);
                    while rest.len() > others.len() {
                        self.push(rest.next().copied().unwrap_or_default());
                    }
                }
            }
        }
        self
    }

    fn code_point(&mut self, byte: u8) {
        self.text(text!("\\u00"));
        self.nibble(byte >> 4);
        self.nibble(byte & 15);
    }

    fn nibble(&mut self, nibble: u8) {
        self.push(if nibble < 10 {
            b'0' + nibble
        } else {
            b'a' + nibble - 10
        });
    }

    /// Adds a number.
    #[inline(never)]
    pub fn number(&mut self, number: u32) -> &mut Self {
        if number >= 10 {
            self.number(number / 10);
        }
        self.push(b'0' + (number % 10) as u8);
        self
    }

    /// Ends the line and writes it. A reader that is gone is no reason to stop.
    #[inline(never)]
    pub fn end(&mut self) {
        self.push(b'\n');
        self.flush();
    }

    /// The string so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// The string as the kernel takes it; `None` where it is too long.
    #[must_use]
    pub fn as_c_str(&mut self) -> Option<&CStr> {
        self.push(0);
        // SAFETY: it ends with a NUL.
        (self.as_bytes().last() == Some(&0))
            .then(|| unsafe { CStr::from_ptr(self.buffer.as_ptr().cast()) })
    }

    #[inline(never)]
    fn push(&mut self, byte: u8) {
        if self.length == CAPACITY {
            self.flush();
        }
        if let Some(place) = self.buffer.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    #[inline(never)]
    fn flush(&mut self) {
        let Some(file) = self.file else {
            return;
        };
        let mut left = self.as_bytes();
        while !left.is_empty() {
            match rustix::io::write(file, left) {
                Ok(written) if written > 0 => left = left.get(written..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                _ => break,
            }
        }
        self.length = 0;
    }
}

/// The code point that begins with `first`, and takes as many of the `others` as it needs; `None` where that isn't UTF-8.
fn code_point(first: u8, others: &mut Iter<u8>) -> Option<u32> {
    let (count, bits, least) = match first {
        0..0x80 => (0, first, 0),
        0xc0..0xe0 => (1, first & 0x1f, 0x80),
        0xe0..0xf0 => (2, first & 0x0f, 0x800),
        0xf0..0xf8 => (3, first & 0x07, 0x1_0000),
        _ => return None,
    };
    let mut value = u32::from(bits);
    for _ in 0..count {
        let byte = others.next().filter(|&byte| byte & 0xc0 == 0x80)?;
        value = value << 6 | u32::from(byte & 0x3f);
    }
    (value >= least && char::from_u32(value).is_some()).then_some(value)
}
