//! Rules for a zone's time as POSIX has them in `TZ`: `CET-1CEST,M3.5.0,M10.5.0/3`.
//!
//! With the extensions of RFC 9636, section 3.3.1: `<+0330>-3:30`, and times of day from -167 to 167 hours.

use crate::local::DAY;

/// When summer time begins and ends where a rule doesn't say it: as in the United States.
const UNSAID: &[u8] = b",M3.2.0,M11.1.0";

/// How many seconds clocks are ahead of UTC at `utc`, in seconds since 1970; `None` where `rule` is none, whatever the
/// time.
pub(crate) fn offset(rule: &[u8], utc: u32) -> Option<i32> {
    let mut rule = Scanner(rule);
    let standard = rule.standard()?;
    if rule.0.is_empty() {
        return Some(standard);
    }
    let summer = rule.summer(standard)?;
    if rule.0.is_empty() {
        rule = Scanner(UNSAID);
    }
    last_change(rule, utc, standard, summer)
}

/// The offset since the last change up to `utc`, of those that `dates` says for each year.
///
/// That may be one of last year, or one of next year that a time of day of -167 hours has moved into this.
fn last_change(dates: Scanner, utc: u32, standard: i32, summer: i32) -> Option<i32> {
    let (today, now) = (utc / DAY, (utc % DAY) as i32);
    let (mut last, mut offset) = (i32::MIN, standard);
    // Last year, or the one before: leap years are rare.
    let first = 1969 + today / 366;
    for number in first..first + 4 {
        let year = Year::new(number);
        let mut dates = dates;
        let (mut before, mut after) = (standard, summer);
        for _ in 0..2 {
            let (day, time) = dates.change(&year)?;
            let change = (day - today as i32) * DAY as i32 + time - before;
            // Of two at once the one that is further on in the rule counts: there is summer all year.
            if last <= change && change <= now {
                (last, offset) = (change, after);
            }
            (before, after) = (after, before);
        }
        if !dates.0.is_empty() {
            return None;
        }
    }
    Some(offset)
}

/// A year from 1969 to 2107.
struct Year {
    is_leap: bool,
    /// Its first day, in days since 1970.
    begin: i32,
}

impl Year {
    fn new(number: u32) -> Self {
        let leap_days = (number - 1969) / 4 - u32::from(number > 2100);
        Self {
            is_leap: number.is_multiple_of(4) && number != 2100,
            begin: (number as i32 - 1970) * 365 + leap_days as i32,
        }
    }

    /// A day since 1970 by its number in years without a leap day, from 0 on.
    #[inline(never)] // three callers
    fn day(&self, number: u32) -> i32 {
        const LEAP_DAY: u32 = 31 + 28;
        self.begin + number as i32 + i32::from(self.is_leap && number >= LEAP_DAY)
    }
}

/// What is left of a text.
#[derive(Clone, Copy)]
struct Scanner<'a>(&'a [u8]);

impl Scanner<'_> {
    /// Whether `byte` comes next; if so it is taken.
    fn has(&mut self, byte: u8) -> bool {
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.has(byte).then_some(())
    }

    /// A decimal number up to `most`.
    fn number(&mut self, most: u32) -> Option<u32> {
        let mut number = None;
        while let [digit @ b'0'..=b'9', rest @ ..] = self.0 {
            self.0 = rest;
            let next = number.unwrap_or(0) * 10 + u32::from(digit - b'0');
            if next > most {
                return None;
            }
            number = Some(next);
        }
        number
    }

    /// A time's name, of three letters or more; between `<` and `>` digits and signs count too.
    fn name(&mut self) -> Option<()> {
        let is_quoted = self.has(b'<');
        let belongs = |byte: &&u8| match byte {
            b'0'..=b'9' | b'+' | b'-' => is_quoted,
            _ => byte.is_ascii_alphabetic(),
        };
        let length = self.0.iter().take_while(belongs).count();
        self.0 = self.0.get(length..)?;
        (length >= 3 && (!is_quoted || self.has(b'>'))).then_some(())
    }

    /// `[+-]H[:M[:S]]`, in seconds.
    fn time(&mut self, most_hours: u32) -> Option<i32> {
        let is_negative = self.has(b'-');
        if !is_negative {
            self.has(b'+');
        }
        let mut seconds = self.number(most_hours)?;
        for _ in 0..2 {
            seconds *= 60;
            if self.has(b':') {
                seconds += self.number(59)?;
            }
        }
        let seconds = seconds as i32;
        Some(if is_negative { -seconds } else { seconds })
    }

    /// How far a time is ahead of UTC; the rule says how far it is behind.
    fn ahead(&mut self) -> Option<i32> {
        self.time(24).map(|behind| -behind)
    }

    fn standard(&mut self) -> Option<i32> {
        self.name()?;
        self.ahead()
    }

    fn summer(&mut self, standard: i32) -> Option<i32> {
        self.name()?;
        match self.0 {
            [] | [b',', ..] => Some(standard + 3600),
            _ => self.ahead(),
        }
    }

    /// `,DATE[/TIME]`: in days since 1970, and seconds since the day's begin. Without a time it is 2:00.
    fn change(&mut self, year: &Year) -> Option<(i32, i32)> {
        self.expect(b',')?;
        let day = self.date(year)?;
        let time = if self.has(b'/') {
            self.time(167)?
        } else {
            2 * 3600
        };
        Some((day, time))
    }

    /// `Jn`, `n` or `Mm.w.d`.
    fn date(&mut self, year: &Year) -> Option<i32> {
        if self.has(b'M') {
            return self.weekday_of_month(year);
        }
        if !self.has(b'J') {
            return Some(year.begin + self.number(365)? as i32);
        }
        Some(year.day(self.number(365)?.checked_sub(1)?))
    }

    /// `m.w.d`: the month's w-th day d of the week, or its last one where w is 5.
    fn weekday_of_month(&mut self, year: &Year) -> Option<i32> {
        /// Where months begin and end.
        const MONTHS: [u16; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
        /// A Sunday behind all years, in days since 1970.
        const SUNDAY: i32 = 8000 * 7 - 4;

        let month = self.number(12)?.checked_sub(1)?;
        self.expect(b'.')?;
        let week = self.number(5)?.checked_sub(1)? as i32;
        self.expect(b'.')?;
        let weekday = self.number(6)? as i32;

        let &[begin, end, ..] = MONTHS.get(month as usize..)? else {
            return None;
        };
        let begin = year.day(begin.into());
        let ahead = (SUNDAY + weekday - begin) as u32 % 7;
        let day = begin + ahead as i32 + week * 7;
        Some(if day < year.day(end.into()) {
            day
        } else {
            day - 7
        })
    }
}
