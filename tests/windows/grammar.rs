//! What a person may write for `--open`.

use jiff::civil::Weekday;
use jiff::tz::Offset;
use proptest::collection::vec;
use proptest::prelude::*;
use update_lock_window::{LocalTime, is_open};

use crate::timestamp;

const WEEK: i32 = 7 * 1440;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

fn has_meaning(value: &str) -> bool {
    is_open(value.as_bytes(), LocalTime::default()).is_some()
}

/// The minutes of a week, from Monday on, in which `value` is open; `None` where it has no meaning at some of them.
fn open_minutes(value: &str) -> Option<Vec<i32>> {
    // 1970-01-05 was a Monday.
    let times = (0..WEEK).map(|minute| LocalTime::new(4 * 86_400 + minute as u32 * 60, 0));
    let open: Option<Vec<_>> = times.map(|time| is_open(value.as_bytes(), time)).collect();
    let open = (0..).zip(open?);
    Some(
        open.filter_map(|(minute, open)| open.then_some(minute))
            .collect(),
    )
}

#[test]
fn what_means_the_same() {
    for (value, same) in [
        ("02:00-04:00", "Mon-Sun 02:00-04:00"),
        ("02:00-04:00", ",, \t02:00-04:00\n,"),
        ("02:00-04:00", "Thu-Wed 02:00-04:00"),
        ("00:00-24:00", "12:00-24:00 00:00-12:00"),
        ("00:00-24:00", "12:00-11:59 11:59-12:00"),
        ("22:00-02:00", "22:00-24:00,00:00-02:00"),
        ("Mon-Fri 02:00-04:00", "mon-FRI,02:00-04:00"),
        ("Mon-Fri 02:00-04:00", "Mon Tue,Wed-Thu Fri 02:00-04:00"),
        ("Fri-Mon 02:00-04:00", "Sat,Sun,Fri,Mon,Sun 02:00-04:00"),
        ("Mon-Mon 02:00-04:00", "Mon 02:00-04:00"),
        ("Sun 22:00-02:00", "Sun 22:00-24:00 Mon 00:00-02:00"),
        (
            "Mon 02:00-04:00 05:00-06:00",
            "Mon 02:00-04:00 Mon 05:00-06:00",
        ),
        (
            "02:00-04:00 Mon 05:00-06:00",
            "Mon 05:00-06:00 Mon-Sun 02:00-04:00",
        ),
        ("02:00-04:00 03:00-05:00", "02:00-05:00"),
    ] {
        let minutes = open_minutes(value).expect("a meaning");
        assert!(!minutes.is_empty());
        assert_eq!(Some(minutes), open_minutes(same), "{value} and {same}");
    }
}

#[test]
fn what_has_no_meaning() {
    for value in [
        "",
        " ",
        ",",
        "-",
        "02:00",
        "02:00-",
        "-04:00",
        "02:00-04:00-06:00",
        "2:00-04:00",
        "02:00-4:00",
        "02:0-04:00",
        "002:00-04:00",
        "02:000-04:00",
        "02:00:00-04:00",
        "02.00-04.00",
        "25:00-26:00",
        "02:00-25:00",
        "02:60-04:00",
        "02:00-04:60",
        "24:00-02:00",
        "24:00-24:00",
        "23:00-24:01",
        "02:00-02:00",
        "00:00-00:00",
        "0a:00-04:00",
        "+2:00-04:00",
        "0::00-04:00",
        "02:0:-04:00",
        "02:00_04:00",
        "02:00–04:00",
        "Mon",
        "Mon-Fri",
        "02:00-04:00 Mon",
        "Mon 02:00-04:00, Sat,Sun",
        "Mon-",
        "-Mon",
        "Mon- 02:00-04:00",
        "Mon -Fri 02:00-04:00",
        "Mon-Fri-Sun 02:00-04:00",
        "Mo 02:00-04:00",
        "Monday 02:00-04:00",
        "M\u{17f}n 02:00-04:00",
        "Mon-02:00 03:00-04:00",
        "02:00-Mon",
        "on 02:00-04:00",
        "daily 02:00-04:00",
        "Mon;02:00-04:00",
        "Mon\0 02:00-04:00",
        "MonTue 02:00-04:00",
        "02:00-04:00 always",
        "ont 02:00-04:00",
    ] {
        assert!(!has_meaning(value), "{value:?}");
    }
}

#[test]
fn every_minute_of_the_day_may_be_written() {
    let time = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
    for minute in 0..1440 {
        let value = format!("Wed {}-{}", time(minute), time(minute + 1));
        let is_open = |minute: u32| is_open(value.as_bytes(), LocalTime::new(minute * 60, 0));
        // 1970-01-07 was a Wednesday.
        let minute = 6 * 1440 + minute;
        let found = [minute - 1, minute, minute + 1].map(is_open);
        assert_eq!(found, [Some(false), Some(true), Some(false)], "{value}");
    }
}

/// No short word of this vocabulary has a meaning that isn't written here.
#[test]
fn short_words_over_a_hostile_vocabulary() {
    let pieces = [
        "Mon", "Sun", "-", ":", "0", "00", "24", "00:00", "12:34", "24:00", ",", " ",
    ];
    let mut words = vec![String::new()];
    for _ in 0..5 {
        let longer: Vec<_> = words
            .iter()
            .flat_map(|word| pieces.map(|piece| format!("{word}{piece}")))
            .collect();
        words = longer;
        for word in &words {
            assert_eq!(has_meaning(word), has_meaning_by_the_book(word), "{word:?}");
        }
    }
}

/// The grammar once more, in the words of the documentation.
fn has_meaning_by_the_book(value: &str) -> bool {
    let words: Vec<_> = value
        .split([' ', ','])
        .filter(|word| !word.is_empty())
        .collect();
    let is_day = |word: &str| DAYS.contains(&word);
    let is_days = |word: &str| {
        is_day(word)
            || word
                .split_once('-')
                .is_some_and(|(first, last)| is_day(first) && is_day(last))
    };
    let is_time = |time: &str| matches!(time, "00:00" | "00:24" | "12:34" | "24:00");
    let is_window = |word: &str| {
        word.split_once('-').is_some_and(|(begin, end)| {
            is_time(begin) && is_time(end) && begin != "24:00" && begin != end
        })
    };
    words.iter().all(|word| is_days(word) || is_window(word))
        && words.last().is_some_and(|word| is_window(word))
}

/// A window as a test makes it up.
#[derive(Clone, Debug)]
struct Made {
    days: Vec<usize>,
    begin: i32,
    length: i32,
}

impl Made {
    fn any() -> impl Strategy<Value = Self> {
        (vec(0..7_usize, 0..4), 0..1440, 1..=1440).prop_map(|(days, begin, length)| Self {
            // All day only up to midnight: it can't be written otherwise.
            length: if length == 1440 { 1440 - begin } else { length },
            days,
            begin,
        })
    }

    fn text(&self) -> String {
        let end = self.begin + self.length;
        let end = if end > 1440 { end - 1440 } else { end };
        let time = |minute: i32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let days: String = self
            .days
            .iter()
            .map(|&day| format!("{} ", DAYS[day]))
            .collect();
        format!("{days}{}-{}", time(self.begin), time(end))
    }

    /// Minute by minute of the week, not day by day.
    fn has(&self, minute: i32) -> bool {
        let all: Vec<_> = (0..7).collect();
        let days = if self.days.is_empty() {
            &all
        } else {
            &self.days
        };
        let mut begins = days.iter().map(|&day| day as i32 * 1440 + self.begin);
        begins.any(|begin| (minute - begin).rem_euclid(WEEK) < self.length)
    }
}

proptest! {
    /// The windows of each one's own days, by another computation and another calendar.
    #[test]
    fn any_windows_at_any_time(windows in vec(Made::any(), 1..4), utc: u32, offset in -93_599..93_600) {
        // Behind others a window needs days, or else it has theirs.
        prop_assume!(windows.iter().skip(1).all(|window| !window.days.is_empty()));
        let value: Vec<_> = windows.iter().map(Made::text).collect();
        let now = Offset::from_seconds(offset).unwrap().to_datetime(timestamp(utc));
        let minute = i32::from(now.weekday().since(Weekday::Monday)) * 1440
            + i32::from(now.hour()) * 60 + i32::from(now.minute());
        let expected = windows.iter().any(|window| window.has(minute));
        let found = is_open(value.join(", ").as_bytes(), LocalTime::new(utc, offset));
        prop_assert_eq!(found, Some(expected), "{:?}", value);
    }

    /// Whether there is a meaning doesn't depend on the time.
    #[test]
    fn any_bytes(value in vec(any::<u8>(), 0..40), utc: u32, offset: i32) {
        let (now, monday) = (LocalTime::new(utc, offset), LocalTime::default());
        prop_assert_eq!(is_open(&value, now).is_some(), is_open(&value, monday).is_some());
    }

    #[test]
    fn any_words(value in "(Mon|sun|FRI|0[0-9]|2[0-9]|[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}|-|:| |,){0,9}", utc: u32) {
        let (now, monday) = (LocalTime::new(utc, 0), LocalTime::default());
        prop_assert_eq!(is_open(value.as_bytes(), now).is_some(), has_meaning(&value));
        prop_assert_eq!(is_open(value.as_bytes(), monday).is_some(), has_meaning(&value));
    }
}
