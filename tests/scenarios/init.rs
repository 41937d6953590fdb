//! The example init, as PID 1 of a PID namespace: there `reboot(2)` ends the namespace, by a signal to its PID 1.

use std::fs;

use nix::sys::signal::{Signal, kill};

use crate::common::{Device, Invocation, Lock, Outcome, peers, proc_fs, wait};
use crate::scenarios::pid1::pid_1;

scenarios![
    the_app_runs_under_the_lock_and_the_log_says_so,
    the_machine_reboots_where_it_is_told_to,
    the_log_goes_to_the_standard_error_by_default,
    a_dead_holders_lock_is_adopted_by_the_init,
    the_init_waits_for_the_supervisor,
    a_stop_of_the_wait_starts_and_stops_the_app,
    without_a_lock_the_app_runs_unprotected,
    a_lock_that_an_override_took_is_reported,
    the_init_reaps_orphans,
    the_init_hands_on_what_asks_for_the_apps_end,
    an_app_that_is_not_there_ends_the_machine,
    what_is_not_pid_1_ends_as_its_app_does,
];

/// What the kernel makes of `LINUX_REBOOT_CMD_POWER_OFF` and `LINUX_REBOOT_CMD_RESTART` in a PID namespace.
const SWITCHED_OFF: i32 = Signal::SIGINT as i32;
const REBOOTED: i32 = Signal::SIGHUP as i32;

/// The init with a shell as its app.
fn init(device: &Device, lock: &Lock, script: &str) -> Invocation {
    device
        .beside("init")
        .args(["/bin/sh", "-c", script])
        .env("UPDATE_LOCK_PATH", lock.path())
        .env("INIT_LOG", lock.file("log"))
        .directory(lock.scratch())
}

#[track_caller]
fn is_switched_off(outcome: &Outcome) {
    assert_eq!(outcome.signal, Some(SWITCHED_OFF), "{outcome:#?}");
    assert_eq!(outcome.errors, "", "{outcome:#?}");
}

/// The log without repetitions: of a look at a held lock there may be any number.
fn log(device: &Device, lock: &Lock) -> Vec<String> {
    let mut lines = device.log_lines(&lock.file("log"));
    lines.dedup();
    lines
}

fn the_app_runs_under_the_lock_and_the_log_says_so(device: &Device) {
    let lock = Lock::new();
    let script = "stat -c %a \"$UPDATE_LOCK_PATH\"; flock -n \"$UPDATE_LOCK_PATH\" true || echo locked; exit 5";
    let outcome = init(device, &lock, script).in_own_pid_namespace().end();
    is_switched_off(&outcome);
    assert_eq!(outcome.output, "1644\nlocked\n");
    let expected = [
        "DEBUG lock: created",
        "DEBUG lock: acquired",
        "INFO  the app has started",
        "INFO  the app has ended with 5",
        "DEBUG lock: released",
    ];
    assert_eq!(log(device, &lock), expected);
    assert!(!lock.is_there());
}

fn the_machine_reboots_where_it_is_told_to(device: &Device) {
    let lock = Lock::new();
    let init = init(device, &lock, "true").env("INIT_END", "reboot");
    let outcome = init.in_own_pid_namespace().end();
    assert_eq!(outcome.signal, Some(REBOOTED), "{outcome:#?}");
}

fn the_log_goes_to_the_standard_error_by_default(device: &Device) {
    let lock = Lock::new();
    let init = init(device, &lock, "echo beside it >&2; echo and >&2");
    let init = init.after("unset INIT_LOG; exec 2>errors");
    let outcome = init.in_own_pid_namespace().end();
    is_switched_off(&outcome);
    let errors = fs::read(lock.file("errors")).expect("the standard error");
    let text = b"\0beside it\nand\n\0";
    assert!(errors.windows(text.len()).any(|part| part == text));
    let expected = [
        "DEBUG lock: created",
        "DEBUG lock: acquired",
        "INFO  the app has started",
        "INFO  the app has ended with 0",
        "DEBUG lock: released",
    ];
    assert_eq!(device.log_lines(&lock.file("errors")), expected);
}

fn a_dead_holders_lock_is_adopted_by_the_init(device: &Device) {
    let lock = Lock::new();
    lock.make_stale(0);
    is_switched_off(&init(device, &lock, "true").in_own_pid_namespace().end());
    let expected = [
        "DEBUG lock: adopted a dead holder's, or joined",
        "DEBUG lock: acquired",
    ];
    assert_eq!(
        log(device, &lock).get(..2),
        Some(&expected.map(String::from)[..])
    );
    assert!(!lock.is_there());
}

fn the_init_waits_for_the_supervisor(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let mut init = init(device, &lock, "true").in_own_pid_namespace().start();
    wait::until("the init has looked", || {
        fs::metadata(lock.file("log")).is_ok_and(|log| log.len() > 0)
    });
    peers::supervisor_releases(&lock);
    is_switched_off(&init.end());
    let expected = [
        "DEBUG lock: held, Supervisor",
        "DEBUG lock: created",
        "DEBUG lock: acquired",
        "INFO  the app has started",
        "INFO  the app has ended with 0",
        "DEBUG lock: released",
    ];
    assert_eq!(log(device, &lock), expected);
}

fn a_stop_of_the_wait_starts_and_stops_the_app(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let mut init = init(device, &lock, "exec sleep 1000")
        .in_own_pid_namespace()
        .start();
    wait::until("the init has looked", || {
        fs::metadata(lock.file("log")).is_ok_and(|log| log.len() > 0)
    });
    kill(pid_1(&init), Signal::SIGTERM).expect("kill");
    is_switched_off(&init.end());
    let expected = [
        "DEBUG lock: held, Supervisor",
        "ERROR the app runs unprotected: held by the Supervisor, which is at work on an update, errno 0",
        "INFO  the app has started",
        "INFO  the app has ended with 143",
    ];
    assert_eq!(log(device, &lock), expected);
    assert!(lock.is_there(), "it is the Supervisor's");
}

fn without_a_lock_the_app_runs_unprotected(device: &Device) {
    let lock = Lock::new();
    let init = init(device, &lock, "echo runs").env("UPDATE_LOCK_PATH", "/nowhere/updates.lock");
    let outcome = init.in_own_pid_namespace().end();
    is_switched_off(&outcome);
    assert_eq!(outcome.output, "runs\n");
    let expected = [
        "ERROR the app runs unprotected: create the lock file, errno 2",
        "INFO  the app has started",
        "INFO  the app has ended with 0",
    ];
    assert_eq!(log(device, &lock), expected);
}

fn a_lock_that_an_override_took_is_reported(device: &Device) {
    let lock = Lock::new();
    let script = "rm \"$UPDATE_LOCK_PATH\"; echo 0 >\"$UPDATE_LOCK_PATH\"";
    is_switched_off(&init(device, &lock, script).in_own_pid_namespace().end());
    let expected = [
        "DEBUG lock: created",
        "DEBUG lock: acquired",
        "INFO  the app has started",
        "INFO  the app has ended with 0",
        "DEBUG lock: lost before the release",
        "WARN  the lock was taken away while the app ran",
    ];
    assert_eq!(log(device, &lock), expected);
    assert!(lock.is_there(), "it is somebody else's");
}

fn the_init_reaps_orphans(device: &Device) {
    let lock = Lock::new();
    let (gate, orphans) = (lock.gate("gate"), lock.gate("orphans"));
    let script = "(cat <orphans & ); (cat <orphans & ); echo >started; exec cat <gate";
    let mut unshare = init(device, &lock, script).in_own_pid_namespace().start();
    let init = pid_1(&unshare);
    lock.until_line("started");
    wait::until("PID 1 has the orphans and the app", || {
        proc_fs::children(init).len() == 3
    });
    wait::until("both stand at the gate, as this process does", || {
        proc_fs::with_open(&lock.file("orphans")).len() == 3
    });
    drop(orphans);
    // A zombie is a child, too.
    wait::until("the orphans are reaped", || {
        proc_fs::children(init).len() == 1
    });
    drop(gate);
    is_switched_off(&unshare.end());
}

fn the_init_hands_on_what_asks_for_the_apps_end(device: &Device) {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let lock = Lock::new();
        let script = "echo >started; exec sleep 1000";
        let mut unshare = init(device, &lock, script).in_own_pid_namespace().start();
        lock.until_line("started");
        kill(pid_1(&unshare), signal).expect("kill");
        is_switched_off(&unshare.end());
        let log = log(device, &lock);
        assert!(
            log.contains(&"INFO  the app has ended with 143".into()),
            "{log:#?}"
        );
        assert!(!lock.is_there());
    }
}

fn an_app_that_is_not_there_ends_the_machine(device: &Device) {
    let lock = Lock::new();
    let outcome = device
        .beside("init")
        .arg("/nowhere/app")
        .env("UPDATE_LOCK_PATH", lock.path())
        .env("INIT_LOG", lock.file("log"))
        .in_own_pid_namespace()
        .end();
    is_switched_off(&outcome);
    let mut lines = log(device, &lock);
    lines.sort();
    let expected = [
        "DEBUG lock: acquired",
        "DEBUG lock: created",
        "DEBUG lock: released",
        "ERROR there is no app: errno 2",
        "INFO  the app has ended with 126",
        "INFO  the app has started",
    ];
    assert_eq!(lines, expected);
}

/// It neither mounts nor ends anything then.
fn what_is_not_pid_1_ends_as_its_app_does(device: &Device) {
    let lock = Lock::new();
    init(device, &lock, "exit 5").end().exits_with(5);
    assert!(!lock.is_there());
}
