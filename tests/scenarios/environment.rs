//! Each option has a variable, and the command line wins.

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::common::holder::Waiter;
use crate::common::peers;
use crate::common::{Device, Invocation, Lock};

scenarios![
    no_wait_by_its_variable,
    a_switch_that_is_off_is_off,
    a_command_line_switches_off_what_a_variable_switches_on,
    help_comes_before_a_value_without_meaning,
    wait_by_its_variable,
    or_run_by_its_variable,
    the_reason_by_its_variable,
    the_exit_code_by_its_variable,
    json_by_its_variable,
    the_path_by_its_variable,
    a_command_lines_wait_wins_over_the_variables,
    a_value_without_meaning_is_a_usage_error,
    an_empty_variable_counts_as_unset,
];

fn held_by_supervisor() -> Lock {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    lock
}

fn run_true(device: &Device, lock: &Lock) -> Invocation {
    device.at(lock, ["run", "--", "true"])
}

fn no_wait_by_its_variable(device: &Device) {
    let lock = held_by_supervisor();
    for value in ["1", "true", "yes"] {
        let run = run_true(device, &lock).env("UPDATE_LOCK_NO_WAIT", value);
        run.end().fails_on(75, lock.path());
    }
}

fn a_switch_that_is_off_is_off(device: &Device) {
    let lock = held_by_supervisor();
    let start = |value: &str| {
        Waiter::start_as(device, &lock, &[], |run| {
            run.env("UPDATE_LOCK_NO_WAIT", value)
        })
    };
    for waiter in ["0", "false", "no"].map(start) {
        let Waiter { mut run, .. } = waiter.until_waits();
        run.signal(Signal::SIGTERM);
        run.end().exits_with(143);
    }
}

/// The command line wins, in both directions.
fn a_command_line_switches_off_what_a_variable_switches_on(device: &Device) {
    let lock = held_by_supervisor();
    let run = device
        .at(
            &lock,
            ["run", "--no-wait", "--or-run=0", "--", "touch", "ran"],
        )
        .env("UPDATE_LOCK_OR_RUN", "1");
    run.end().fails_on(75, lock.path());
    let run = device
        .at(&lock, ["run", "--no-wait=no", "--or-run", "--", "true"])
        .env("UPDATE_LOCK_NO_WAIT", "1");
    run.end().fails_with(64);
}

/// Who asks for help because of such a variable gets it.
fn help_comes_before_a_value_without_meaning(device: &Device) {
    let help = device.update_lock(["run", "--help"]);
    help.env("UPDATE_LOCK_WAIT", "abc").end().succeeds();
}

fn wait_by_its_variable(device: &Device) {
    let lock = held_by_supervisor();
    let run = run_true(device, &lock).env("UPDATE_LOCK_WAIT", "200ms");
    run.end().fails_on(75, lock.path());
}

fn or_run_by_its_variable(device: &Device) {
    let lock = held_by_supervisor();
    let run = device
        .at(&lock, ["run", "--", "echo", "ran"])
        .env("UPDATE_LOCK_WAIT", "200ms")
        .env("UPDATE_LOCK_OR_RUN", "1");
    assert_eq!(run.end().exits_with(0).output, "ran\n");
}

fn the_reason_by_its_variable(device: &Device) {
    let lock = Lock::new();
    let cat = |options: &[&str]| {
        let run = device
            .at(&lock, ["run"])
            .args(options)
            .args(["--", "cat"])
            .arg(lock.path());
        run.env("UPDATE_LOCK_REASON", "by a variable")
            .end()
            .succeeds()
            .output
    };
    assert!(cat(&[]).ends_with("\nreason by a variable\n"));
    let note = cat(&["--reason", "by an option"]);
    assert!(note.ends_with("\nreason by an option\n"), "{note:?}");
}

fn the_exit_code_by_its_variable(device: &Device) {
    let lock = held_by_supervisor();
    let run = |options: &[&str]| {
        let run = device
            .at(&lock, ["run", "--no-wait"])
            .args(options)
            .args(["--", "true"]);
        run.env("UPDATE_LOCK_EXIT_CODE", "9").end()
    };
    run(&[]).fails_on(9, lock.path());
    run(&["-E", "10"]).fails_on(10, lock.path());
}

fn json_by_its_variable(device: &Device) {
    let lock = Lock::new();
    let status = |value: &str, options: &[&str]| {
        let status = device.at(&lock, ["status"]).args(options);
        status
            .env("UPDATE_LOCK_JSON", value)
            .end()
            .succeeds()
            .output
    };
    let is_json = |output: String| serde_json::from_str::<Value>(&output).is_ok();
    assert!(is_json(status("1", &[])));
    assert!(!is_json(status("0", &[])));
    assert!(is_json(status("0", &["--json"])), "the command line wins");
}

fn the_path_by_its_variable(device: &Device) {
    let lock = Lock::new();
    let run = device
        .update_lock(["run", "--", "stat", "-c", "%n %a"])
        .arg(lock.path());
    let outcome = run.env("UPDATE_LOCK_PATH", lock.path()).end().succeeds();
    assert_eq!(outcome.output, format!("{} 1644\n", lock.text()));
    let other = lock.directory().join("other.lock");
    let run = device.at(&lock, ["run", "--", "ls"]).arg(lock.directory());
    let outcome = run.env("UPDATE_LOCK_PATH", other).end().succeeds();
    assert_eq!(outcome.output, "updates.lock\n", "the command line wins");
}

fn a_command_lines_wait_wins_over_the_variables(device: &Device) {
    let lock = held_by_supervisor();
    let waiter = Waiter::start_as(device, &lock, &["--wait", "10m"], |run| {
        run.env("UPDATE_LOCK_NO_WAIT", "1")
    });
    let waiter = waiter.until_waits();
    let run = device.at(&lock, ["run", "--no-wait", "--", "true"]);
    run.env("UPDATE_LOCK_WAIT", "10m")
        .end()
        .fails_on(75, lock.path());
    peers::supervisor_releases(&lock);
    waiter.until_holds().finish().exits_with(0);
}

fn a_value_without_meaning_is_a_usage_error(device: &Device) {
    let lock = Lock::new();
    for (variable, value) in [
        ("UPDATE_LOCK_NO_WAIT", "maybe"),
        ("UPDATE_LOCK_NO_WAIT", "TRUE "),
        ("UPDATE_LOCK_OR_RUN", "2"),
        ("UPDATE_LOCK_REQUIRE", "on"),
        ("UPDATE_LOCK_GROUP", "y"),
        ("UPDATE_LOCK_WAIT", "30"),
        ("UPDATE_LOCK_WAIT", "s"),
        ("UPDATE_LOCK_EXIT_CODE", "256"),
        ("UPDATE_LOCK_EXIT_CODE", "-1"),
    ] {
        let run = device
            .at(&lock, ["run", "--", "touch", "ran"])
            .env(variable, value);
        run.end().fails_on(64, variable);
    }
    let status = device.at(&lock, ["status"]).env("UPDATE_LOCK_JSON", "text");
    status.end().fails_on(64, "UPDATE_LOCK_JSON");
    assert!(!lock.file("ran").exists());
}

/// balena's dashboard can set a variable to nothing for one device.
fn an_empty_variable_counts_as_unset(device: &Device) {
    let lock = Lock::new();
    let mut run = run_true(device, &lock);
    for variable in [
        "NO_WAIT",
        "WAIT",
        "OR_RUN",
        "REQUIRE",
        "REASON",
        "GROUP",
        "EXIT_CODE",
        "PATH",
    ] {
        run = run.env(&format!("UPDATE_LOCK_{variable}"), "");
    }
    run.end().succeeds();
}
