//! Command lines that can't be understood.

use crate::common::{Device, Lock};

scenarios![
    no_command,
    an_unknown_command_or_option,
    an_option_of_another_command,
    a_missing_value,
    a_time_without_meaning,
    a_time_with_meaning,
    an_exit_code_out_of_range,
    run_without_a_command,
    too_many_arguments,
    what_is_wrong_and_the_help_that_has_it,
    an_option_without_what_it_needs,
    control_characters_are_not_repeated,
];

/// A usage error that repeats the word which it is about; nothing is run, and no lock is taken.
#[track_caller]
fn expect_usage_error<const N: usize>(device: &Device, words: [&str; N], about: &str) {
    let lock = Lock::new();
    let outcome = device.at(&lock, words).end();
    let line = outcome.fails_with(64);
    assert!(line.contains(about), "{about:?} isn't in {line:?}");
    assert!(line.contains("help"), "it says where help is: {line:?}");
    assert!(!lock.file("ran").exists());
    assert!(!lock.is_there());
}

fn no_command(device: &Device) {
    expect_usage_error(device, [], "command");
    device.update_lock([]).end().fails_with(64);
}

fn an_unknown_command_or_option(device: &Device) {
    expect_usage_error(device, ["sprint", "--", "touch", "ran"], "sprint");
    expect_usage_error(device, ["run", "--hurry", "--", "touch", "ran"], "--hurry");
    expect_usage_error(
        device,
        ["run", "--no-waiting", "--", "touch", "ran"],
        "--no-waiting",
    );
    expect_usage_error(device, ["run", "-x", "--", "touch", "ran"], "-x");
    expect_usage_error(device, ["help", "sprint"], "sprint");
    expect_usage_error(device, ["status", "--yaml"], "--yaml");
}

fn an_option_of_another_command(device: &Device) {
    expect_usage_error(device, ["run", "--json", "--", "touch", "ran"], "--json");
    expect_usage_error(device, ["status", "--no-wait"], "--no-wait");
}

fn a_missing_value(device: &Device) {
    expect_usage_error(device, ["--lock"], "--lock");
    expect_usage_error(device, ["run", "--wait"], "--wait");
    expect_usage_error(device, ["run", "-E"], "-E");
}

fn a_time_without_meaning(device: &Device) {
    for time in [
        "",
        "5",
        "s",
        "5 s",
        "-5s",
        "1.5s",
        "5S",
        "5d",
        "99999999999999h",
    ] {
        expect_usage_error(
            device,
            ["run", "--wait", time, "--", "touch", "ran"],
            "--wait",
        );
    }
}

fn a_time_with_meaning(device: &Device) {
    for time in ["0ms", "500ms", "30s", "5m", "2h"] {
        let lock = Lock::new();
        device
            .at(&lock, ["run", "--wait", time, "--", "true"])
            .end()
            .succeeds();
        let option = format!("--wait={time}");
        device
            .at(&lock, ["run", &option, "--", "true"])
            .end()
            .succeeds();
    }
}

fn an_exit_code_out_of_range(device: &Device) {
    for code in ["", "256", "-1", "seven", "4294967296"] {
        expect_usage_error(device, ["run", "-E", code, "--", "touch", "ran"], "-E");
    }
}

fn run_without_a_command(device: &Device) {
    expect_usage_error(device, ["run"], "command");
    expect_usage_error(device, ["run", "--no-wait", "--"], "command");
}

fn too_many_arguments(device: &Device) {
    expect_usage_error(device, ["status", "now"], "now");
    expect_usage_error(device, ["doctor", "now"], "now");
}

fn what_is_wrong_and_the_help_that_has_it(device: &Device) {
    let nine = [&["hold"][..], &["--open=02:00-04:00"; 9]].concat();
    for (words, expected) in [
        (&[][..], "no command; see 'update-lock help'"),
        (
            &["sprint"],
            "unknown command 'sprint'; see 'update-lock help'",
        ),
        (&["--lock"], "--lock: no value; see 'update-lock help'"),
        (
            &["run", "--wait", "5", "true"],
            "--wait: '5' can't be understood; see 'update-lock help run'",
        ),
        (
            &["hold", "--open", ""],
            "--open: '' can't be understood; see 'update-lock help hold'",
        ),
        (
            &nine,
            "--open: more than eight; see 'update-lock help hold'",
        ),
        (
            &["acquire", "--json"],
            "unknown option '--json'; see 'update-lock help acquire'",
        ),
        (
            &["acquire", "--for"],
            "--for: no value; see 'update-lock help acquire'",
        ),
        (
            &["status", "now"],
            "too many arguments: 'now'; see 'update-lock help status'",
        ),
        (&["run"], "no command to run; see 'update-lock help run'"),
    ] {
        let line = device
            .update_lock([])
            .args(words.iter().copied())
            .end()
            .fails_with(64);
        assert_eq!(line, format!("update-lock: {expected}"));
    }
    let run = device
        .update_lock(["run", "true"])
        .env("UPDATE_LOCK_WAIT", "5");
    assert_eq!(
        run.end().fails_with(64),
        "update-lock: UPDATE_LOCK_WAIT: '5' can't be understood; see 'update-lock help run'"
    );
}

fn an_option_without_what_it_needs(device: &Device) {
    for (words, needs) in [
        (["run", "--or-run", "true"], "--or-run needs --wait"),
        (
            ["run", "--trust-clock", "true"],
            "--trust-clock needs --open",
        ),
        (
            ["hold", "--trust-clock", "--reason=-"],
            "--trust-clock needs --open",
        ),
        (["hold", "--every", "5s"], "--every needs --while"),
    ] {
        expect_usage_error(device, words, needs);
    }
    let lock = Lock::new();
    let hold = device.at(&lock, ["hold"]).env("UPDATE_LOCK_EVERY", "5s");
    let line = hold.end().fails_with(64);
    assert!(line.contains("--every needs --while"), "{line}");
    // What a variable says of the device's clock is nothing to a command without windows.
    let run = device.at(&lock, ["run", "true"]);
    run.env("UPDATE_LOCK_TRUST_CLOCK", "1").end().succeeds();
}

/// What an argument says may come from anywhere, and goes to a log or a terminal.
fn control_characters_are_not_repeated(device: &Device) {
    let lock = Lock::new();
    let line = device
        .at(&lock, ["run", "--\u{1b}[2J\nupdate-lock: fine"])
        .end()
        .fails_with(64);
    assert!(!line.contains('\u{1b}'), "{line:?}");
}
