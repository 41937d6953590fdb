//! A person's override: nobody who waits, or has lost its lock, takes the lock before the Supervisor does.

use std::fs;

use nix::sys::signal::Signal;

use crate::common::holder::Waiter;
use crate::common::{Device, Holder, Invocation, Lock, peers, proc_fs, wait};

scenarios![
    forced_takes_beside_a_run_that_retakes,
    forced_takes_beside_a_run_and_a_waiter,
    forced_takes_beside_a_holder_that_lets_go,
    forced_takes_by_helios,
    ordinary_releases_among_two,
    ordinary_releases_are_taken_at_once,
    releases_beside_strays_are_taken_at_once,
    a_lost_lock_is_taken_again_after_the_supervisor,
    a_lost_lock_is_taken_again_after_a_persons_rm,
    on_lost_stop_ends_the_command,
    on_lost_stop_kills_a_command_that_stays,
    on_lost_ignore_goes_on_unprotected,
    a_waiter_notices_a_release_without_inotify,
    a_wait_that_ends_while_it_gives_way,
];

/// How many forced takes: each must succeed.
fn times(device: &Device) -> usize {
    // Slow under an emulator; the Pi Zero's is the one that the lock is for.
    if device.is_native() || device.name == "rpi" {
        200
    } else {
        25
    }
}

/// As the Supervisor does it: two programs, and milliseconds between their calls.
#[track_caller]
fn force(lock: &Lock) {
    let force = "rm -f \"$1\"
        exec setpriv --reuid 65534 --clear-groups sh -c 'lockfile -r 0 \"$1\"' sh \"$1\"";
    let outcome = Invocation::of(["sh", "-c", force, "sh"])
        .arg(lock.path())
        .end();
    assert_eq!(
        outcome.code,
        Some(0),
        "an override was broken: {outcome:#?}"
    );
}

/// Whether the lock is held by somebody of ours.
fn is_ours(lock: &Lock) -> bool {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let found = lock.path().symlink_metadata();
    found.is_ok_and(|found| found.permissions().mode() & 0o7777 == 0o1644 && found.uid() == 0)
}

fn forced_takes_beside_a_run_that_retakes(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    for time in 1..=times(device) {
        until_retaken(&holder, time - 1);
        force(&lock);
        until_lost(&holder, time);
        peers::supervisor_releases(&lock);
    }
    until_retaken(&holder, times(device));
    assert!(is_ours(&lock));
    holder.finish().exits_with(0);
    assert!(!lock.is_there());
}

/// Until `run` has taken the lock again that many times.
#[track_caller]
fn until_retaken(holder: &Holder, times: usize) {
    wait::until("the lock is taken again", || {
        holder.run.errors().matches("locked now").count() == times
    });
}

/// Until `run` has noticed that many losses: a Supervisor is at work for longer than that.
#[track_caller]
fn until_lost(holder: &Holder, times: usize) {
    wait::until("the loss is noticed", || {
        holder.run.errors().matches("taken away").count() == times
    });
}

fn forced_takes_beside_a_run_and_a_waiter(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    let waiter = Waiter::start(device, &lock, &[]).until_waits();
    for _ in 0..times(device) {
        wait::until("the lock is ours", || is_ours(&lock));
        force(&lock);
        peers::supervisor_releases(&lock);
    }
    holder.finish().exits_with(0);
    waiter.until_ends().exits_with(0);
    assert!(!lock.is_there());
}

/// A holder that sees the loss and closes the file leaves nothing whose `flock` could be asked.
fn forced_takes_beside_a_holder_that_lets_go(device: &Device) {
    let lock = Lock::new();
    let start = || Waiter::start(device, &lock, &["--on-lost", "ignore"]);
    let mut holder = start().until_holds();
    for _ in 0..times(device) {
        let waiter = start();
        until_armed(&waiter);
        force(&lock);
        holder.run.until_says("unprotected");
        peers::supervisor_releases(&lock);
        holder.finish().exits_with(0);
        holder = waiter.until_holds();
    }
    holder.finish().exits_with(0);
    assert!(!lock.is_there());
}

fn forced_takes_by_helios(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    for time in 1..=10 {
        until_retaken(&holder, time - 1);
        peers::helios_forces(&lock);
        until_lost(&holder, time);
        peers::supervisor_releases(&lock);
    }
    until_retaken(&holder, 10);
    assert!(is_ours(&lock));
    holder.finish().exits_with(0);
}

/// Two that take turns, however they meet.
fn ordinary_releases_among_two(device: &Device) {
    let lock = Lock::new();
    let rounds = times(device) / 2;
    let script = format!(
        "i=0; while [ $((i += 1)) -le {rounds} ]; do
             update-lock run -- sh -c 'echo >>turns' || exit
         done"
    );
    let mut loops = [0; 2].map(|_| device.script(&lock, &script).start());
    for process in &mut loops {
        process.end().exits_with(0);
    }
    assert_eq!(lock.lines("turns"), 2 * rounds);
    assert!(!lock.is_there());
}

fn ordinary_releases_are_taken_at_once(device: &Device) {
    release_to_a_waiter(device, "");
}

/// A copy of the descriptor, which `run` passes on to its command, is open in what that has started.
fn releases_beside_strays_are_taken_at_once(device: &Device) {
    release_to_a_waiter(device, "sleep 5 </dev/null >/dev/null 2>&1 &");
}

/// Nobody takes a release for an override: that would be said after a quarter of a second, and take five.
#[track_caller]
fn release_to_a_waiter(device: &Device, stray: &str) {
    let lock = Lock::new();
    let mut holder = Waiter::start_doing(device, &lock, stray).until_holds();
    for _ in 0..times(device) {
        let waiter = Waiter::start_doing(device, &lock, stray);
        until_armed(&waiter);
        holder.finish().exits_with(0);
        holder = waiter.until_holds();
        let said = holder.run.errors();
        assert!(!said.contains("left to the override"), "{said}");
    }
    holder.finish().exits_with(0);
    assert!(!lock.is_there());
}

#[track_caller]
fn until_armed(waiter: &Waiter) {
    wait::until("the waiter has looked, and armed its watch", || {
        let open = proc_fs::descriptors(waiter.run.pid());
        open.values()
            .any(|file| file.ends_with("anon_inode:inotify"))
    });
}

fn a_lost_lock_is_taken_again_after_the_supervisor(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    force(&lock);
    holder.run.until_says("taken away");
    assert_eq!(lock.mode_and_user(), (0o444, peers::NOBODY));
    peers::supervisor_releases(&lock);
    holder.run.until_says("locked now");
    assert!(!peers::supervisor_takes(&lock));
    assert!(!peers::host_may_reboot(&lock));
    let note = fs::read_to_string(lock.path()).expect("a note");
    assert!(
        note.contains(&format!("pid {}\n", holder.run.pid())),
        "{note}"
    );
    let outcome = holder.finish().exits_with(0);
    assert_eq!(outcome.errors.lines().count(), 2, "{outcome:#?}");
    assert!(!lock.is_there());
}

fn a_lost_lock_is_taken_again_after_a_persons_rm(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    fs::remove_file(lock.path()).expect("the lock");
    holder.run.until_says("taken away");
    holder.run.until_says("locked now");
    assert!(!peers::host_may_reboot(&lock));
    holder.finish().exits_with(0);
    assert!(!lock.is_there());
}

fn on_lost_stop_ends_the_command(device: &Device) {
    let lock = Lock::new();
    let holder = Waiter::start(device, &lock, &["--on-lost", "stop"]).until_holds();
    force(&lock);
    let Holder { mut run, .. } = holder;
    run.end().fails_on(143, lock.path());
    assert_eq!(lock.mode_and_user(), (0o444, peers::NOBODY));
}

fn on_lost_stop_kills_a_command_that_stays(device: &Device) {
    let lock = Lock::new();
    let stay = "trap '' TERM; echo >started; sleep 1000 & wait; wait; sleep 1000";
    let mut run = device
        .at(&lock, ["run", "--", "sh", "-c", stay])
        .env("UPDATE_LOCK_ON_LOST", "stop")
        .start();
    lock.until_line("started");
    fs::remove_file(lock.path()).expect("the lock");
    run.end().fails_on(137, lock.path());
}

fn on_lost_ignore_goes_on_unprotected(device: &Device) {
    let lock = Lock::new();
    let holder = Waiter::start(device, &lock, &["--on-lost=ignore"]).until_holds();
    force(&lock);
    holder.run.until_says("unprotected");
    peers::supervisor_releases(&lock);
    assert!(proc_fs::is_alive(holder.command));
    holder.finish().fails_on(0, lock.path());
    assert!(!lock.is_there());
}

/// The limit of `inotify` instances is each user's: one user has none left.
fn a_waiter_notices_a_release_without_inotify(device: &Device) {
    let lock = Lock::new();
    let without = "import ctypes, os, sys
libc = ctypes.CDLL(None)
while libc.inotify_init1(0) >= 0:
    pass
os.execvp(sys.argv[1], sys.argv[1:])";
    let holder = Holder::start(device, &lock);
    let waiter = Waiter::start_as(device, &lock, &[], |run| {
        run.through(["python3", "-c", without]).by_user(1234)
    });
    let waiter = waiter.until_waits();
    holder.finish().succeeds();
    waiter.until_ends().exits_with(0);
    assert!(!lock.is_there());
}

fn a_wait_that_ends_while_it_gives_way(device: &Device) {
    let lock = Lock::new();
    let mut holder = Waiter::start(device, &lock, &["--on-lost", "ignore"]).until_holds();
    let run = device.at(&lock, ["run", "--wait", "2s", "--", "touch", "ran"]);
    let mut run = run.start();
    run.until_says("waiting for");
    fs::remove_file(lock.path()).expect("the lock");
    let outcome = run.end().exits_with(75);
    let last = outcome.errors.lines().last().expect("it says so");
    assert!(last.contains("left to the override"), "{outcome:#?}");
    assert!(!lock.file("ran").exists());
    assert!(!lock.is_there());
    holder.run.signal(Signal::SIGKILL);
    holder.run.end();
}
