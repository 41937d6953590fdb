//! Commands below a `run` that holds the lock: none waits for its own ancestor.

use std::fs;

use super::windows::clock_at;
use crate::common::{Device, Lock, peers};

scenarios![
    a_run_below_a_run,
    acquire_and_release_below_a_run,
    a_lost_lock_is_no_lock_above,
    a_variable_of_another_lock_is_no_lock_above,
    another_lock_below_a_run_is_taken,
    the_command_gets_its_arguments_and_environment_whole,
    a_variable_that_is_there_is_replaced,
    a_run_below_one_that_took_its_lock_late,
    a_run_below_one_that_took_its_lock_again,
    a_holder_of_another_lock_is_none_above,
    a_job_below_a_run_with_windows_has_a_lock_of_its_own,
    a_shared_job_outlasts_the_window_of_the_run_above,
    a_shared_run_below_an_exclusive_one,
    what_is_about_the_holder_alone_is_nothing_for_jobs_below,
    windows_from_a_variable_are_nothing_for_jobs_below,
    on_lost_stop_below_the_run_that_has_the_lock,
];

fn a_run_below_a_run(device: &Device) {
    let lock = Lock::new();
    let script = "update-lock run -- update-lock run --no-wait -- update-lock run -- sh -c '
        update-lock status; exit 7'";
    let outcome = device.script(&lock, script).end().exits_with(7);
    assert!(outcome.output.contains("held by an application"));
    let lines: Vec<_> = outcome.errors.lines().collect();
    assert_eq!(lines.len(), 2, "{outcome:#?}");
    for line in lines {
        assert!(line.contains("nothing to do"), "{line}");
        assert!(line.contains(lock.text()), "{line}");
    }
    assert!(!lock.is_there());
}

fn acquire_and_release_below_a_run(device: &Device) {
    let lock = Lock::new();
    let script = "update-lock run -- sh -ec '
        update-lock acquire
        update-lock release
        update-lock status || echo code=$?'";
    let outcome = device.script(&lock, script).end().exits_with(0);
    assert!(outcome.output.ends_with("code=75\n"), "{outcome:#?}");
    assert_eq!(outcome.errors.lines().count(), 2, "{outcome:#?}");
    assert!(!lock.is_there());
}

fn a_lost_lock_is_no_lock_above(device: &Device) {
    let lock = Lock::new();
    let script = "update-lock run -- sh -c '
        rm \"$UPDATE_LOCK_PATH\"
        setpriv --reuid 65534 --clear-groups lockfile -r 0 \"$UPDATE_LOCK_PATH\" || exit 1
        update-lock run --no-wait -- true
        [ $? = 75 ] || exit 2
        update-lock acquire --no-wait
        [ $? = 75 ]'";
    device.script(&lock, script).end().exits_with(0);
    assert_eq!(lock.mode_and_user(), (0o444, peers::NOBODY));
}

fn a_variable_of_another_lock_is_no_lock_above(device: &Device) {
    let lock = Lock::new();
    let holder = crate::common::Holder::start(device, &lock);
    for value in ["", "0:0", "x", ":", &"1".repeat(300)] {
        let run = device.at(&lock, ["run", "--no-wait", "--", "true"]);
        run.env("UPDATE_LOCK_HELD", value)
            .end()
            .fails_on(75, lock.path());
    }
    // The inode is right, but nobody lives who holds it.
    let held = held_variable(device, &lock, &holder);
    holder.run.signal(nix::sys::signal::Signal::SIGKILL);
    nix::sys::signal::kill(holder.command, nix::sys::signal::Signal::SIGKILL).expect("kill");
    crate::common::proc_fs::until_dead(holder.command);
    let run = device.at(&lock, ["run", "--no-wait", "--", "true"]);
    run.env("UPDATE_LOCK_HELD", held).end().succeeds();
    assert!(!lock.is_there(), "adopted and released");
}

/// What the command of a holder has been told.
fn held_variable(_: &Device, _: &Lock, holder: &crate::common::Holder) -> String {
    let environment = fs::read(format!("/proc/{}/environ", holder.command)).expect("it lives");
    let variables = environment.split(|&byte| byte == 0);
    let value = variables
        .filter_map(|variable| variable.strip_prefix(b"UPDATE_LOCK_HELD="))
        .next();
    String::from_utf8(value.expect("it is there").to_vec()).expect("text")
}

fn another_lock_below_a_run_is_taken(device: &Device) {
    let lock = Lock::new();
    let script = "update-lock run -- update-lock --lock other.lock run -- sh -c '
        [ -e other.lock ] && [ -e \"$UPDATE_LOCK_PATH\" ] && update-lock --lock other.lock run -- true'";
    let outcome = device.script(&lock, script).end().exits_with(0);
    assert!(outcome.one_line().contains("other.lock"));
    assert!(!lock.is_there());
    assert!(!lock.file("other.lock").exists());
}

fn the_command_gets_its_arguments_and_environment_whole(device: &Device) {
    let lock = Lock::new();
    let script = "for word; do echo \"<$word>\"; done; env";
    let arguments = ["a", "", "b c", "--", "-x", "last"];
    let run = device
        .at(&lock, ["run", "--", "sh", "-c", script, "name"])
        .args(arguments)
        .env("FIRST", "1")
        .env("EMPTY", "")
        .env("LAST", "x=y");
    let outcome = run.end().succeeds();
    let (words, variables): (Vec<_>, Vec<_>) = outcome
        .output
        .lines()
        .partition(|line| line.starts_with('<'));
    assert_eq!(words, ["<a>", "<>", "<b c>", "<-->", "<-x>", "<last>"]);
    for variable in ["FIRST=1", "EMPTY=", "LAST=x=y"] {
        assert!(variables.contains(&variable), "{variables:?}");
    }
    let of_ours = |line: &&&str| line.starts_with("UPDATE_LOCK_HELD=");
    assert_eq!(variables.iter().filter(of_ours).count(), 1, "{variables:?}");
    assert!(variables.iter().any(|line| line.starts_with("PATH=/")));
}

fn a_variable_that_is_there_is_replaced(device: &Device) {
    let lock = Lock::new();
    let run = device.at(&lock, ["run", "--", "env"]);
    let run = run
        .env("UPDATE_LOCK_HELD", "of another")
        .env("UPDATE_LOCK_HELD_TOO", "another");
    let outcome = run.end().succeeds();
    assert!(!outcome.output.contains("UPDATE_LOCK_HELD=of another"));
    assert_eq!(outcome.output.matches("UPDATE_LOCK_HELD=").count(), 1);
    assert!(outcome.output.contains("UPDATE_LOCK_HELD_TOO=another\n"));
}

/// Waits for the lock, and runs something below the `run` that has it.
const BELOW: &str = "
    until [ -e \"$UPDATE_LOCK_PATH\" ]; do sleep 0.01; done
    update-lock run --wait 10s -- echo below
";

fn a_run_below_one_that_took_its_lock_late(device: &Device) {
    let lock = Lock::new();
    let script = format!("exec update-lock run --after 1ms -- sh -c '{BELOW}'");
    let outcome = device.script(&lock, &script).end().exits_with(0);
    assert_eq!(outcome.output, "below\n");
    assert!(outcome.errors.contains("nothing to do"), "{outcome:?}");
    assert!(!lock.is_there());
}

fn a_run_below_one_that_took_its_lock_again(device: &Device) {
    let lock = Lock::new();
    let gate = lock.gate("gate");
    let script =
        format!("exec update-lock run -- sh -c 'exec 8<gate; echo >started; cat <&8; {BELOW}'");
    let mut run = device.script(&lock, &script).start();
    lock.until_line("started");
    peers::supervisor_forces(&lock);
    run.until_says("it will be taken again");
    peers::supervisor_releases(&lock);
    run.until_says("locked now");
    drop(gate);
    let outcome = run.end().exits_with(0);
    assert_eq!(outcome.output, "below\n");
    assert!(outcome.errors.contains("nothing to do"), "{outcome:?}");
}

fn a_holder_of_another_lock_is_none_above(device: &Device) {
    let lock = Lock::new();
    let _holder = crate::common::Holder::start(device, &lock);
    for value in ["", "0", "x", "4294967296"] {
        let run = device.at(&lock, ["run", "--no-wait", "--", "true"]);
        run.env("UPDATE_LOCK_HOLDER", value)
            .end()
            .fails_on(75, lock.path());
    }
}

/// The one above gives its lock back when a window opens, whatever goes on below.
fn a_job_below_a_run_with_windows_has_a_lock_of_its_own(device: &Device) {
    let lock = Lock::new();
    let script = "update-lock run --open 02:00-02:01 -- update-lock run --no-wait -- true";
    let run = device.script(&lock, script).env("TZ", clock_at(12, 0, 0));
    let outcome = run.end().exits_with(75);
    assert!(!outcome.errors.contains("nothing to do"), "{outcome:?}");
}

fn a_shared_job_outlasts_the_window_of_the_run_above(device: &Device) {
    let lock = Lock::new();
    let gate = lock.gate("gate");
    let script = "exec update-lock run --shared --trust-clock --open 02:00-04:00 -- \
        sh -c 'exec 8<gate; update-lock run --shared -- sh -c \"echo >started; cat <&8\"'";
    let run = device.script(&lock, script).env("TZ", clock_at(1, 59, 54));
    let mut run = run.start();
    lock.until_line("started");
    run.until_says("left to those who share it");
    assert!(!peers::supervisor_takes(&lock), "the job has it");
    assert!(!peers::host_may_reboot(&lock), "the job has it");
    drop(gate);
    run.end().exits_with(0);
    assert!(!lock.is_there());
}

fn a_shared_run_below_an_exclusive_one(device: &Device) {
    let lock = Lock::new();
    let script = "update-lock run -- update-lock run --shared --no-wait -- true";
    let outcome = device.script(&lock, script).end().exits_with(0);
    assert!(outcome.one_line().contains("nothing to do"));
}

/// A variable of the service reaches all that it starts.
fn what_is_about_the_holder_alone_is_nothing_for_jobs_below(device: &Device) {
    let lock = Lock::new();
    let script = "update-lock run -- update-lock run -- sh -c 'update-lock status; env'";
    let run = device.script(&lock, script).env("UPDATE_LOCK_AFTER", "1h");
    let outcome = run.end().exits_with(0);
    assert!(
        outcome.output.contains("held by an application"),
        "{outcome:?}"
    );
    assert!(
        outcome.output.contains("\nUPDATE_LOCK_AFTER=\n"),
        "{outcome:?}"
    );
    assert!(!outcome.output.contains("UPDATE_LOCK_OPEN"), "{outcome:?}");
}

fn windows_from_a_variable_are_nothing_for_jobs_below(device: &Device) {
    let lock = Lock::new();
    let gate = lock.gate("gate");
    let script = "exec update-lock run -- \
        sh -c 'exec 8<gate; update-lock run -- sh -c \"echo >started; cat <&8\"'";
    let run = device
        .script(&lock, script)
        .env("TZ", clock_at(1, 59, 54))
        .env("UPDATE_LOCK_TRUST_CLOCK", "1")
        .env("UPDATE_LOCK_SHARED", "1")
        .env("UPDATE_LOCK_OPEN", "02:00-04:00");
    let mut run = run.start();
    lock.until_line("started");
    run.until_says("left to those who share it");
    assert!(!peers::supervisor_takes(&lock), "the job has it");
    drop(gate);
    let outcome = run.end().exits_with(0);
    assert!(!outcome.errors.contains("given back"), "{outcome:?}");
    assert!(!lock.is_there());
}

fn on_lost_stop_below_the_run_that_has_the_lock(device: &Device) {
    let lock = Lock::new();
    let script = "exec update-lock run --on-lost ignore -- \
        update-lock run --on-lost stop -- sh -c 'echo >started; exec sleep 1000'";
    let mut run = device.script(&lock, script).start();
    lock.until_line("started");
    std::fs::remove_file(lock.path()).expect("the lock");
    let outcome = run.end().exits_with(143);
    let says = |what: &str| {
        outcome
            .errors
            .lines()
            .filter(|line| line.contains(what))
            .count()
    };
    assert_eq!(says("stopping"), 1, "{outcome:?}");
    // Each says it once: the one above by a look, or where its command has ended before that, at the release.
    assert_eq!(says("the lock was taken away"), 2, "{outcome:?}");
}
