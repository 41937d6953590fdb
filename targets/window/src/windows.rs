//! Windows as people write them: `02:00-04:00`, `Mon-Fri 22:00-02:00, Sat,Sun 00:00-24:00`.

use crate::LocalTime;

const MINUTES_A_DAY: u32 = 24 * 60;

/// Whether one of the windows in `value` is open; `None` where `value` has no meaning, whatever the time.
///
/// `value` consists of words with blanks or commas between them:
///
/// - days, `Mon`, or ranges of them, `mon-fri` or `Fri-Mon`: they are those of the windows that follow;
/// - windows, `HH:MM-HH:MM`: with no day before them, they are for every day. `24:00` is an end, and no begin.
///
/// A window is open while the local clock shows a time in it, its begin included, its end not. One over midnight belongs to
/// the day on which it begins. Where clocks skip an hour, a window in that hour doesn't open; where they repeat one, it
/// opens twice.
#[must_use]
pub fn is_open(value: &[u8], now: LocalTime) -> Option<bool> {
    let mut days = 0;
    // Whether the days have a window: the next day doesn't belong to them then.
    let mut is_complete = false;
    let mut is_open = false;
    let words = value.split(|&byte| byte == b',' || byte.is_ascii_whitespace());
    for word in words.filter(|word| !word.is_empty()) {
        let (first, last) = ends(word)?;
        if let Some(day) = weekday(first) {
            let more = range(day, weekday(last)?);
            days = if is_complete { more } else { days | more };
            is_complete = false;
        } else {
            is_open |= is_within(time(first)?, time(last)?, days, now)?;
            is_complete = true;
        }
    }
    is_complete.then_some(is_open)
}

/// What precedes and what follows the first `-`; twice the whole where there is none.
fn ends(word: &[u8]) -> Option<(&[u8], &[u8])> {
    match word.iter().position(|&byte| byte == b'-') {
        Some(place) => Some((word.get(..place)?, word.get(place + 1..)?)),
        None => Some((word, word)),
    }
}

/// The number of a day; 0 is Monday.
fn weekday(name: &[u8]) -> Option<usize> {
    const NAMES: [[u8; 3]; 7] = [
        *b"mon", *b"tue", *b"wed", *b"thu", *b"fri", *b"sat", *b"sun",
    ];
    NAMES.iter().position(|day| day.eq_ignore_ascii_case(name))
}

/// A bit for each day from `first` to `last`, of two weeks where they go over the weekend.
fn range(first: usize, last: usize) -> u32 {
    let last = if last < first { last + 7 } else { last };
    (2 << last) - (1 << first)
}

/// Whether a window is open that begins on these days, or on each where there are none; `None` where it is no window.
fn is_within(begin: u32, end: u32, days: u32, now: LocalTime) -> Option<bool> {
    if begin == end || begin == MINUTES_A_DAY {
        return None;
    }
    let end = if end < begin {
        end + MINUTES_A_DAY
    } else {
        end
    };
    // No window is longer than a day, so there is one day on which it may have begun. It is looked up from the first week's
    // Sunday to that of the second.
    let (day, minute) = if now.minute < begin {
        (now.weekday + 6, now.minute + MINUTES_A_DAY)
    } else {
        (now.weekday + 7, now.minute)
    };
    let days = days | days << 7;
    Some(minute < end && (days == 0 || days >> day & 1 != 0))
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
