//! How long `run` waits, and what it says meanwhile.

use std::time::{Duration, Instant};

use crate::common::holder::Waiter;
use crate::common::peers;
use crate::common::{Device, Holder, Lock, wait};

scenarios![
    no_wait_gives_up_on_a_holder,
    wait_gives_up_after_its_time,
    wait_takes_a_lock_that_becomes_free,
    or_run_runs_unprotected_and_takes_the_lock_later,
    or_run_takes_the_lock_under_a_stream_of_signals,
    or_run_without_a_chance_ends_with_its_command,
    or_run_waits_first,
    a_waiter_says_who_holds_the_lock,
    a_waiter_says_so_when_the_holder_changes,
    two_waiters_take_turns,
    a_waiter_at_a_held_lock_looks_three_times_in_two_seconds,
    a_waiter_who_can_give_up_looks_as_rarely,
    a_waiter_beside_others_and_a_status_loop_looks_as_rarely,
    a_wait_without_a_chance_looks_ten_times_a_second,
];

fn no_wait_gives_up_on_a_holder(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    let run = device.at(&lock, ["run", "--no-wait", "--", "touch", "ran"]);
    run.end().fails_on(75, lock.path());
    assert!(!lock.file("ran").exists());
    holder.finish().succeeds();
}

fn wait_gives_up_after_its_time(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let start = Instant::now();
    let run = device.at(&lock, ["run", "--wait", "400ms", "--", "touch", "ran"]);
    let outcome = run.end().exits_with(75);
    assert!(start.elapsed() >= Duration::from_millis(400), "not sooner");
    let last = outcome.errors.lines().last().expect("it says so");
    assert!(
        last.starts_with("update-lock: gave up: ") && last.contains(lock.text()),
        "{last:?}"
    );
    assert!(!lock.file("ran").exists());
}

fn wait_takes_a_lock_that_becomes_free(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let waiter = Waiter::start(device, &lock, &["--wait", "10m"]).until_waits();
    peers::supervisor_releases(&lock);
    waiter.until_holds().finish().exits_with(0);
}

fn or_run_runs_unprotected_and_takes_the_lock_later(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let waiter = Waiter::start(device, &lock, &["--wait", "100ms", "--or-run"]);
    let holder = waiter.until_holds();
    let line = holder.run.until_says("unprotected");
    assert!(line.contains(lock.text()), "{line:?}");
    assert_eq!(
        lock.mode_and_user(),
        (0o444, peers::NOBODY),
        "the Supervisor's still"
    );
    peers::supervisor_releases(&lock);
    wait::until("the lock is taken later", || lock.is_there());
    wait::until("its flock too", || !peers::host_may_reboot(&lock));
    assert_eq!(lock.mode_and_user(), (0o1644, 0));
    holder.finish().exits_with(0);
    assert!(!lock.is_there(), "released");
}

fn or_run_takes_the_lock_under_a_stream_of_signals(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let holder = Waiter::start(device, &lock, &["--wait", "1ms", "--or-run"]).until_holds();
    peers::supervisor_releases(&lock);
    wait::until("the lock is taken", || {
        holder.run.signal(nix::sys::signal::Signal::SIGWINCH);
        lock.is_there()
    });
    holder.finish().exits_with(0);
    assert!(!lock.is_there(), "released");
}

fn or_run_without_a_chance_ends_with_its_command(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let run = device.at(
        &lock,
        [
            "run", "--wait", "1ms", "--or-run", "--", "sh", "-c", "exit 5",
        ],
    );
    run.end().exits_with(5);
    assert_eq!(lock.mode_and_user(), (0o444, peers::NOBODY));
}

fn or_run_waits_first(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let waiter = Waiter::start(device, &lock, &["--wait", "10m", "--or-run"]).until_waits();
    peers::supervisor_releases(&lock);
    let holder = waiter.until_holds();
    assert!(!peers::supervisor_takes(&lock), "protected from its start");
    holder.finish().exits_with(0);
}

fn a_waiter_says_who_holds_the_lock(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    let waiter = Waiter::start(device, &lock, &[]).until_waits();
    let line = waiter.run.errors();
    assert_eq!(line.lines().count(), 1, "{line:?}");
    assert!(
        line.contains(lock.text()) && line.ends_with("; 'update-lock status' says who\n"),
        "{line:?}"
    );
    holder.finish().succeeds();
    waiter.until_holds().finish().exits_with(0);
}

fn a_waiter_says_so_when_the_holder_changes(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    let waiter = Waiter::start(device, &lock, &[]).until_waits();
    // Without a moment in which the path is free and the waiter's.
    peers::helios_forces(&lock);
    waiter.run.until_says("Supervisor");
    holder.finish().fails_on(0, lock.path());
    peers::supervisor_releases(&lock);
    waiter.until_holds().finish().exits_with(0);
}

fn two_waiters_take_turns(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let mut waiters = Vec::from([(); 2].map(|()| Waiter::start(device, &lock, &[]).until_waits()));
    peers::supervisor_releases(&lock);
    let at = wait::until_some("one of two holds", || {
        waiters.iter().position(Waiter::has_started)
    });
    let first = waiters.swap_remove(at).until_holds();
    let second = waiters.swap_remove(0);
    assert!(!second.has_started());
    first.finish().exits_with(0);
    second.until_holds().finish().exits_with(0);
}

fn a_waiter_at_a_held_lock_looks_three_times_in_two_seconds(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let _waiter = start_watched(device, &lock, &[]);
    expect_few_looks(&lock);
}

fn a_waiter_who_can_give_up_looks_as_rarely(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let _waiter = start_watched(device, &lock, &["--wait", "10m", "--or-run"]);
    expect_few_looks(&lock);
}

/// Nobody's look is news for anybody.
fn a_waiter_beside_others_and_a_status_loop_looks_as_rarely(device: &Device) {
    let lock = Lock::new();
    let _holder = Holder::start(device, &lock);
    let _others = [(); 3].map(|()| Waiter::start(device, &lock, &[]).until_waits());
    let script = "while :; do update-lock status; echo >>statuses; done";
    let _statuses = device.script(&lock, script).start();
    lock.until_line("statuses");
    let _waiter = start_watched(device, &lock, &[]);
    let before = lock.lines("statuses");
    expect_few_looks(&lock);
    assert!(lock.lines("statuses") > before + 1, "they went on");
}

/// A `run` whose looks are noted from outside, each by the `stat` of the path that it begins with.
fn start_watched(device: &Device, lock: &Lock, options: &[&str]) -> Waiter {
    let notes = ["strace", "-D", "-qq", "-r", "-o", "calls"];
    let calls = ["-e", "trace=%%stat", "-P", lock.text()];
    Waiter::start_as(device, lock, options, |run| {
        run.through(notes.into_iter().chain(calls))
    })
}

/// When the waiter looked, in seconds.
fn looks(lock: &Lock) -> Vec<f64> {
    let path = format!("\"{}\"", lock.text());
    let mut now = 0.0;
    let mut looks = vec![];
    for line in lock.read("calls").lines() {
        let Some((passed, call)) = line.trim_start().split_once(' ') else {
            break;
        };
        now += passed.parse::<f64>().expect("seconds since the last line");
        // An older engine or kernel refuses `statx`; the call that takes its place is the look.
        let is_refused = [" EPERM ", " ENOSYS "]
            .iter()
            .any(|errno| call.contains(errno));
        if call.contains(&path) && !is_refused {
            looks.push(now);
        }
    }
    looks
}

#[track_caller]
fn expect_few_looks(lock: &Lock) {
    let looks = looks_in_two_seconds(lock);
    assert!(looks.len() <= 3, "{looks:?}");
}

fn looks_in_two_seconds(lock: &Lock) -> Vec<f64> {
    let mut looks = wait::until_some("a look after two seconds", || {
        let looks = looks(lock);
        (looks.last()? - looks.first()? >= 2.0).then_some(looks)
    });
    // The waiter counts in milliseconds, and so the last may be early by one.
    let end = looks[0] + 1.99;
    looks.retain(|look| *look < end);
    looks
}

/// Without the directory there is no watch.
fn a_wait_without_a_chance_looks_ten_times_a_second(device: &Device) {
    let lock = Lock::new();
    let directory = lock.path().parent().expect("its directory");
    std::fs::remove_dir(directory).expect("nothing is in there");
    let _waiter = start_watched(device, &lock, &["--wait", "1ms", "--or-run"]);
    let looks = looks_in_two_seconds(&lock);
    assert!(looks.len() <= 21, "{looks:?}");
}
