//! Whatever the command line and the environment hold, the program ends by itself, with a code of its own, and says in its own
//! lines what is wrong.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::common::{Device, Invocation, Lock, Outcome};

scenarios![any_command_line, any_environment];

const CASES: u32 = 48;

/// Where a lock can't be, so that whatever is asked for is soon refused.
const NOWHERE: &str = "missing/updates.lock";

/// The commands that end by themselves there.
const COMMANDS: &[&str] = &[
    "run", "acquire", "release", "status", "update", "doctor", "help",
];

/// What may stand on a command line. The only command among it is `true`.
const WORDS: &[&str] = &[
    "--wait",
    "--no-wait",
    "--or-run",
    "--require",
    "--shared",
    "--open",
    "--trust-clock",
    "--while",
    "--every",
    "--reason",
    "--after",
    "--on-lost",
    "--group",
    "-E",
    "--for",
    "--update",
    "--force",
    "--json",
    "--cancel",
    "--help",
    "--or-run=0",
    "--wait=",
    "--json=yes",
    "--open=02:00-04:00",
    "--",
    "true",
    "5m",
    "1h",
    "200",
    "stop",
    "retake",
    "-",
    "",
];

const VARIABLES: &[&str] = &[
    "UPDATE_LOCK_WAIT",
    "UPDATE_LOCK_NO_WAIT",
    "UPDATE_LOCK_OR_RUN",
    "UPDATE_LOCK_REQUIRE",
    "UPDATE_LOCK_SHARED",
    "UPDATE_LOCK_OPEN",
    "UPDATE_LOCK_TRUST_CLOCK",
    "UPDATE_LOCK_REASON",
    "UPDATE_LOCK_AFTER",
    "UPDATE_LOCK_ON_LOST",
    "UPDATE_LOCK_GROUP",
    "UPDATE_LOCK_FOR",
    "UPDATE_LOCK_UPDATE",
    "UPDATE_LOCK_JSON",
    "UPDATE_LOCK_CANCEL",
    "UPDATE_LOCK_HELD",
    "UPDATE_LOCK_HOLDER",
    "BALENA_SUPERVISOR_VERSION",
    "BALENA_SUPERVISOR_ADDRESS",
    "BALENA_SUPERVISOR_API_KEY",
    "TZ",
];

/// The codes of the README's table, and that of `true`.
const CODES: &[i32] = &[0, 64, 69, 74, 75, 77, 126, 127];

fn word() -> impl Strategy<Value = String> {
    // No byte of it means anything to a shell.
    prop_oneof![4 => prop::sample::select(WORDS).prop_map(str::to_string), 1 => "[0-9a-z:=.,\u{e9}-]{0,300}"]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => "[^\0]{0,300}",
        2 => "(0|1|yes|no|5m|100ms|retake|stop|200|Mon-Fri 02:00-04:00|CET-1CEST,M3[.]5[.]0|UTC|v19[.]0[.]5|http://127[.]0[.]0[.]1:1|:|,| ){0,3}",
    ]
}

#[track_caller]
fn expect_own_end(outcome: Outcome, has_own_code: bool) {
    let code = outcome
        .code
        .unwrap_or_else(|| panic!("a signal: {outcome:#?}"));
    assert!(has_own_code || CODES.contains(&code), "{outcome:#?}");
    for line in outcome.errors.lines() {
        assert!(line.starts_with("update-lock: "), "{outcome:#?}");
    }
    assert!(
        code != 64 || outcome.errors.lines().count() == 1,
        "{outcome:#?}"
    );
}

fn play<S: Strategy>(strategy: S, case: impl Fn(S::Value)) {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&strategy, |value| {
        case(value);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn any_command_line(device: &Device) {
    let lock = Lock::new();
    let command = prop::sample::select(COMMANDS);
    let words = prop::collection::vec(word(), 0..8);
    play((command, words), |(command, words)| {
        let has_own_code = words.iter().any(|word| word.starts_with("-E"));
        let invocation = device.update_lock(["--lock", NOWHERE, command]).args(words);
        expect_own_end(end(invocation, &lock), has_own_code);
    });
    assert_eq!(lock.names(), [""; 0]);
}

fn any_environment(device: &Device) {
    let lock = Lock::new();
    let command = prop::sample::select(COMMANDS);
    let variables = prop::collection::btree_map(prop::sample::select(VARIABLES), value(), 0..6);
    play((command, variables), |(command, variables)| {
        let words: &[&str] = if command == "run" {
            &["--", "true"]
        } else {
            &[]
        };
        let invocation = device.update_lock(["--lock", NOWHERE, command]).args(words);
        let invocation = variables
            .into_iter()
            .fold(invocation, |invocation, (name, value)| {
                invocation.env(name, value)
            });
        expect_own_end(end(invocation, &lock), false);
    });
    assert_eq!(lock.names(), [""; 0]);
}

/// As a user who can do no harm.
fn end(invocation: Invocation, lock: &Lock) -> Outcome {
    invocation.by_user(1000).directory(lock.scratch()).end()
}
