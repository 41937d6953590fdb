//! Windows as people write them: `02:00-04:00`, `Mon-Fri 22:00-02:00, Sat,Sun 00:00-24:00`.

use crate::LocalTime;

const MINUTES_A_DAY: u32 = 24 * 60;

/// Whether one of the windows in `value` is open; `None` where `value` has no meaning, whatever the time.
///
/// `value` consists of words with blanks or commas between them:
///
/// - a day or a range of days: `Mon`, `mon-fri`, `Fri-Mon`. It belongs to the windows that follow, together with the days
///   right before or behind it;
/// - a window, `HH:MM-HH:MM`. Without a day before it, it is for every day. Its end may be `24:00`, but not its begin.
///
/// A window is open while the local clock shows a time in it, its begin included, its end not. One over midnight belongs to
/// the day on which it begins. Where clocks skip an hour, a window in that hour doesn't open; where they repeat one, it
/// opens twice.
#[must_use]
#[inline(never)]
pub fn is_open(value: &[u8], now: LocalTime) -> Option<bool> {
    let mut days = EVERY_DAY;
    // Whether the days have a window: the next day doesn't belong to them then.
    let mut is_complete = true;
    let mut is_open = None;
    let words = value.split(|&byte| byte == b',' || byte.is_ascii_whitespace());
    for word in words.filter(|word| !word.is_empty()) {
        if let Some(more) = parse_days(word) {
            days = if is_complete { more } else { days | more };
            is_complete = false;
        } else {
            let window = Window::parse(word)?;
            is_complete = true;
            is_open = Some(is_open == Some(true) || window.is_open(days, now));
        }
    }
    is_open.filter(|_| is_complete)
}

/// A bit for each day; the lowest is Monday.
const EVERY_DAY: u32 = 0x7f;

#[inline(never)]
fn parse_days(word: &[u8]) -> Option<u32> {
    let (first, last) = match split(word, 3) {
        Some((first, last)) => (weekday(first)?, weekday(last)?),
        None => (weekday(word)?, weekday(word)?),
    };
    // Over two weeks: the second one's days are the first one's.
    let last = if last < first { last + 7 } else { last };
    let days = (2 << last) - (1 << first);
    Some((days | days >> 7) & EVERY_DAY)
}

fn weekday(name: &[u8]) -> Option<usize> {
    const NAMES: [[u8; 4]; 7] = [
        *b"mon ", *b"tue ", *b"wed ", *b"thu ", *b"fri ", *b"sat ", *b"sun ",
    ];
    let &[first, second, third] = name else {
        return None;
    };
    let lower = u32::from_be_bytes([first, second, third, 0]) | u32::from_be_bytes(*b"    ");
    NAMES
        .iter()
        .position(|&name| u32::from_be_bytes(name) == lower)
}

/// What precedes and what follows the `-` at `place`.
fn split(word: &[u8], place: usize) -> Option<(&[u8], &[u8])> {
    let (before, rest) = word.split_at_checked(place)?;
    Some((before, rest.strip_prefix(b"-")?))
}

/// In minutes.
struct Window {
    /// Since midnight.
    begin: u32,
    length: u32,
}

impl Window {
    #[inline(never)]
    fn parse(word: &[u8]) -> Option<Self> {
        let (begin, end) = split(word, 5)?;
        let (begin, end) = (time(begin)?, time(end)?);
        if begin == end || begin == MINUTES_A_DAY {
            return None;
        }
        let end = if end < begin {
            end + MINUTES_A_DAY
        } else {
            end
        };
        let length = end - begin;
        Some(Self { begin, length })
    }

    /// Whether it is open, if it begins on these days.
    #[inline(never)]
    fn is_open(&self, days: u32, now: LocalTime) -> bool {
        // No window is longer than a day, so there is one day on which it may have begun.
        let (ago, since) = match now.minute.checked_sub(self.begin) {
            Some(since) => (0, since),
            None => (1, now.minute + MINUTES_A_DAY - self.begin),
        };
        let weeks = days | days << 7;
        since < self.length && weeks >> (now.weekday + 7 - ago) & 1 != 0
    }
}

/// `HH:MM` in minutes, up to `24:00`.
fn time(text: &[u8]) -> Option<u32> {
    let &[ten_hours, hours, b':', ten_minutes, minutes] = text else {
        return None;
    };
    let (hours, minutes) = (number(ten_hours, hours)?, number(ten_minutes, minutes)?);
    let time = hours * 60 + minutes;
    (minutes < 60 && time <= MINUTES_A_DAY).then_some(time)
}

/// The number of two digits.
fn number(tens: u8, ones: u8) -> Option<u32> {
    let digit = |byte: u8| {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        (digit < 10).then_some(digit)
    };
    Some(digit(tens)? * 10 + digit(ones)?)
}
