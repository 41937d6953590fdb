use std::io::Cursor;

use embedded_io::{ErrorType, Read};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use update_lock::{NOTE_CAPACITY, Note, NoteText};

/// What a note makes of control characters.
fn printable(bytes: &[u8]) -> Vec<u8> {
    let before = [&[0], bytes].concat();
    let is_control = |(byte, last): (&u8, u8)| {
        byte.is_ascii_control() || last == 0xc2 && (0x80..0xa0).contains(byte)
    };
    let pairs = bytes.iter().zip(before);
    pairs
        .map(|(byte, last)| {
            if is_control((byte, last)) {
                b'?'
            } else {
                *byte
            }
        })
        .collect()
}

/// A time as somebody else's calendar writes it.
fn calendar(seconds: u32) -> String {
    Timestamp::from_second(seconds.into())
        .expect("a time")
        .to_string()
}

fn text_of(note: &Note<'_>) -> NoteText {
    let text = note.to_text();
    let mut written = vec![];
    note.write_to(&mut written).expect("a vector takes all");
    assert_eq!(written, text.as_bytes());
    text
}

#[test]
fn a_whole_note() {
    let note = Note {
        pid: 4711,
        program: b"/usr/bin/logger",
        since: Some(1_795_577_000),
        reason: b"writing the day's records",
    };
    let expected = "pid 4711\nprogram /usr/bin/logger\nsince 2026-11-25T03:23:20Z\n\
        reason writing the day's records\n";
    assert_eq!(text_of(&note).as_bytes(), expected.as_bytes());
}

#[test]
fn what_is_unknown_is_left_out() {
    assert_eq!(text_of(&Note::default()).as_bytes(), b"pid 0\n");
}

#[test]
fn no_value_can_pass_for_another_line() {
    let note = Note {
        pid: 7,
        program: b"x\npid 1",
        since: None,
        reason: b"\x1b[2J\r\nsince never\0\x7f",
    };
    let text = text_of(&note);
    assert_eq!(
        text.as_bytes(),
        b"pid 7\nprogram x?pid 1\nreason ?[2J??since never??\n"
    );
    assert_eq!((text.pid(), text.since()), (Some(7), None));
}

#[test]
fn a_date_beyond_32_bits_stays_the_last_one() {
    let note = Note {
        since: Some(u64::MAX),
        ..Note::default()
    };
    let last = calendar(u32::MAX);
    assert_eq!(text_of(&note).since(), Some(last.as_bytes()));
}

/// All the days on which a calendar is likely to be wrong.
#[test]
fn each_day_is_the_calendars() {
    const DAY: usize = 86_400;
    for seconds in (0..=u32::MAX).step_by(DAY) {
        for seconds in [seconds, seconds.saturating_sub(1)] {
            let note = Note {
                since: Some(seconds.into()),
                ..Note::default()
            };
            assert_eq!(note.to_text().since(), Some(calendar(seconds).as_bytes()));
        }
    }
}

/// A reader that gives what it has in pieces.
struct Pieces<'b> {
    bytes: &'b [u8],
    length: usize,
}

impl ErrorType for Pieces<'_> {
    type Error = core::convert::Infallible;
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        let length = self.length.min(buffer.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.bytes = later;
        Ok(length)
    }
}

proptest! {
    /// The file must never look like helios's, and never be more than a screenful.
    #[test]
    fn a_note_stays_within_its_bounds(
        pid: u32,
        program in vec(any::<u8>(), 0..400),
        since: Option<u64>,
        reason in vec(any::<u8>(), 0..400),
    ) {
        let note = Note { pid, program: &program, since, reason: &reason };
        let text = text_of(&note);
        let bytes = text.as_bytes();
        prop_assert!(bytes.len() <= NOTE_CAPACITY);
        prop_assert!(bytes.starts_with(b"pid "));
        prop_assert!(bytes.ends_with(b"\n"));
        let is_plain = |byte: &u8| *byte == b'\n' || !byte.is_ascii_control();
        prop_assert!(bytes.iter().all(is_plain));
    }

    /// What is written is what is read: cut, if it is too long, and without control characters.
    #[test]
    fn a_note_comes_back(
        pid: u32,
        program in vec(any::<u8>(), 0..120),
        since in option::of(any::<u32>()),
        reason in vec(any::<u8>(), 0..300),
    ) {
        let note = Note { pid, program: &program, since: since.map(u64::from), reason: &reason };
        let text = text_of(&note);
        prop_assert_eq!(text.pid(), Some(pid));
        let expected = since.map(calendar);
        prop_assert_eq!(text.since(), expected.as_ref().map(String::as_bytes));
        let expected = printable(&program[..program.len().min(80)]);
        prop_assert_eq!(text.program().unwrap_or_default(), &expected[..]);
        let reason = printable(&reason);
        let found = text.reason().unwrap_or_default();
        prop_assert!(reason.starts_with(found));
        if found.len() < reason.len() {
            prop_assert_eq!(text.as_bytes().len(), NOTE_CAPACITY, "cut only where there is no room");
        }
    }

    /// The file may hold anything, and come in any pieces.
    #[test]
    fn any_bytes_are_read(bytes in vec(any::<u8>(), 0..600), length in 1..300_usize) {
        let text = NoteText::read_from(&mut Pieces { bytes: &bytes, length }).expect("no error");
        prop_assert_eq!(text.as_bytes(), &bytes[..bytes.len().min(NOTE_CAPACITY)]);
        let _ = (text.pid(), text.program(), text.since(), text.reason());
    }

    /// As above, with bytes that look like a note's.
    #[test]
    fn any_lines_are_read(lines in vec("(pid |program |since |reason |)[ -~]{0,40}", 0..8)) {
        let whole = lines.join("\n");
        let kept = &whole.as_bytes()[..whole.len().min(NOTE_CAPACITY)];
        let text = NoteText::read_from(&mut &*kept).expect("no error");
        let kept = std::str::from_utf8(kept).expect("ASCII");
        let first = |key: &str| kept.split('\n').find_map(|line| line.strip_prefix(key));
        prop_assert_eq!(text.program(), first("program ").map(str::as_bytes));
        prop_assert_eq!(text.since(), first("since ").map(str::as_bytes));
        prop_assert_eq!(text.reason(), first("reason ").map(str::as_bytes));
        let number = first("pid ").filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        prop_assert_eq!(text.pid(), number.and_then(|text| text.parse().ok()));
    }

    #[test]
    fn each_second_is_the_calendars(seconds: u32) {
        let note = Note { since: Some(seconds.into()), ..Note::default() };
        let (text, expected) = (note.to_text(), calendar(seconds));
        prop_assert_eq!(text.since(), Some(expected.as_bytes()));
    }
}

/// `std`'s readers and writers are `embedded_io`'s, with the adapter or the feature.
#[test]
fn a_note_goes_through_stds_streams() {
    let note = Note {
        pid: 7,
        reason: b"a long upload",
        ..Note::default()
    };
    let mut file = Cursor::new(vec![]);
    std::io::Write::write_all(&mut file, note.to_text().as_bytes()).expect("a vector takes all");
    let text = NoteText::read_from(&mut file.get_ref().as_slice()).expect("no error");
    assert_eq!(text, note.to_text());
}
