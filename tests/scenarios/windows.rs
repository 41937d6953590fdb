//! `--open`: updates come in windows of the local clock, and only there.
//!
//! The clock is the machine's own. A zone makes it show what the scenario wants: `LOC-05:17:23` is a rule, too.

use std::fs;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;

use crate::common::holder::Waiter;
use crate::common::{Device, Holder, Invocation, Lock, peers, wait};

scenarios![
    a_window_opens_and_the_lock_is_given_back,
    a_window_closes_and_the_lock_is_taken,
    a_run_in_a_window_starts_its_command_unprotected,
    a_run_outside_of_its_windows_has_the_lock,
    a_run_that_waits_starts_when_a_window_opens,
    a_window_that_closes_waits_for_a_busy_supervisor,
    a_window_gives_back_what_an_earlier_start_left,
    one_of_several_windows_is_enough,
    the_command_line_takes_the_place_of_the_variable,
    a_zone_file_counts_as_a_rule_does,
    a_zone_file_is_read_once_a_minute,
    a_zone_that_is_unknown_is_an_error,
    a_window_that_is_none_is_an_error,
    a_clock_that_is_not_set_keeps_windows_shut,
    a_clock_that_is_set_later_opens_them,
    what_a_dead_holder_leaves_in_a_window_is_given_back,
];

const DAY: i64 = 24 * 60 * 60;

/// How far a zone's clocks are ahead of UTC if they show `hours:minutes:seconds` now, and not more than half a day.
fn ahead(hours: i64, minutes: i64, seconds: i64) -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    let wanted = (hours * 60 + minutes) * 60 + seconds;
    let ahead = (wanted - now.as_secs().cast_signed()).rem_euclid(DAY);
    if ahead > DAY / 2 { ahead - DAY } else { ahead }
}

/// The rule of such a zone.
pub(crate) fn clock_at(hours: i64, minutes: i64, seconds: i64) -> String {
    let ahead = ahead(hours, minutes, seconds);
    let (sign, size) = if ahead < 0 {
        ("+", -ahead)
    } else {
        ("-", ahead)
    };
    let (minutes, seconds) = (size / 60, size % 60);
    format!("LOC{sign}{}:{}:{seconds}", minutes / 60, minutes % 60)
}

/// `update-lock COMMAND --trust-clock OPTIONS` under a clock.
pub(crate) fn under(device: &Device, lock: &Lock, clock: &str, words: &[&str]) -> Invocation {
    let [command, options @ ..] = words else {
        panic!("no command");
    };
    device
        .at(lock, [command, "--trust-clock"])
        .args(options)
        .env("TZ", clock)
}

fn a_window_opens_and_the_lock_is_given_back(device: &Device) {
    let lock = Lock::new();
    let clock = clock_at(1, 59, 54);
    let mut hold = under(device, &lock, &clock, &["hold", "--open", "02:00-04:00"]).start();
    hold.until_says("locked now");
    assert!(!peers::supervisor_takes(&lock));
    hold.until_says("given back");
    wait::until("the lock is free", || !lock.is_there());
    assert!(peers::supervisor_takes(&lock));
    peers::supervisor_releases(&lock);
    hold.signal(Signal::SIGTERM);
    let outcome = hold.end().exits_with(143);
    assert_eq!(outcome.errors.matches("locked now").count(), 1);
}

fn a_window_closes_and_the_lock_is_taken(device: &Device) {
    let lock = Lock::new();
    let clock = clock_at(3, 59, 54);
    // Over midnight, so that the day before counts.
    let open = ["hold", "--open", "Mon-Sun 22:00-04:00"];
    lock.make_stale(0);
    let mut hold = under(device, &lock, &clock, &open).start();
    wait::until("the window is seen to be open", || !lock.is_there());
    assert_eq!(hold.errors().matches("locked now").count(), 0);
    hold.until_says("locked now");
    assert!(!hold.errors().contains("given back"), "{}", hold.errors());
    assert!(!peers::supervisor_takes(&lock));
    assert!(!peers::host_may_reboot(&lock));
    hold.signal(Signal::SIGTERM);
    hold.end().exits_with(143);
    assert!(!lock.is_there());
}

fn a_run_in_a_window_starts_its_command_unprotected(device: &Device) {
    let lock = Lock::new();
    let clock = clock_at(3, 59, 54);
    let holder = Waiter::start_as(
        device,
        &lock,
        &["--trust-clock", "--open", "02:00-04:00"],
        |run| run.env("TZ", &clock),
    )
    .until_holds();
    holder.run.until_says("locked now");
    assert!(!peers::supervisor_takes(&lock));
    holder.finish().exits_with(0);
    assert!(!lock.is_there());
}

fn a_run_outside_of_its_windows_has_the_lock(device: &Device) {
    let lock = Lock::new();
    let clock = clock_at(1, 59, 54);
    let holder = Waiter::start_as(
        device,
        &lock,
        &["--trust-clock", "--open", "02:00-04:00"],
        |run| run.env("TZ", &clock),
    )
    .until_holds();
    holder.run.until_says("given back");
    wait::until("the lock is free", || !lock.is_there());
    assert!(peers::supervisor_takes(&lock));
    holder.finish().exits_with(0);
    // Nobody took it for ours.
    assert_eq!(lock.mode_and_user(), (0o444, peers::NOBODY));
}

fn a_run_that_waits_starts_when_a_window_opens(device: &Device) {
    let lock = Lock::new();
    let other = Holder::start(device, &lock);
    let clock = clock_at(1, 59, 54);
    let waiter = Waiter::start_as(
        device,
        &lock,
        &["--trust-clock", "--open", "02:00-04:00"],
        |run| run.env("TZ", &clock),
    );
    let waiter = waiter.until_waits().until_holds();
    assert!(lock.is_there(), "the other's");
    waiter.finish().exits_with(0);
    other.finish().succeeds();
}

fn a_window_that_closes_waits_for_a_busy_supervisor(device: &Device) {
    let lock = Lock::new();
    lock.make_stale(0);
    let clock = clock_at(3, 59, 54);
    let hold = under(device, &lock, &clock, &["hold", "--open", "02:00-04:00"]).start();
    wait::until("the window is seen to be open", || !lock.is_there());
    assert!(peers::supervisor_takes(&lock));
    hold.until_says("held by the Supervisor");
    assert_eq!(lock.mode_and_user(), (0o444, peers::NOBODY));
    peers::supervisor_releases(&lock);
    hold.until_says("locked now");
}

fn a_window_gives_back_what_an_earlier_start_left(device: &Device) {
    for command in [&["hold"][..], &["run"]] {
        let lock = Lock::new();
        lock.make_stale(0);
        let clock = clock_at(12, 0, 0);
        let words = [command, &["--open=00:00-24:00", "--", "cat"]].concat();
        let words = if command == ["hold"] {
            &words[..2]
        } else {
            &words
        };
        let _process = under(device, &lock, &clock, words).start();
        wait::until("the lock is free", || !lock.is_there());
    }
}

fn one_of_several_windows_is_enough(device: &Device) {
    for windows in [
        &["--open", "01:00-02:00", "--open", "12:00-13:00"][..],
        &["--open", "01:00-02:00, 12:00-13:00"],
    ] {
        let lock = Lock::new();
        let clock = clock_at(12, 30, 0);
        let words = [&["run"], windows, &["--", "test", "!", "-e"]].concat();
        let run = under(device, &lock, &clock, &words).arg(lock.path());
        run.end().exits_with(0);
    }
}

fn the_command_line_takes_the_place_of_the_variable(device: &Device) {
    let lock = Lock::new();
    let clock = clock_at(12, 30, 0);
    let variable = |words: &[&str]| {
        under(device, &lock, &clock, words)
            .arg(lock.path())
            .env("UPDATE_LOCK_OPEN", "01:00-02:00,Mon-Sun 12:00-13:00")
    };
    variable(&["run", "--", "test", "!", "-e"])
        .end()
        .exits_with(0);
    variable(&["run", "--open", "01:00-02:00", "--", "test", "-e"])
        .end()
        .exits_with(0);
}

/// A zone file of version 1: the magic, its version, six counts, of which one type with a name of four letters; the type; the
/// name.
fn zone(ahead: i64) -> Vec<u8> {
    let mut file = b"TZif".to_vec();
    file.extend([0; 16]);
    for count in [0_u32, 0, 0, 0, 1, 4] {
        file.extend(count.to_be_bytes());
    }
    file.extend(i32::try_from(ahead).expect("an offset").to_be_bytes());
    file.extend(*b"\0\0LOC\0");
    file
}

fn a_zone_file_counts_as_a_rule_does(device: &Device) {
    let lock = Lock::new();
    let path = lock.file("zone");
    fs::write(&path, zone(ahead(12, 30, 0))).expect("a zone file");
    let words = ["run", "--open", "12:00-13:00", "--", "test", "!", "-e"];
    for prefix in ["", ":"] {
        let clock = format!("{prefix}{}", path.display());
        let run = under(device, &lock, &clock, &words).arg(lock.path());
        run.end().exits_with(0);
    }
    fs::write(&path, &zone(0)[..46]).expect("half a zone file");
    let run = under(device, &lock, path.to_str().expect("text"), &words);
    run.end().fails_on(64, &path);
}

/// However often the clock is: a read is seen by the magic that it gives, a look at the clock by the question whether that is
/// set.
fn a_zone_file_is_read_once_a_minute(device: &Device) {
    const LOOKS: usize = 12;
    let lock = Lock::new();
    let path = lock.file("zone");
    fs::write(&path, zone(ahead(12, 30, 0))).expect("a zone file");
    let start = Instant::now();
    let strace = ["strace", "-D", "-qq", "-o", "calls", "-e"];
    let strace = strace
        .into_iter()
        .chain(["trace=pread64,adjtimex,clock_adjtime"]);
    let hold = device.at(&lock, ["hold", "--open", "01:00-02:00"]);
    let _hold = hold.env("TZ", &path).through(strace).start();
    let count = |what| lock.read("calls").matches(what).count();
    wait::until("the clock was looked at", || count("adj") >= LOOKS);
    // At the start, then, and for each minute that has begun since.
    let most = 3 + start.elapsed().as_secs() / 60;
    let reads = count("\"TZif\"");
    assert!(
        (2..=most).contains(&(reads as u64)),
        "{}",
        lock.read("calls")
    );
}

fn a_zone_that_is_unknown_is_an_error(device: &Device) {
    for zone in [
        "Nowhere/Land",
        "CET-1CEST,M3",
        "../etc/passwd",
        ":/etc/passwd",
    ] {
        let lock = Lock::new();
        let run = under(
            device,
            &lock,
            zone,
            &["run", "--open", "02:00-04:00", "--", "true"],
        );
        run.end().fails_on(64, zone);
        let hold = under(device, &lock, zone, &["hold", "--open", "02:00-04:00"]);
        hold.end().fails_on(64, zone);
        // Who has no windows needs no zone.
        let run = device.at(&lock, ["run", "--", "true"]).env("TZ", zone);
        run.end().succeeds();
    }
}

fn a_window_that_is_none_is_an_error(device: &Device) {
    let lock = Lock::new();
    let nine = ["--open=01:00-02:00"; 9];
    for windows in [
        &["--open", "2:00-04:00"][..],
        &["--open", "02:00-25:00"],
        &["--open", "02:00-02:00"],
        &["--open", "Someday 02:00-04:00"],
        &["--open", "Mon"],
        &["--open="],
        &nine,
    ] {
        let words = [&["run"], windows, &["--", "true"]].concat();
        let run = under(device, &lock, "", &words);
        run.end().fails_on(64, "--open");
    }
    let run = under(device, &lock, "", &["run", "--", "true"]).env("UPDATE_LOCK_OPEN", "always");
    run.end().fails_on(64, "UPDATE_LOCK_OPEN");
}

/// What the kernel says of its clock: 5 where that isn't set. (By the second call under an emulator.)
fn with_clock_states<const N: usize>(hold: Invocation, states: [&str; N]) -> Invocation {
    let options = [
        "strace",
        "-D",
        "-qq",
        "-o",
        "calls",
        "-e",
        "trace=adjtimex,clock_adjtime",
    ];
    let inject = |state| {
        [
            "-e".into(),
            format!("inject=adjtimex,clock_adjtime:{state}"),
        ]
    };
    let options = options.into_iter().map(String::from);
    hold.through(options.chain(states.into_iter().flat_map(inject)))
}

fn a_clock_that_is_not_set_keeps_windows_shut(device: &Device) {
    let lock = Lock::new();
    let hold = device.at(&lock, ["hold", "--open", "00:00-24:00"]);
    let hold = with_clock_states(hold, ["retval=5"]).start();
    hold.until_says("before NTP has set the clock");
    hold.until_says("locked now");
    assert!(!peers::supervisor_takes(&lock));
}

fn a_clock_that_is_set_later_opens_them(device: &Device) {
    let lock = Lock::new();
    let hold = device.at(&lock, ["hold", "--open", "00:00-24:00"]);
    let states = ["retval=5:when=1..4", "retval=0:when=5+"];
    let hold = with_clock_states(hold, states).start();
    hold.until_says("locked now");
    hold.until_says("given back");
    wait::until("the lock is free", || !lock.is_there());
}

fn what_a_dead_holder_leaves_in_a_window_is_given_back(device: &Device) {
    let lock = Lock::new();
    let run = Waiter::start_as(
        device,
        &lock,
        &["--trust-clock", "--open", "00:00-24:00"],
        |run| run,
    );
    let run = run.until_holds();
    assert!(!lock.is_there(), "it is idle");
    lock.make_stale(0);
    wait::until("the lock is free", || !lock.is_there());
    run.finish().exits_with(0);
}
