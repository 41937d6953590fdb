//! What a lock file says about its holder, for the person who runs `cat` on it.
//!
//! ```text
//! pid 4711
//! program /usr/bin/logger
//! since 2026-11-25T03:22:58Z
//! reason writing the day's records
//! ```
//!
//! Nothing is decided by it: the lock is as valid with half a note or none.

use core::ffi::CStr;

use embedded_io::{ErrorType, Read, Write};
use heapless::Vec;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags};

use crate::fields::fields;
use crate::inode::{Facts, Inode};
use crate::{Errno, Error, Operation, decimal};

/// The longest note in bytes; what exceeds it is cut.
pub const NOTE_CAPACITY: usize = 256;

/// The most of a program's name that a note has room for, beside a reason.
const PROGRAM_CAPACITY: usize = 80;

/// Who holds a lock and why, to be written into its file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Note<'a> {
    /// The holder's process id, as it sees itself.
    pub pid: u32,
    /// What runs under the lock. At most 80 bytes are kept; empty is left out.
    pub program: &'a [u8],
    /// Seconds since 1970, from the caller: this library reads no clock. Left out where the clock isn't set.
    pub since: Option<u64>,
    /// Why the lock is held. It is cut where the note would exceed [`NOTE_CAPACITY`]; empty is left out.
    pub reason: &'a [u8],
}

impl Note<'_> {
    /// The note as text. Control characters become `?`, so that no value can pass for another line.
    #[must_use]
    pub fn to_text(&self) -> NoteText {
        let mut text = NoteText::default();
        self.add_to(&mut text);
        text
    }

    fn add_to(&self, text: &mut NoteText) {
        text.push(b"pid ");
        text.push_number(self.pid);
        text.end_line();
        if !self.program.is_empty() {
            let program = self.program.get(..PROGRAM_CAPACITY);
            text.push(b"program ");
            text.push_printable(program.unwrap_or(self.program));
        }
        if let Some(since) = self.since {
            text.push(b"since ");
            text.push_time(since);
        }
        if !self.reason.is_empty() {
            text.push(b"reason ");
            text.push_printable(self.reason);
        }
    }

    /// Writes the note.
    ///
    /// # Errors
    ///
    /// The writer's.
    pub fn write_to<W: Write>(&self, writer: &mut W) -> Result<(), W::Error> {
        let mut text = NoteText::default();
        self.add_to(&mut text);
        writer.write_all(text.as_bytes())
    }
}

/// The text of a note: at most [`NOTE_CAPACITY`] bytes, of any content.
///
/// It comes from a file that others may have written: escape what isn't printable before it meets a terminal.
///
/// ```
/// use update_lock::{Note, NoteText};
///
/// let note = Note { pid: 7, reason: b"a long upload", ..Note::default() };
/// let text = note.to_text();
/// assert_eq!(text.as_bytes(), b"pid 7\nreason a long upload\n");
/// assert_eq!(NoteText::read_from(&mut text.as_bytes()), Ok(text.clone()));
/// assert_eq!(text.pid(), Some(7));
/// assert_eq!(text.since(), None);
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NoteText(Vec<u8, NOTE_CAPACITY>);

impl NoteText {
    /// Reads a note to its end, or to [`NOTE_CAPACITY`].
    ///
    /// # Errors
    ///
    /// The reader's.
    pub fn read_from<R: Read>(reader: &mut R) -> Result<Self, R::Error> {
        let mut text = Vec::new();
        text.resize_default(NOTE_CAPACITY).unwrap_or_default();
        let mut length = 0;
        while let Some(room) = text.get_mut(length..).filter(|room| !room.is_empty()) {
            match reader.read(room)? {
                0 => break,
                more => length += more,
            }
        }
        text.truncate(length);
        Ok(Self(text))
    }

    /// The whole text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The holder's process id, in the holder's own PID namespace.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        decimal::parse(self.value("pid")?)
    }

    /// What runs under the lock.
    #[must_use]
    pub fn program(&self) -> Option<&[u8]> {
        self.value("program")
    }

    /// Since when, as `2026-11-25T03:22:58Z`.
    #[must_use]
    pub fn since(&self) -> Option<&[u8]> {
        self.value("since")
    }

    /// Why the lock is held.
    #[must_use]
    pub fn reason(&self) -> Option<&[u8]> {
        self.value("reason")
    }

    /// What the line that begins with the word `key` says.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        fields(&self.0, b'\n')
            .find_map(|line| line.strip_prefix(key.as_bytes())?.strip_prefix(b" "))
    }

    /// Ends the line; there is always room for that.
    fn end_line(&mut self) {
        self.0.truncate(NOTE_CAPACITY - 1);
        self.push_byte(b'\n');
    }

    /// Adds as much as there is room for.
    fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.push_byte(byte);
        }
    }

    fn push_byte(&mut self, byte: u8) {
        let _ = self.0.push(byte);
    }

    /// The rest of a line.
    fn push_printable(&mut self, bytes: &[u8]) {
        let mut last = 0;
        for &byte in bytes {
            // U+0080 to U+009F are control characters, too: what remains of them isn't UTF-8.
            let is_second = last == 0xc2 && (0x80..0xa0).contains(&byte);
            let is_control = byte < b' ' || byte == 0x7f || is_second;
            self.push_byte(if is_control { b'?' } else { byte });
            last = byte;
        }
        self.end_line();
    }

    fn push_number(&mut self, number: u32) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push_byte(b'0' + (number % 10) as u8);
    }

    /// A number of at least two digits, and what follows it.
    fn push_field(&mut self, number: u32, end: u8) {
        if number < 10 {
            self.push_byte(b'0');
        }
        self.push_number(number);
        self.push_byte(end);
    }

    /// The rest of a line: ISO 8601 in UTC. 32 bits reach to the year 2106, and spare ARM its 64-bit division.
    fn push_time(&mut self, seconds: u64) {
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        let (year, month, day) = date(seconds / 86_400);
        let of_day = seconds % 86_400;
        self.push_field(year, b'-');
        self.push_field(month, b'-');
        self.push_field(day, b'T');
        self.push_field(of_day / 3600, b':');
        self.push_field(of_day / 60 % 60, b':');
        self.push_field(of_day % 60, b'Z');
        self.end_line();
    }
}

/// Year, month and day of a day counted from 1970-01-01, until 2106.
///
/// By subtraction, which takes less code than the formulas of divisions, and less time than a system call.
fn date(mut days: u32) -> (u32, u32, u32) {
    let mut year = 1970;
    let mut is_leap = false;
    loop {
        let length = 365 + u32::from(is_leap);
        if days < length {
            break;
        }
        days -= length;
        year += 1;
        is_leap = year % 4 == 0 && year != 2100;
    }
    let mut month = 1;
    for &length in &[31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30_u8] {
        let length = u32::from(length) + u32::from(month == 2 && is_leap);
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

/// Reads the note of an open lock file.
pub(crate) fn read(file: &OwnedFd) -> Result<NoteText, Error> {
    NoteText::read_from(&mut File(file))
}

/// Removes the note of the lock file `inode` at `path`, and opens the file for another; touches no other file.
///
/// The locked descriptor won't do: it may be an adopter's, open for reading only.
pub(crate) fn clear(path: &CStr, inode: Inode) -> Result<OwnedFd, Error> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file =
        rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(Error::at(Operation::Open))?;
    if Facts::of_file(&file)?.inode() != inode {
        return Err(Error::system(Operation::Open, Errno::NOENT));
    }
    rustix::fs::ftruncate(&file, 0).map_err(Error::at(Operation::Write))?;
    Ok(file)
}

/// Replaces the note of the lock file `inode` at `path`, and touches no other file.
pub(crate) fn replace(path: &CStr, inode: Inode, note: &Note<'_>) -> Result<(), Error> {
    note.write_to(&mut File(clear(path, inode)?))
}

/// A file as `embedded_io` sees it.
struct File<F>(F);

impl<F> ErrorType for File<F> {
    type Error = Error;
}

impl<F: AsFd> Read for File<F> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        rustix::io::read(&self.0, buffer).map_err(Error::at(Operation::Read))
    }
}

impl<F: AsFd> Write for File<F> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        match rustix::io::write(&self.0, bytes) {
            Ok(0) => Err(Error::system(Operation::Write, Errno::NOSPC)),
            outcome => outcome.map_err(Error::at(Operation::Write)),
        }
    }

    /// The provided one could panic, as far as the compiler sees.
    fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let written = self.write(bytes)?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
