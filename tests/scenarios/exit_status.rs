//! With which code `run` ends.

use std::fs;

use crate::common::peers;
use crate::common::{Device, Lock, Outcome};

scenarios![
    the_commands_exit_code_comes_through,
    a_signal_that_ends_the_command_becomes_128_and_its_number,
    a_real_time_signal_that_ends_the_command_becomes_128_and_its_number,
    a_missing_command_is_127,
    what_cannot_be_executed_is_126,
    a_command_with_a_long_path,
    the_commands_words_come_through,
    the_commands_environment_comes_through,
    minus_e_replaces_the_programs_own_codes,
    minus_e_leaves_the_commands_codes,
];

/// Runs a shell's script under the lock, and finds the lock free afterwards.
#[track_caller]
fn run(device: &Device, script: &str) -> Outcome {
    let lock = Lock::new();
    let outcome = device.at(&lock, ["run", "--", "sh", "-c", script]).end();
    assert!(!lock.is_there(), "released");
    outcome
}

fn the_commands_exit_code_comes_through(device: &Device) {
    for code in [0, 1, 75, 126, 255] {
        let outcome = run(device, &format!("exit {code}")).exits_with(code);
        assert_eq!(outcome.errors, "");
    }
}

fn a_signal_that_ends_the_command_becomes_128_and_its_number(device: &Device) {
    for signal in [1, 6, 9, 11, 15] {
        run(device, &format!("kill -{signal} $$")).exits_with(128 + signal);
    }
}

fn a_real_time_signal_that_ends_the_command_becomes_128_and_its_number(device: &Device) {
    for signal in [34, 64] {
        run(device, &format!("kill -{signal} $$")).exits_with(128 + signal);
    }
}

fn a_missing_command_is_127(device: &Device) {
    let lock = Lock::new();
    for command in [
        "no-such-command",
        "./no-such-command",
        "/no/such/command",
        "",
    ] {
        let run = device.at(&lock, ["run", "--", command]);
        run.end().fails_on(127, command);
        assert!(!lock.is_there(), "released");
    }
}

fn what_cannot_be_executed_is_126(device: &Device) {
    let lock = Lock::new();
    fs::write(lock.file("plain"), "text").expect("a file");
    for command in ["./plain", "/"] {
        let run = device.at(&lock, ["run", "--", command]);
        let line = run.end().fails_on(126, command);
        assert!(line.contains("a file that this user may execute"), "{line}");
        assert!(!lock.is_there(), "released");
    }
}

fn a_command_with_a_long_path(device: &Device) {
    let lock = Lock::new();
    let command = format!("/{}bin/true", "./".repeat(1500));
    device.at(&lock, ["run", "--", &command]).end().succeeds();
}

fn the_commands_words_come_through(device: &Device) {
    let lock = Lock::new();
    let words = ["", "-E", "--", "a b", "\u{e4}", "--help", "*"];
    let run = device
        .at(&lock, ["run", "--", "printf", "<%s>\\n"])
        .args(words);
    let expected: String = words.map(|word| format!("<{word}>\n")).concat();
    assert_eq!(run.end().succeeds().output, expected);
    let run = device.at(&lock, ["run", "printf", "%s", "--wait"]);
    assert_eq!(
        run.end().succeeds().output,
        "--wait",
        "the two dashes can be left out"
    );
}

fn the_commands_environment_comes_through(device: &Device) {
    let lock = Lock::new();
    let run = device
        .at(&lock, ["run", "--", "env"])
        .env("SOME", "thing=1")
        .env("EMPTY", "");
    let outcome = run.end().succeeds();
    let lines: Vec<_> = outcome.output.lines().collect();
    assert!(
        lines.contains(&"SOME=thing=1") && lines.contains(&"EMPTY="),
        "{outcome:#?}"
    );
}

fn minus_e_replaces_the_programs_own_codes(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let run = device.at(&lock, ["run", "-E", "3", "--no-wait", "--", "true"]);
    run.end().fails_on(3, lock.path());
    let run = device.at(&lock, ["run", "-E", "0", "--no-wait", "--", "false"]);
    run.end().fails_on(0, lock.path());
    let run = device.at(&lock, ["run", "-E", "4", "--", "true"]);
    run.by_user(peers::NOBODY).end().fails_on(4, lock.path());
}

fn minus_e_leaves_the_commands_codes(device: &Device) {
    let lock = Lock::new();
    let run = device.at(&lock, ["run", "-E", "3", "--", "sh", "-c", "exit 5"]);
    run.end().exits_with(5);
    device
        .at(&lock, ["run", "-E", "3", "--", "true"])
        .end()
        .exits_with(0);
}
