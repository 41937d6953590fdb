//! What `TZ` may say, and rules as POSIX has them.

use std::ops::{Range, RangeInclusive};

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{Offset, TimeZone};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use update_lock_window::Zone;

use crate::{LAST, by_rule, seconds, timestamp};

fn year_of(utc: u32) -> i16 {
    Offset::UTC.to_datetime(timestamp(utc)).year()
}

fn is_rule(tz: &str) -> bool {
    matches!(Zone::parse(tz.as_bytes()), Some(Zone::Rule(_)))
}

/// The path of the file that `tz` names.
fn file(tz: &str) -> Option<String> {
    match Zone::parse(tz.as_bytes())? {
        Zone::File { directory, name } => {
            let path = [directory, b"/", name].concat();
            Some(String::from_utf8(path).expect("as it was given"))
        }
        Zone::Rule(_) => None,
    }
}

#[test]
fn utc_needs_no_file() {
    for tz in [
        "", ":", "UTC", ":UTC", "GMT", "Etc/UTC", "Etc/GMT", ":Etc/UTC",
    ] {
        assert_eq!(
            Zone::parse(tz.as_bytes()),
            Some(Zone::Rule(b"UTC0")),
            "{tz:?}"
        );
    }
    assert_eq!(by_rule("UTC0", 0), Some(0));
}

#[test]
fn names_are_files() {
    for (tz, path) in [
        ("Europe/Berlin", "/usr/share/zoneinfo/Europe/Berlin"),
        (":Europe/Berlin", "/usr/share/zoneinfo/Europe/Berlin"),
        (
            "America/Argentina/Buenos_Aires",
            "/usr/share/zoneinfo/America/Argentina/Buenos_Aires",
        ),
        ("Etc/GMT+5", "/usr/share/zoneinfo/Etc/GMT+5"),
        ("GB-Eire", "/usr/share/zoneinfo/GB-Eire"),
        ("NZ-CHAT", "/usr/share/zoneinfo/NZ-CHAT"),
        ("W-SU", "/usr/share/zoneinfo/W-SU"),
        ("CET", "/usr/share/zoneinfo/CET"),
        ("utc", "/usr/share/zoneinfo/utc"),
        (":EST5EDT", "/usr/share/zoneinfo/EST5EDT"),
        ("/etc/localtime", "/etc/localtime"),
        (":/data/zone.tzif", "/data/zone.tzif"),
        // Rules that are none: there will be no such file.
        ("CET-25", "/usr/share/zoneinfo/CET-25"),
        ("CET-1CEST2:60", "/usr/share/zoneinfo/CET-1CEST2:60"),
    ] {
        assert_eq!(file(tz).as_deref(), Some(path), "{tz:?}");
    }
}

#[test]
fn what_is_neither_a_rule_nor_a_name() {
    for tz in [
        "../etc/passwd",
        "Europe/../Berlin",
        ":../x",
        ".",
        "Europe/Berlin.",
        "CET-1CEST,",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M3.5.0,",
        "CET-1CEST,M3.5.0,M10.5.0,",
        "CET-1CEST,M3.5.0,M10.5.0 ",
        "CET-1CEST,M3.5.0,M10.5.0,J1",
        "CET-1CEST,M0.5.0,M10.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.0.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3.5,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/",
        "CET-1CEST,M3.5.0,M10.5.0/168",
        "CET-1CEST,M3.5.0,M10.5.0/-168",
        "CET-1CEST,M3.5.0,M10.5.0/3:60",
        "CET-1CEST,M3.5.0,M10.5.0/3:00:60",
        "CET-1CEST,J0,J300",
        "CET-1CEST,J1,J366",
        "CET-1CEST,0,366",
        "CET-1CEST,M3.5.0/2/3,M10.5.0",
        "CET-1,M3.5.0,M10.5.0",
        "CET,M3.5.0,M10.5.0",
        "CE-1CEST,M3.5.0,M10.5.0",
        "CET-1CE,M3.5.0,M10.5.0",
        "-1CEST,M3.5.0,M10.5.0",
        "<+01-1",
        "<+0>0",
        "<+01",
        "<+01>",
        "<>0",
        "<+01>1,M3.5.0,M10.5.0",
        "CET-1CEST,M 3.5.0,M10.5.0",
        "CET--1CEST,M3.5.0,M10.5.0",
        "CET-1CEST,M3.99999999999.0,M10.5.0",
    ] {
        assert_eq!(Zone::parse(tz.as_bytes()), None, "{tz:?}");
    }
}

#[test]
fn offsets_without_summer() {
    for (rule, offset) in [
        ("CET-1", 3600),
        ("EST5", -18_000),
        ("EST+5", -18_000),
        ("EST05:00:00", -18_000),
        ("<+0330>-3:30", 12_600),
        ("<-03>3", -10_800),
        ("<+0545>-5:45", 20_700),
        ("LMT-0:53:28", 3208),
        ("AAA24:59:59", -89_999),
        ("AAA-24:59:59", 89_999),
        ("GMT+0", 0),
        ("GMT-0", 0),
    ] {
        for utc in [0, 1_795_577_000, LAST] {
            assert_eq!(by_rule(rule, utc), Some(offset), "{rule}");
        }
    }
}

/// When summer begins and ends, and the offsets before and after.
#[test]
fn changes_come_in_their_second() {
    for (rule, change, before, after) in [
        (
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "2026-03-29T01:00Z",
            3600,
            7200,
        ),
        (
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "2026-10-25T01:00Z",
            7200,
            3600,
        ),
        // The United States' dates are meant.
        ("EST5EDT", "2026-03-08T07:00Z", -18_000, -14_400),
        ("EST5EDT", "2026-11-01T06:00Z", -14_400, -18_000),
        ("EST5EDT4", "2026-11-01T06:00Z", -14_400, -18_000),
        // South of the equator.
        (
            "AEST-10AEDT,M10.1.0,M4.1.0/3",
            "2026-04-04T16:00Z",
            39_600,
            36_000,
        ),
        (
            "AEST-10AEDT,M10.1.0,M4.1.0/3",
            "2026-10-03T16:00Z",
            36_000,
            39_600,
        ),
        // Half an hour.
        (
            "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
            "2026-10-03T15:30Z",
            37_800,
            39_600,
        ),
        (
            "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
            "2026-04-04T15:00Z",
            39_600,
            37_800,
        ),
        // Winter as the time that is set back.
        ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-10-25T01:00Z", 3600, 0),
        ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-03-29T01:00Z", 0, 3600),
        // Times of day outside of the day: Greenland, Israel, Gaza.
        (
            "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
            "2026-03-29T01:00Z",
            -7200,
            -3600,
        ),
        (
            "IST-2IDT,M3.4.4/26,M10.5.0",
            "2026-03-27T00:00Z",
            7200,
            10_800,
        ),
        (
            "EET-2EEST,M3.4.4/50,M10.4.4/50",
            "2026-03-28T00:00Z",
            7200,
            10_800,
        ),
        (
            "EET-2EEST,M3.4.4/50,M10.4.4/50",
            "2026-10-23T23:00Z",
            10_800,
            7200,
        ),
        // Up to a week, into another year.
        ("AAA0BBB,M1.1.4/-167,M7.1.3", "2025-12-25T01:00Z", 0, 3600),
        ("AAA0BBB,M7.1.3,M12.5.4/167", "2027-01-06T22:00Z", 3600, 0),
        // Days by number, in a leap year and in others.
        ("AAA0BBB,J59/0,J300", "2028-02-28T00:00Z", 0, 3600),
        ("AAA0BBB,J60/0,J300", "2028-03-01T00:00Z", 0, 3600),
        ("AAA0BBB,J60/0,J300", "2027-03-01T00:00Z", 0, 3600),
        ("AAA0BBB,59/0,300", "2028-02-29T00:00Z", 0, 3600),
        ("AAA0BBB,59/0,300", "2027-03-01T00:00Z", 0, 3600),
        ("AAA0BBB,0/0,300", "2027-01-01T00:00Z", 0, 3600),
        ("AAA0BBB,100,365/0", "2028-12-30T23:00Z", 3600, 0),
        ("AAA0BBB,100,J365/0", "2027-12-30T23:00Z", 3600, 0),
        // The first and the last Sunday of a month that begins with one, and a fifth that is the fourth.
        ("AAA0BBB,M2.1.0/0,M10.5.0", "2026-02-01T00:00Z", 0, 3600),
        ("AAA0BBB,M2.5.0/0,M10.5.0", "2026-02-22T00:00Z", 0, 3600),
        ("AAA0BBB,M3.5.0/0,M10.5.0", "2026-03-29T00:00Z", 0, 3600),
        ("AAA0BBB,M2.5.2/0,M10.5.0", "2028-02-29T00:00Z", 0, 3600),
        ("AAA0BBB,M2.4.6/0,M12.5.4/0", "2026-12-30T23:00Z", 3600, 0),
        // Near the ends of 32 bits.
        (
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "1970-03-29T01:00Z",
            3600,
            7200,
        ),
        (
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "2105-10-25T01:00Z",
            7200,
            3600,
        ),
    ] {
        let change = seconds(change);
        assert_eq!(
            by_rule(rule, change - 1),
            Some(before),
            "{rule} before {change}"
        );
        assert_eq!(
            by_rule(rule, change),
            Some(after),
            "{rule} from {change} on"
        );
    }
}

/// Summer that ends when it begins again, as RFC 9636 writes it, and as it is in files for Morocco.
#[test]
fn summer_all_year() {
    for (rule, offset) in [
        ("XXX3EDT4,0/0,J365/23", -14_400),
        ("EST5EDT,0/0,J365/25", -14_400),
        ("XXX-2<+01>-1,0/0,J365/23", 3600),
    ] {
        for year in 1971..2106 {
            let begin = seconds(&format!("{year}-01-01T00:00Z"));
            for hour in -48..48 {
                let utc = begin.wrapping_add_signed(hour * 3600);
                assert_eq!(by_rule(rule, utc), Some(offset), "{rule} {year} {hour}");
            }
        }
    }
}

/// A rule as a test makes it up.
#[derive(Clone, Debug)]
struct Made {
    standard: i32,
    summer: Option<i32>,
    dates: [(MadeDate, Option<i32>); 2],
}

#[derive(Clone, Copy, Debug)]
enum MadeDate {
    WithoutLeapDay(i16),
    Counted(i16),
    Weekday { month: i8, week: i8, day: i8 },
}

/// Seconds: whole hours, whole minutes, or any.
fn time(hours: i32) -> impl Strategy<Value = i32> + Clone {
    prop_oneof![
        (-hours..=hours).prop_map(|hours| hours * 3600),
        (-hours * 60..=hours * 60).prop_map(|minutes| minutes * 60),
        -hours * 3600..=hours * 3600,
    ]
}

/// `[-]H[:MM[:SS]]`
fn time_text(seconds: i32) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let (hours, minutes, seconds) = (
        seconds.abs() / 3600,
        seconds.abs() / 60 % 60,
        seconds.abs() % 60,
    );
    match (minutes, seconds) {
        (0, 0) => format!("{sign}{hours}"),
        (_, 0) => format!("{sign}{hours}:{minutes:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"),
    }
}

impl MadeDate {
    fn any(days: Range<i16>, months: RangeInclusive<i8>) -> impl Strategy<Value = Self> + Clone {
        let weekday = (months, 1..=5_i8, 0..=6_i8);
        prop_oneof![
            days.clone().prop_map(|day| Self::WithoutLeapDay(day + 1)),
            days.prop_map(Self::Counted),
            weekday.prop_map(|(month, week, day)| Self::Weekday { month, week, day }),
        ]
    }

    fn text(self) -> String {
        match self {
            Self::WithoutLeapDay(day) => format!("J{day}"),
            Self::Counted(day) => format!("{day}"),
            Self::Weekday { month, week, day } => format!("M{month}.{week}.{day}"),
        }
    }

    /// Its midnight in UTC.
    fn in_year(self, year: i16) -> i64 {
        let begin = Date::constant(year, 1, 1);
        let date = match self {
            Self::WithoutLeapDay(day) => begin.with().day_of_year_no_leap(day).build().unwrap(),
            Self::Counted(day) => begin + jiff::Span::new().days(day),
            Self::Weekday { month, week, day } => {
                let weekday = Weekday::from_sunday_zero_offset(day).unwrap();
                let nth = if week == 5 { -1 } else { week };
                Date::constant(year, month, 1)
                    .nth_weekday_of_month(nth, weekday)
                    .unwrap()
            }
        };
        let midnight = date.to_datetime(Time::midnight());
        Offset::UTC.to_timestamp(midnight).unwrap().as_second()
    }
}

impl Made {
    /// With changes in the middle of the year, or anywhere.
    fn any(is_tame: bool) -> impl Strategy<Value = Self> {
        let (days, months, hours) = if is_tame {
            (20..340, 2..=11, 48)
        } else {
            (0..365, 1..=12, 167)
        };
        let date = (MadeDate::any(days, months), option::of(time(hours)));
        let dates = [date.clone(), date];
        (time(24), option::of(time(24)), dates).prop_map(|(standard, summer, dates)| Self {
            standard,
            summer,
            dates,
        })
    }

    fn text(&self) -> String {
        let mut text = format!("<-1x>{}Sum", time_text(-self.standard));
        if let Some(summer) = self.summer {
            text += &time_text(-summer);
        }
        for (date, time) in &self.dates {
            text += &format!(",{}", date.text());
            if let Some(time) = time {
                text += &format!("/{}", time_text(*time));
            }
        }
        text
    }

    fn summer(&self) -> i32 {
        self.summer.unwrap_or(self.standard + 3600)
    }

    /// Each year's two changes: when, and the offset from then on.
    fn changes(&self, year: i16) -> [(i64, i32); 2] {
        let at = |(date, time): (MadeDate, Option<i32>), before: i32| {
            date.in_year(year) + i64::from(time.unwrap_or(7200)) - i64::from(before)
        };
        let [begin, end] = self.dates;
        [
            (at(begin, self.standard), self.summer()),
            (at(end, self.summer()), self.standard),
        ]
    }

    /// What was said last of all that these years say.
    fn offset(&self, utc: u32) -> i32 {
        let year = year_of(utc);
        let changes = (year - 3..=year + 2).flat_map(|year| self.changes(year));
        let past = changes.filter(|(at, _)| *at <= utc.into());
        past.max_by_key(|(at, _)| *at)
            .expect("a change in four years")
            .1
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Rules whose changes stay within their year, as all have them but Morocco's.
    #[test]
    fn rules_are_somebody_elses(made in Made::any(true), utc: u32) {
        let text = made.text();
        let theirs = TimeZone::posix(&text).expect("a rule");
        let year = year_of(utc);
        let changes = made.changes(year).map(|(at, _)| at);
        // Closer to each other, they may come in another order next year.
        prop_assume!(changes[0].abs_diff(changes[1]) > 15 * 86_400);
        let around = changes.iter().flat_map(|at| [at - 1, *at, at + 1]);
        for utc in around.chain([utc.into()]).filter_map(|utc| u32::try_from(utc).ok()) {
            let theirs = theirs.to_offset(timestamp(utc)).seconds();
            prop_assert_eq!(by_rule(&text, utc), Some(theirs), "{} at {}", &text, utc);
        }
    }

    /// All rules, by somebody else's calendar.
    #[test]
    fn rules_over_the_years_end(made in Made::any(false), utc: u32) {
        let text = made.text();
        prop_assert_eq!(by_rule(&text, utc), Some(made.offset(utc)), "{}", text);
        // Around New Year, where it is hardest.
        let year = year_of(utc).max(1971);
        let begin = seconds(&format!("{year}-01-01T00:00Z"));
        for day in -9..9 {
            let utc = begin.wrapping_add_signed(day * 86_400);
            prop_assert_eq!(by_rule(&text, utc), Some(made.offset(utc)), "{} {}", text, utc);
        }
    }

    /// What is understood doesn't depend on the time, and somebody else's rules are understood.
    #[test]
    fn any_words_of_a_rule(
        tz in "(CET|<\\+01>|E|[A-Z]{1,4}|[-+]?[0-9]{1,3}|:[0-9]{2}|,M[0-9]{1,2}\\.[0-6]\\.[0-7]|,J?[0-9]{1,3}|/-?[0-9]{1,3}|,|<|>|\\.){0,9}",
        utc: u32,
    ) {
        let zone = Zone::parse(tz.as_bytes());
        if let Some(zone @ Zone::Rule(_)) = zone {
            prop_assert!(zone.offset(utc, |_, _| None).is_some());
        }
        if TimeZone::posix(&tz).is_ok() {
            prop_assert!(is_rule(&tz), "{tz}");
        }
    }

    #[test]
    fn any_bytes(tz in vec(any::<u8>(), 0..60), utc: u32) {
        if let Some(zone) = Zone::parse(&tz) {
            let _ = zone.offset(utc, |_, _| None);
        }
    }
}
