//! What is open when, on a clock that each case sets as it likes: forwards, backwards, by minutes or by years.

use std::fmt::Write;

use crate::{Place, seconds};

struct Case {
    name: &'static str,
    open: &'static str,
    tz: &'static str,
    /// What the clock shows in UTC, one look after the other, and what is found.
    looks: &'static str,
}

const CASES: &[Case] = &[
    Case {
        name: "every day: the begin is in it, the end is not",
        open: "02:00-04:00",
        tz: "",
        looks: "2026-11-25T01:59:59Z closed, 2026-11-25T02:00:00Z open, 2026-11-25T03:59:59Z open,
            2026-11-25T04:00:00Z closed, 2026-11-26T02:00:00Z open",
    },
    Case {
        name: "over midnight",
        open: "22:00-02:00",
        tz: "",
        looks: "2026-11-25T21:59Z closed, 2026-11-25T22:00Z open, 2026-11-25T23:59Z open, 2026-11-26T00:00Z open,
            2026-11-26T01:59Z open, 2026-11-26T02:00Z closed",
    },
    Case {
        name: "over midnight, it belongs to the day on which it begins",
        open: "Wed 22:00-02:00",
        tz: "",
        looks: "2026-11-25T01:00Z closed, 2026-11-25T22:00Z open, 2026-11-26T01:59Z open, 2026-11-26T22:00Z closed",
    },
    Case {
        name: "over midnight from Sunday to Monday",
        open: "Sun 22:00-02:00",
        tz: "",
        looks: "2026-11-29T01:00Z closed, 2026-11-29T22:00Z open, 2026-11-30T01:59Z open, 2026-11-30T02:00Z closed,
            2026-11-30T22:00Z closed",
    },
    Case {
        name: "over midnight nearly all day",
        open: "Sat 02:01-02:00",
        tz: "",
        looks: "2026-11-28T02:00Z closed, 2026-11-28T02:01Z open, 2026-11-29T01:59Z open, 2026-11-29T02:00Z closed,
            2026-11-29T02:01Z closed",
    },
    Case {
        name: "days from Monday to Friday, and a weekend that is all open",
        open: "Mon-Fri 02:00-04:00, Sat,Sun 00:00-24:00",
        tz: "",
        looks: "2026-11-27T03:59Z open, 2026-11-27T23:59Z closed, 2026-11-28T00:00Z open, 2026-11-29T23:59Z open,
            2026-11-30T00:00Z closed, 2026-11-30T02:00Z open",
    },
    Case {
        name: "days over the weekend",
        open: "Fri-Mon 12:00-13:00",
        tz: "",
        looks: "2026-11-26T12:30Z closed, 2026-11-27T12:30Z open, 2026-11-28T12:30Z open, 2026-11-29T12:30Z open,
            2026-11-30T12:30Z open, 2026-12-01T12:30Z closed",
    },
    Case {
        name: "one day's range",
        open: "Tue-Tue 00:00-24:00",
        tz: "",
        looks: "2026-11-30T23:59Z closed, 2026-12-01T00:00Z open, 2026-12-01T23:59Z open, 2026-12-02T00:00Z closed",
    },
    Case {
        name: "until 24:00, and no further",
        open: "Wed 23:00-24:00",
        tz: "",
        looks: "2026-11-25T22:59Z closed, 2026-11-25T23:59:59Z open, 2026-11-26T00:00Z closed",
    },
    Case {
        name: "two windows that touch at midnight are one",
        open: "23:00-24:00 00:00-01:00",
        tz: "",
        looks: "2026-11-25T22:59Z closed, 2026-11-25T23:59Z open, 2026-11-26T00:00Z open, 2026-11-26T01:00Z closed",
    },
    Case {
        name: "several windows of the same days",
        open: "Mon,Wed 02:00-03:00 12:00-13:00 Thu 05:00-06:00",
        tz: "",
        looks: "2026-11-25T02:30Z open, 2026-11-25T12:30Z open, 2026-11-25T05:30Z closed, 2026-11-26T05:30Z open,
            2026-11-26T02:30Z closed, 2026-11-30T12:30Z open",
    },
    Case {
        name: "every day's window before one day's",
        open: "02:00-03:00 Thu 05:00-06:00",
        tz: "",
        looks: "2026-11-25T02:30Z open, 2026-11-25T05:30Z closed, 2026-11-26T02:30Z open, 2026-11-26T05:30Z open",
    },
    Case {
        name: "the local weekday counts, east of UTC",
        open: "Thu 00:00-06:00",
        tz: "Asia/Tokyo",
        looks: "2026-11-25T14:59Z closed, 2026-11-25T15:00Z open, 2026-11-25T20:59Z open, 2026-11-25T21:00Z closed,
            2026-11-26T15:00Z closed",
    },
    Case {
        name: "the local weekday counts, west of UTC",
        open: "Wed 18:00-24:00",
        tz: "America/Los_Angeles",
        looks: "2026-11-26T01:59Z closed, 2026-11-26T02:00Z open, 2026-11-26T07:59Z open, 2026-11-26T08:00Z closed",
    },
    Case {
        name: "a quarter of an hour from the full one",
        open: "02:00-04:00",
        tz: "Asia/Kathmandu",
        looks: "2026-11-25T20:14Z closed, 2026-11-25T20:15Z open, 2026-11-25T22:14Z open, 2026-11-25T22:15Z closed",
    },
    Case {
        name: "the farthest east: 14 hours",
        open: "Thu 00:00-01:00",
        tz: "Pacific/Kiritimati",
        looks: "2026-11-25T09:59Z closed, 2026-11-25T10:00Z open, 2026-11-25T11:00Z closed",
    },
    Case {
        name: "Berlin in winter and in summer",
        open: "02:00-04:00",
        tz: "Europe/Berlin",
        looks: "2026-01-15T00:59Z closed, 2026-01-15T01:00Z open, 2026-01-15T03:00Z closed,
            2026-07-15T00:00Z open, 2026-07-15T01:59Z open, 2026-07-15T02:00Z closed",
    },
    Case {
        name: "the same by a rule",
        open: "02:00-04:00",
        tz: "CET-1CEST,M3.5.0,M10.5.0/3",
        looks: "2026-01-15T00:59Z closed, 2026-01-15T01:00Z open, 2026-01-15T03:00Z closed,
            2026-07-15T00:00Z open, 2026-07-15T01:59Z open, 2026-07-15T02:00Z closed",
    },
    Case {
        name: "spring: it begins with the skipped hour, and is an hour shorter",
        open: "02:00-04:00",
        tz: "Europe/Berlin",
        looks: "2026-03-29T00:59:59Z closed, 2026-03-29T01:00:00Z open, 2026-03-29T01:59:59Z open,
            2026-03-29T02:00:00Z closed",
    },
    Case {
        name: "spring: a window in the skipped hour doesn't open",
        open: "02:15-02:45",
        tz: "Europe/Berlin",
        looks: "2026-03-28T01:15Z open, 2026-03-29T00:59Z closed, 2026-03-29T01:00Z closed, 2026-03-29T01:15Z closed,
            2026-03-29T01:45Z closed, 2026-03-30T00:15Z open",
    },
    Case {
        name: "autumn: a window in the repeated hour opens twice",
        open: "Sun 02:15-02:45",
        tz: "Europe/Berlin",
        looks: "2026-10-25T00:14Z closed, 2026-10-25T00:15Z open, 2026-10-25T00:45Z closed, 2026-10-25T01:00Z closed,
            2026-10-25T01:15Z open, 2026-10-25T01:45Z closed",
    },
    Case {
        name: "autumn: a window over the repeated hour is an hour longer",
        open: "01:30-03:30",
        tz: "Europe/Berlin",
        looks: "2026-10-24T23:29Z closed, 2026-10-24T23:30Z open, 2026-10-25T00:59Z open, 2026-10-25T01:00Z open,
            2026-10-25T02:29Z open, 2026-10-25T02:30Z closed",
    },
    Case {
        name: "autumn: a window up to the repeated hour's end closes for an hour",
        open: "01:00-02:30",
        tz: "Europe/Berlin",
        looks: "2026-10-25T00:29Z open, 2026-10-25T00:30Z closed, 2026-10-25T01:00Z open, 2026-10-25T01:29Z open,
            2026-10-25T01:30Z closed",
    },
    Case {
        name: "the south: summer ends in April",
        open: "Sun 02:30-03:00",
        tz: "Australia/Sydney",
        looks: "2026-04-04T15:30Z open, 2026-04-04T16:00Z closed, 2026-04-04T16:30Z open, 2026-04-04T17:00Z closed",
    },
    Case {
        name: "the south: summer begins in October, and is there at New Year",
        open: "02:30-03:30",
        tz: "Australia/Sydney",
        looks: "2026-10-03T15:59Z closed, 2026-10-03T16:00Z open, 2026-10-03T16:29Z open, 2026-10-03T16:30Z closed,
            2026-12-31T15:30Z open, 2027-01-01T15:30Z open, 2027-01-01T16:30Z closed",
    },
    Case {
        name: "Lord Howe: half an hour is skipped",
        open: "Sun 02:00-02:31",
        tz: "Australia/Lord_Howe",
        looks: "2026-10-03T15:29Z closed, 2026-10-03T15:30Z open, 2026-10-03T15:31Z closed",
    },
    Case {
        name: "Lord Howe: half an hour is repeated",
        open: "Sun 01:45-02:00",
        tz: "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        looks: "2026-04-04T14:44Z closed, 2026-04-04T14:45Z open, 2026-04-04T15:00Z closed, 2026-04-04T15:14Z closed,
            2026-04-04T15:15Z open, 2026-04-04T15:29Z open, 2026-04-04T15:30Z closed",
    },
    Case {
        name: "Dublin, where summer is the standard time",
        open: "02:00-04:00",
        tz: "Europe/Dublin",
        looks: "2026-01-15T01:59Z closed, 2026-01-15T02:00Z open, 2026-07-15T01:00Z open, 2026-07-15T03:00Z closed",
    },
    Case {
        name: "Cairo: the change comes at the end of the day",
        open: "Thu 23:30-24:00",
        tz: "EET-2EEST,M4.5.5/0,M10.5.4/24",
        looks: "2026-10-29T20:29Z closed, 2026-10-29T20:30Z open, 2026-10-29T21:00Z closed, 2026-10-29T21:29Z closed,
            2026-10-29T21:30Z open, 2026-10-29T22:00Z closed",
    },
    Case {
        name: "Casablanca: Ramadan is written down year by year",
        open: "02:00-03:00",
        tz: "Africa/Casablanca",
        looks: "2026-02-10T01:30Z open, 2026-02-20T01:30Z closed, 2026-02-20T02:30Z open, 2026-04-01T01:30Z open",
    },
    Case {
        name: "a day is left out: Samoa crosses the date line",
        open: "Fri 00:00-24:00",
        tz: "Pacific/Apia",
        looks: "2011-12-30T09:59Z closed, 2011-12-30T10:00Z closed, 2012-01-05T10:00Z open",
    },
    Case {
        name: "a zone that gave summer time up",
        open: "02:00-03:00",
        tz: "Europe/Istanbul",
        looks: "2015-01-15T00:30Z open, 2026-01-15T00:30Z closed, 2026-01-14T23:30Z open",
    },
    Case {
        name: "a boot in 1970, and the clock is set",
        open: "02:00-04:00",
        tz: "Europe/Berlin",
        looks: "1970-01-01T00:00:05Z closed, 1970-01-01T00:01Z closed, 2026-11-25T01:30Z open, 2026-11-25T03:00Z closed",
    },
    Case {
        name: "1970 west of UTC is 1969",
        open: "Wed 16:00-24:00",
        tz: "PST8PDT,M3.2.0,M11.1.0",
        looks: "1970-01-01T00:00Z open, 1970-01-01T07:59:59Z open, 1970-01-01T08:00Z closed",
    },
    Case {
        name: "a boot in 1970 in a window, and the clock is set to outside of it",
        open: "Thu 00:00-02:00",
        tz: "",
        looks: "1970-01-01T00:00Z open, 2026-11-25T01:30Z closed",
    },
    Case {
        name: "a boot at the image's date, and the clock is set by months and over a change",
        open: "02:00-04:00",
        tz: "Europe/Berlin",
        looks: "2026-05-09T07:30Z closed, 2026-11-25T02:30Z open",
    },
    Case {
        name: "the clock is stepped back out of a window, which then opens again",
        open: "02:00-04:00",
        tz: "",
        looks: "2026-11-25T02:00Z open, 2026-11-25T01:58Z closed, 2026-11-25T02:00Z open",
    },
    Case {
        name: "the clock is stepped back into a window",
        open: "02:00-04:00",
        tz: "",
        looks: "2026-11-25T04:00Z closed, 2026-11-25T03:59Z open, 2026-11-25T04:00Z closed",
    },
    Case {
        name: "the clock is stepped back over a change to summer time",
        open: "03:00-04:00",
        tz: "Europe/Berlin",
        looks: "2026-03-29T01:00Z open, 2026-03-29T00:59Z closed, 2026-03-29T01:00Z open",
    },
    Case {
        name: "a step over a whole window leaves it unused",
        open: "02:00-02:05",
        tz: "",
        looks: "2026-11-25T01:59Z closed, 2026-11-25T02:06Z closed, 2026-11-26T02:04Z open",
    },
    Case {
        name: "a window of one minute",
        open: "02:00-02:01",
        tz: "",
        looks: "2026-11-25T01:59:59Z closed, 2026-11-25T02:00:00Z open, 2026-11-25T02:00:59Z open,
            2026-11-25T02:01:00Z closed",
    },
    Case {
        name: "a leap day is a day",
        open: "Tue 00:00-24:00",
        tz: "",
        looks: "2028-02-28T23:59Z closed, 2028-02-29T00:00Z open, 2028-02-29T23:59Z open, 2028-03-01T00:00Z closed",
    },
    Case {
        name: "February has no 29th in 2100",
        open: "Mon 00:00-24:00",
        tz: "",
        looks: "2100-02-28T23:59Z closed, 2100-03-01T00:00Z open",
    },
    Case {
        name: "summer time by a day's number before and after February 2100",
        open: "02:30-03:30",
        tz: "STD0DST,J60,J300",
        looks: "2096-03-01T01:59Z closed, 2096-03-01T02:00Z open, 2096-03-01T02:29Z open, 2096-03-01T02:30Z closed,
            2100-03-01T02:00Z open, 2100-03-01T02:30Z closed, 2104-02-29T02:00Z closed, 2104-03-01T02:00Z open",
    },
    Case {
        name: "over midnight at the end of the year",
        open: "Thu 23:00-01:00",
        tz: "",
        looks: "2026-12-31T22:59Z closed, 2026-12-31T23:00Z open, 2027-01-01T00:59Z open, 2027-01-01T01:00Z closed",
    },
    Case {
        name: "a year that ends at another time here than in UTC",
        open: "Fri 00:00-01:00",
        tz: "NZST-12NZDT,M9.5.0,M4.1.0/3",
        looks: "2026-12-31T10:59Z closed, 2026-12-31T11:00Z open, 2026-12-31T11:59Z open, 2026-12-31T12:00Z closed",
    },
    Case {
        name: "behind the last second of 31 bits",
        open: "Tue 03:14-03:15",
        tz: "",
        looks: "2038-01-19T03:13:59Z closed, 2038-01-19T03:14:07Z open, 2038-01-19T03:14:08Z open,
            2038-01-19T03:15:00Z closed",
    },
    Case {
        name: "behind the last change of a zone file, by its rule",
        open: "02:00-04:00",
        tz: "Europe/Berlin",
        looks: "2060-01-15T01:00Z open, 2060-01-15T03:00Z closed, 2060-07-15T00:00Z open, 2060-07-15T02:00Z closed,
            2105-07-15T00:00Z open",
    },
    Case {
        name: "the last second of 32 bits",
        open: "Sun 06:28-06:29",
        tz: "",
        looks: "2106-02-07T06:27:59Z closed, 2106-02-07T06:28:15Z open",
    },
];

#[test]
fn windows_are_open_when_they_should() {
    assert!(CASES.len() >= 30);
    let mut wrong = String::new();
    for Case {
        name,
        open,
        tz,
        looks,
    } in CASES
    {
        let place = Place::new(tz);
        for look in looks.split(',') {
            let (time, expected) = look
                .trim()
                .split_once(' ')
                .expect("a time and what is expected");
            assert!(matches!(expected, "open" | "closed"), "{name}: {look}");
            let is_open = place.is_open(open, seconds(time));
            if is_open != (expected == "open") {
                writeln!(wrong, "{name}: not {expected} at {time}").expect("a string");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Each case has both: a function that answers one thing always passes none.
#[test]
fn each_case_sees_open_and_closed() {
    for Case { name, looks, .. } in CASES {
        assert!(
            looks.contains(" open") && looks.contains(" closed"),
            "{name}"
        );
    }
}
