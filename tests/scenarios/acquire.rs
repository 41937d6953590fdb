//! `acquire` and `release` as scripts use them.

use nix::unistd::Pid;

use crate::common::{Device, Invocation, Lock, Process, peers, proc_fs, wait};

scenarios![
    a_critical_section_of_a_script,
    an_acquired_lock_holds_back_supervisor_and_host,
    acquire_says_whose_life_the_lock_is_tied_to,
    acquire_in_a_command_substitution_returns,
    a_subshells_lock_ends_with_the_subshell,
    the_end_of_the_caller_releases,
    a_killed_caller_leaves_no_lock,
    a_lock_lives_on_in_what_the_caller_executes,
    a_script_killed_at_any_line_leaves_no_lock,
    an_exit_trap_releases,
    the_callers_descriptors_are_free_afterwards,
    the_keeper_is_a_daemon,
    acquire_waits_for_another_keeper,
    acquire_gives_up,
    a_signal_ends_the_wait_of_acquire,
    acquire_adopts_a_dead_keepers_file,
    acquire_takes_its_options_from_variables,
    acquire_of_a_relative_path,
    acquire_where_there_is_no_device,
    acquire_by_nobody,
    two_scripts_take_turns,
];

/// Starts a script that acquires the lock, says so in `held`, and goes on when the gate `name` opens.
///
/// Open the gate before.
#[track_caller]
pub(crate) fn start_holder(device: &Device, lock: &Lock, name: &str, after: &str) -> Process {
    let script = format!(
        "exec 8<{name}
         update-lock acquire --reason \"of {name}\" || exit
         echo $$ >{name}-held
         cat <&8
         {after}"
    );
    let mut process = device.script(lock, &script).start();
    wait::until("the script holds the lock, or has ended", || {
        lock.lines(&format!("{name}-held")) == 1 || !process.is_running()
    });
    assert!(process.is_running(), "{:#?}", process.end());
    process
}

/// The process that holds the lock.
#[track_caller]
pub(crate) fn keeper(lock: &Lock) -> Pid {
    let keepers = proc_fs::with_open(lock.path());
    assert_eq!(keepers.len(), 1, "one process holds the lock: {keepers:?}");
    keepers[0]
}

#[track_caller]
pub(crate) fn until_free(lock: &Lock) {
    wait::until("the lock is free", || !lock.is_there());
}

fn a_critical_section_of_a_script(device: &Device) {
    let lock = Lock::new();
    let script = "set -e
        update-lock acquire
        update-lock status || echo status=$?
        update-lock release
        update-lock status";
    let outcome = device.script(&lock, script).end().succeeds();
    let lines: Vec<_> = outcome.output.lines().collect();
    let [acquired, held, code, free] = lines[..] else {
        panic!("{lines:?}");
    };
    assert!(acquired.contains(": held until"), "{acquired}");
    assert!(held.contains(": held by an application"), "{held}");
    assert_eq!(code, "status=75");
    assert!(free.ends_with(": free"), "{free}");
    assert!(!lock.is_there());
}

fn an_acquired_lock_holds_back_supervisor_and_host(device: &Device) {
    let lock = Lock::new();
    let gate = lock.gate("gate");
    let mut script = start_holder(device, &lock, "gate", "update-lock release");
    assert!(!peers::supervisor_takes(&lock));
    assert!(!peers::host_may_reboot(&lock));
    assert_eq!(lock.mode_and_user(), (0o1654, 0));
    drop(gate);
    script.end().exits_with(0);
    assert!(!lock.is_there());
    assert!(peers::supervisor_takes(&lock));
}

fn acquire_says_whose_life_the_lock_is_tied_to(device: &Device) {
    let lock = Lock::new();
    let gate = lock.gate("gate");
    let mut script = start_holder(device, &lock, "gate", "");
    let pid = script.pid();
    let said = format!(
        "{}: held until 'update-lock release' or the end of process {pid} (sh)\n",
        lock.text()
    );
    assert_eq!(script.output(), said);
    let note = std::fs::read_to_string(lock.path()).expect("the note");
    let lines: Vec<_> = note.lines().collect();
    assert_eq!(lines[0], format!("pid {pid}"));
    assert_eq!(lines[1], "program sh");
    assert!(lines[2].starts_with("since 2"), "{note}");
    assert_eq!(lines[3..], ["reason of gate"]);
    drop(gate);
    script.end().exits_with(0);
    until_free(&lock);
}

/// A keeper with its caller's standard output would hold the pipe open.
fn acquire_in_a_command_substitution_returns(device: &Device) {
    let lock = Lock::new();
    let script = "said=$(update-lock acquire) && echo \"it said $said\"
        update-lock release";
    let outcome = device.script(&lock, script).end().succeeds();
    assert!(outcome.output.starts_with("it said /"), "{outcome:#?}");
    assert!(!lock.is_there());
}

fn a_subshells_lock_ends_with_the_subshell(device: &Device) {
    let lock = Lock::new();
    let gate = lock.gate("gate");
    let script = "exec 8<gate
        ( update-lock acquire; cat <&8; : )
        echo >over
        cat <&8";
    let mut process = device.script(&lock, script).start();
    wait::until("the lock is held", || lock.is_there());
    drop(gate);
    lock.until_line("over");
    until_free(&lock);
    process.end().exits_with(0);
}

fn the_end_of_the_caller_releases(device: &Device) {
    use std::os::unix::fs::PermissionsExt;
    let lock = Lock::new();
    let gate = lock.gate("gate");
    let mut script = start_holder(device, &lock, "gate", "");
    let keeper = keeper(&lock);
    let file = std::fs::File::open(lock.path()).expect("the lock");
    drop(gate);
    script.end().exits_with(0);
    until_free(&lock);
    proc_fs::until_dead(keeper);
    // A release and no override: whoever waits may take the lock at once.
    let mode = file.metadata().expect("it is open").permissions().mode();
    assert_eq!(mode & 0o7777, 0o1744);
}

fn a_killed_caller_leaves_no_lock(device: &Device) {
    let lock = Lock::new();
    let _gate = lock.gate("gate");
    let script = start_holder(device, &lock, "gate", "");
    script.signal(nix::sys::signal::Signal::SIGKILL);
    until_free(&lock);
}

fn a_lock_lives_on_in_what_the_caller_executes(device: &Device) {
    let lock = Lock::new();
    let gate = lock.gate("gate");
    let script = "exec 8<gate; update-lock acquire; exec sh -c 'echo >app; exec cat <&8'";
    let mut process = device.script(&lock, script).start();
    lock.until_line("app");
    assert!(!peers::supervisor_takes(&lock));
    assert!(!peers::host_may_reboot(&lock));
    drop(gate);
    process.end().exits_with(0);
    until_free(&lock);
}

/// Each line of a `set -e` script is in turn replaced by the script's death.
fn a_script_killed_at_any_line_leaves_no_lock(device: &Device) {
    let lines = [
        "set -e",
        "update-lock acquire --reason critical",
        "trap 'update-lock release' EXIT",
        "true",
        "update-lock release",
        "true",
    ];
    for death in ["kill -KILL $$", "kill -TERM $$", "exit 3", "false"] {
        for at in 0..=lines.len() {
            let mut script = lines.to_vec();
            script.insert(at, death);
            let lock = Lock::new();
            device.script(&lock, &script.join("\n")).end();
            until_free(&lock);
        }
    }
}

fn an_exit_trap_releases(device: &Device) {
    let lock = Lock::new();
    let script = "set -e
        update-lock acquire
        trap 'update-lock release' EXIT
        update-lock status && exit 1
        exit 7";
    device.script(&lock, script).end().exits_with(7);
    assert!(!lock.is_there(), "released before the script ended");
}

fn the_callers_descriptors_are_free_afterwards(device: &Device) {
    let lock = Lock::new();
    let gate = lock.gate("gate");
    let script = "exec 8<gate 9>other
        flock -n 9 || exit 1
        update-lock acquire >said 2>&1 || exit
        exec 9>&-
        flock -n other true || exit 2
        echo >done
        cat <&8";
    let mut process = device.script(&lock, script).start();
    lock.until_line("done");
    let keeper = keeper(&lock);
    wait::until("a daemon's descriptors", || {
        let descriptors = proc_fs::descriptors(keeper);
        (0..3).all(|number| descriptors[&number].ends_with("dev/null"))
    });
    let descriptors = proc_fs::descriptors(keeper);
    let of_caller = descriptors
        .values()
        .filter(|file| file.starts_with(lock.scratch()) && *file != lock.path());
    assert_eq!(of_caller.count(), 0, "{descriptors:?}");
    drop(gate);
    process.end().exits_with(0);
    until_free(&lock);
}

fn the_keeper_is_a_daemon(device: &Device) {
    let lock = Lock::new();
    let sleeper = Invocation::of(["sleep", "1000"]).start();
    let acquire = device
        .at(&lock, ["acquire", "--for", &sleeper.pid().to_string()])
        .through(["env", "--block-signal=USR1", "--ignore-signal=WINCH"]);
    acquire.end().exits_with(0);
    let keeper = keeper(&lock);
    wait::until("a session of its own", || {
        proc_fs::session(keeper) == Some(keeper)
    });
    wait::until("its signals", || {
        let status = std::fs::read_to_string(format!("/proc/{keeper}/status"));
        let status = status.expect("it lives");
        let window_change = 1 << (28 - 1);
        proc_fs::signal_set(&status, "SigBlk") == 0
            && proc_fs::signal_set(&status, "SigIgn") & window_change == 0
    });
    let directory = std::fs::read_link(format!("/proc/{keeper}/cwd"));
    assert_eq!(directory.expect("it lives"), std::path::Path::new("/"));
    sleeper.signal(nix::sys::signal::Signal::SIGKILL);
    until_free(&lock);
    proc_fs::until_dead(keeper);
}

fn acquire_waits_for_another_keeper(device: &Device) {
    let lock = Lock::new();
    let (one, other) = (lock.gate("one"), lock.gate("other"));
    let mut first = start_holder(device, &lock, "one", "update-lock release");
    let second = "exec 8<other; update-lock acquire || exit; echo >second; cat <&8";
    let mut second = device.script(&lock, second).start();
    second.until_says("waiting for ");
    assert!(!lock.file("second").exists());
    drop(one);
    first.end().exits_with(0);
    lock.until_line("second");
    assert!(!peers::host_may_reboot(&lock));
    drop(other);
    second.end().exits_with(0);
    until_free(&lock);
}

fn acquire_gives_up(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let acquire = device.at(&lock, ["acquire", "--no-wait"]);
    acquire.end().fails_on(75, lock.path());
    let acquire = device.at(&lock, ["acquire", "--wait", "300ms"]);
    acquire.end().exits_with(75);
    assert_eq!(lock.mode_and_user(), (0o444, peers::NOBODY));
    let _gate = lock.gate("gate");
    peers::supervisor_releases(&lock);
    let _script = start_holder(device, &lock, "gate", "");
    let line = device.at(&lock, ["acquire", "--no-wait"]).end();
    let line = line.fails_on(75, lock.path());
    assert!(line.contains("held by an application"), "{line}");
    assert!(!peers::host_may_reboot(&lock));
}

fn a_signal_ends_the_wait_of_acquire(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let mut acquire = device
        .at(&lock, ["acquire"])
        .through(["env", "--default-signal"])
        .start();
    acquire.until_says("waiting for ");
    acquire.signal(nix::sys::signal::Signal::SIGTERM);
    acquire.end().exits_with(143);
    assert_eq!(lock.mode_and_user(), (0o444, peers::NOBODY));
}

fn acquire_adopts_a_dead_keepers_file(device: &Device) {
    let lock = Lock::new();
    let _gate = lock.gate("gate");
    let first = start_holder(device, &lock, "gate", "");
    let inode = lock.inode();
    let dead = keeper(&lock);
    nix::sys::signal::kill(dead, nix::sys::signal::Signal::SIGKILL).expect("kill");
    proc_fs::until_dead(dead);
    assert_eq!(lock.mode_and_user(), (0o1654, 0));
    assert!(!peers::supervisor_takes(&lock), "its file stays");
    assert!(peers::host_may_reboot(&lock), "its flock doesn't");
    let gate = lock.gate("second");
    let mut second = start_holder(device, &lock, "second", "update-lock release");
    assert_eq!(lock.inode(), inode, "adopted");
    assert!(!peers::host_may_reboot(&lock));
    drop(first);
    drop(gate);
    second.end().exits_with(0);
    assert!(!lock.is_there());
}

fn acquire_takes_its_options_from_variables(device: &Device) {
    let lock = Lock::new();
    let _gate = lock.gate("gate");
    let script = start_holder(device, &lock, "gate", "");
    let acquire = device
        .at(&lock, ["acquire"])
        .env("UPDATE_LOCK_NO_WAIT", "1");
    acquire.end().fails_on(75, lock.path());
    drop(script);
    until_free(&lock);
    let mut sleeper = Invocation::of(["sleep", "1000"]).start();
    let acquire = device
        .at(&lock, ["acquire"])
        .env("UPDATE_LOCK_FOR", sleeper.pid().to_string())
        .env("UPDATE_LOCK_REASON", "by variable");
    acquire.end().exits_with(0);
    let note = std::fs::read_to_string(lock.path()).expect("the note");
    assert!(note.contains("reason by variable"), "{note}");
    assert!(note.starts_with(&format!("pid {}\n", sleeper.pid())));
    sleeper.signal(nix::sys::signal::Signal::SIGKILL);
    sleeper.end();
    until_free(&lock);
    for value in ["0", "x", "-1", "4294967295", ""] {
        device
            .at(&lock, ["acquire", "--for", value])
            .end()
            .fails_with(64);
    }
}

/// The keeper works in `/`, and yet means the same file.
fn acquire_of_a_relative_path(device: &Device) {
    let lock = Lock::new();
    let script = "cd lock
        update-lock --lock updates.lock acquire && update-lock --lock ./updates.lock status
        [ $? = 75 ] || exit 1
        update-lock --lock updates.lock release";
    device.script(&lock, script).end().succeeds();
    assert!(!lock.is_there());
}

fn acquire_where_there_is_no_device(device: &Device) {
    let acquire = device.update_lock(["acquire"]);
    acquire
        .env("BALENA_APP_LOCK_PATH", "/tmp/no-device/updates.lock")
        .end()
        .fails_with(69);
    device
        .update_lock(["release"])
        .env("BALENA_APP_LOCK_PATH", "/tmp/no-device/updates.lock")
        .end()
        .exits_with(0)
        .one_line();
}

fn acquire_by_nobody(device: &Device) {
    let lock = Lock::new();
    let acquire = device.at(&lock, ["acquire"]).by_user(peers::NOBODY);
    acquire.end().fails_on(77, lock.path());
    assert!(!lock.is_there());
}

/// A counter that only the lock's holder may touch.
fn two_scripts_take_turns(device: &Device) {
    const ROUNDS: usize = 5;
    let lock = Lock::new();
    std::fs::write(lock.file("counter"), "0\n").expect("a file");
    let script = format!(
        "set -e
         i=0
         while [ $((i += 1)) -le {ROUNDS} ]; do
             update-lock acquire >/dev/null
             read n <counter
             echo $((n + 1)) >counter
             update-lock release
         done"
    );
    let mut scripts: Vec<_> = (0..3)
        .map(|_| device.script(&lock, &script).start())
        .collect();
    for script in &mut scripts {
        script.end().exits_with(0);
    }
    assert_eq!(lock.read("counter"), format!("{}\n", 3 * ROUNDS));
    assert!(!lock.is_there());
}
