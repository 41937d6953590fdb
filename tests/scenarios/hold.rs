//! `hold`: the lock as a service of its own.

use std::fs;

use nix::sys::signal::Signal;

use crate::common::{Device, Lock, Process, peers, proc_fs, wait};

scenarios![
    a_hold_keeps_updates_away_until_a_signal_ends_it,
    a_hold_waits_for_its_turn_and_says_for_whom,
    a_hold_adopts_what_its_last_start_left,
    a_hold_gives_way_and_takes_the_lock_again,
    a_hold_that_is_to_stop_at_a_loss,
    a_hold_that_ignores_a_loss,
    a_hold_as_pid_1_reaps_and_ends_at_term,
    a_hold_below_a_run_has_nothing_to_do,
    a_hold_without_a_device,
    a_hold_without_a_directory_says_so_at_once,
    a_condition_decides,
    a_condition_is_asked_before_anything_is_given_back,
    a_condition_that_says_no_gives_back_what_was_left,
    a_condition_that_hangs_is_killed,
    a_condition_that_is_no_command,
    the_end_of_a_hold_is_the_end_of_its_condition,
];

/// A `hold` that has the lock.
#[track_caller]
fn start<const N: usize>(device: &Device, lock: &Lock, options: [&str; N]) -> Process {
    let hold = device.at(lock, ["hold"]).args(options).start();
    hold.until_says("locked now");
    hold
}

fn a_hold_keeps_updates_away_until_a_signal_ends_it(device: &Device) {
    for signal in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ] {
        let lock = Lock::new();
        let mut hold = start(device, &lock, ["--reason", "maintenance"]);
        assert!(!peers::supervisor_takes(&lock));
        assert!(!peers::host_may_reboot(&lock));
        let note = fs::read_to_string(lock.path()).expect("a note");
        assert!(note.contains("reason maintenance\n"), "{note:?}");
        hold.signal(signal);
        hold.end().exits_with(128 + signal as i32);
        assert!(!lock.is_there());
    }
}

fn a_hold_waits_for_its_turn_and_says_for_whom(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let mut hold = device.at(&lock, ["hold"]).start();
    hold.until_says("held by the Supervisor");
    peers::supervisor_releases(&lock);
    hold.until_says("locked now");
    hold.signal(Signal::SIGTERM);
    hold.end().exits_with(143);
    assert!(!lock.is_there());
}

fn a_hold_adopts_what_its_last_start_left(device: &Device) {
    let lock = Lock::new();
    let mut hold = start(device, &lock, []);
    let inode = lock.inode();
    hold.signal(Signal::SIGKILL);
    hold.end();
    let _hold = start(device, &lock, []);
    assert_eq!(lock.inode(), inode);
    assert!(!peers::host_may_reboot(&lock));
}

fn a_hold_gives_way_and_takes_the_lock_again(device: &Device) {
    let lock = Lock::new();
    let mut hold = start(device, &lock, []);
    for times in 1..=3 {
        peers::supervisor_forces(&lock);
        wait::until("the loss is noticed", || {
            hold.errors().matches("the lock was taken away").count() == times
        });
        peers::supervisor_releases(&lock);
        wait::until("the lock is taken again", || {
            hold.errors().matches("locked now").count() == times + 1
        });
    }
    assert!(!peers::supervisor_takes(&lock));
    hold.signal(Signal::SIGTERM);
    hold.end().exits_with(143);
    assert!(!lock.is_there());
}

fn a_hold_that_is_to_stop_at_a_loss(device: &Device) {
    let lock = Lock::new();
    let mut hold = start(device, &lock, ["--on-lost", "stop"]);
    peers::supervisor_forces(&lock);
    let outcome = hold.end().exits_with(75);
    assert!(outcome.errors.contains("taken away"), "{outcome:?}");
    peers::supervisor_releases(&lock);
}

fn a_hold_that_ignores_a_loss(device: &Device) {
    let lock = Lock::new();
    let mut hold = start(device, &lock, ["--on-lost=ignore"]);
    peers::supervisor_forces(&lock);
    hold.until_says("unprotected");
    peers::supervisor_releases(&lock);
    hold.signal(Signal::SIGTERM);
    let outcome = hold.end().exits_with(143);
    assert_eq!(outcome.errors.matches("locked now").count(), 1);
    assert!(!lock.is_there());
}

fn a_hold_as_pid_1_reaps_and_ends_at_term(device: &Device) {
    let lock = Lock::new();
    // Each run of the condition leaves an orphan, which ends at once.
    let condition = "(sleep 0 & ); echo >>runs";
    let hold = device
        .at(&lock, ["hold", "--every", "50ms", "--while", condition])
        .in_own_pid_namespace();
    let mut unshare = hold.start();
    unshare.until_says("locked now");
    let init = wait::until_some("PID 1", || {
        proc_fs::children(unshare.pid()).first().copied()
    });
    wait::until("the condition was asked often", || lock.lines("runs") > 4);
    wait::until("nothing is left of it", || {
        proc_fs::children(init).is_empty()
    });
    nix::sys::signal::kill(init, Signal::SIGTERM).expect("kill");
    unshare.end().exits_with(143);
    assert!(!lock.is_there());
}

fn a_hold_below_a_run_has_nothing_to_do(device: &Device) {
    let lock = Lock::new();
    let script = "update-lock run -- update-lock hold";
    let outcome = device.script(&lock, script).end().exits_with(0);
    assert!(outcome.one_line().contains("nothing to do"));
}

fn a_hold_without_a_device(device: &Device) {
    let lock = Lock::new();
    let hold = device
        .update_lock(["hold"])
        .env("BALENA_APP_LOCK_PATH", lock.path());
    hold.end().fails_on(69, lock.directory());
}

fn a_hold_without_a_directory_says_so_at_once(device: &Device) {
    let lock = Lock::new();
    let path = lock.file("missing/updates.lock");
    for options in [&["--while", "false"][..], &["--open", "00:00-24:00"]] {
        let hold = device.update_lock(["--lock"]).arg(&path).arg("hold");
        let line = hold.args(options).end().fails_on(69, &path);
        assert!(line.contains("make its directory"), "{line}");
    }
}

fn a_condition_decides(device: &Device) {
    let lock = Lock::new();
    fs::write(lock.file("busy"), "").expect("a file");
    let condition = ["--while", "test -e busy", "--every", "1s"];
    let hold = start(device, &lock, condition);
    fs::remove_file(lock.file("busy")).expect("the file");
    hold.until_says("given back");
    wait::until("the lock is free", || !lock.is_there());
    assert!(peers::supervisor_takes(&lock));
    fs::write(lock.file("busy"), "").expect("a file");
    hold.until_says("held by the Supervisor");
    peers::supervisor_releases(&lock);
    wait::until("it is taken again", || {
        hold.errors().matches("locked now").count() == 2
    });
    assert!(!peers::supervisor_takes(&lock));
}

fn a_condition_is_asked_before_anything_is_given_back(device: &Device) {
    let lock = Lock::new();
    lock.make_stale(0);
    let (inode, gate) = (lock.inode(), lock.gate("gate"));
    let condition = "echo >asked; cat <gate";
    let hold = device.at(&lock, ["hold", "--while", condition]).start();
    lock.until_line("asked");
    assert_eq!(lock.inode(), inode);
    assert!(!peers::supervisor_takes(&lock));
    drop(gate);
    hold.until_says("locked now");
    assert_eq!(lock.inode(), inode);
}

fn a_condition_that_says_no_gives_back_what_was_left(device: &Device) {
    let lock = Lock::new();
    lock.make_stale(0);
    let mut hold = device.at(&lock, ["hold", "--while", "exit 3"]).start();
    wait::until("the lock is free", || !lock.is_there());
    hold.signal(Signal::SIGTERM);
    let outcome = hold.end().exits_with(143);
    assert_eq!(outcome.errors, "");
}

fn a_condition_that_hangs_is_killed(device: &Device) {
    let lock = Lock::new();
    let _gate = lock.gate("gate");
    // The first says yes; the next ones, and what they start, hang.
    let condition = "[ -e hangs ] || { echo >hangs; exit; }; cat <gate | cat & echo $! >pid; wait";
    let hold = start(device, &lock, ["--while", condition, "--every", "300ms"]);
    hold.until_says("still running");
    hold.until_says("given back");
    assert!(!lock.is_there());
}

fn a_condition_that_is_no_command(device: &Device) {
    let lock = Lock::new();
    let mut hold = device
        .at(&lock, ["hold", "--while", "no-such-command", "--every=1h"])
        .start();
    let line = hold.until_says("exit code 127");
    assert!(line.contains("no-such-command"), "{line}");
    hold.signal(Signal::SIGTERM);
    hold.end().exits_with(143);
    assert!(!lock.is_there());
}

fn the_end_of_a_hold_is_the_end_of_its_condition(device: &Device) {
    let lock = Lock::new();
    let _gate = lock.gate("gate");
    let condition = "echo $$ >asked; exec cat <gate";
    let mut hold = device.at(&lock, ["hold", "--while", condition]).start();
    let asked = lock.until_line("asked").parse().expect("a pid");
    hold.signal(Signal::SIGTERM);
    hold.end().exits_with(143);
    wait::until("the condition has ended", || {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(asked), None).is_err()
    });
}
