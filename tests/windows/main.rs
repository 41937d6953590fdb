//! Maintenance windows and time zones on a simulated clock, beside somebody else's calendar and the system's zone files.

mod clock;
mod files;
mod grammar;
mod rules;

use std::fs;

use jiff::Timestamp;
use update_lock_window::{LocalTime, Zone, is_open};

/// The last moment that the windows know.
const LAST: u32 = u32::MAX;

/// `2026-03-29T01:00Z`, in seconds since 1970.
fn seconds(time: &str) -> u32 {
    let time: Timestamp = time.parse().expect("a time");
    time.as_second().try_into().expect("from 1970 to 2106")
}

fn timestamp(utc: u32) -> Timestamp {
    Timestamp::from_second(utc.into()).expect("a time")
}

/// Reads from `bytes` as from a file.
fn reader(bytes: &[u8]) -> impl Fn(u32, &mut [u8]) -> Option<usize> {
    |at, buffer| {
        let rest = bytes.get(at as usize..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Some(length)
    }
}

/// What a zone file says.
fn by_file(bytes: &[u8], utc: u32) -> Option<i32> {
    let zone = Zone::parse(b"A/File").expect("a name");
    zone.offset(utc, reader(bytes))
}

/// What a rule says, which needs no file.
fn by_rule(rule: &str, utc: u32) -> Option<i32> {
    let zone = Zone::parse(rule.as_bytes());
    assert_eq!(zone, Some(Zone::Rule(rule.as_bytes())), "{rule}");
    zone?.offset(utc, |_, _| unreachable!("a rule reads no file"))
}

/// A time zone as `TZ` names it, with its file if it has one.
struct Place<'a> {
    zone: Zone<'a>,
    file: Vec<u8>,
}

impl<'a> Place<'a> {
    fn new(tz: &'a str) -> Self {
        let zone = Zone::parse(tz.as_bytes()).expect("a zone");
        let file = match zone {
            Zone::Rule(_) => vec![],
            Zone::File { directory, name } => {
                let [directory, name] = [directory, name].map(|part| str::from_utf8(part).unwrap());
                let path = format!("{directory}/{name}");
                fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
            }
        };
        Self { zone, file }
    }

    fn local(&self, utc: u32) -> LocalTime {
        let offset = self.zone.offset(utc, reader(&self.file));
        LocalTime::new(utc, offset.expect("an offset"))
    }

    fn is_open(&self, value: &str, utc: u32) -> bool {
        is_open(value.as_bytes(), self.local(utc)).expect("windows")
    }
}
