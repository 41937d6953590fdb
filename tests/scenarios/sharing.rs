//! `--shared`: several jobs, each of which needs that no update comes while it runs.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::acquire::until_free;
use crate::common::holder::Waiter;
use crate::common::{Device, Gate, Holder, Lock, Process, peers, proc_fs, wait};

scenarios![
    the_last_one_out_gives_the_lock_back,
    a_shared_lock_keeps_the_exclusive_out,
    an_exclusive_lock_keeps_the_shared_out,
    a_member_that_dies_leaves_the_lock_to_the_rest,
    what_dead_members_leave_is_joined,
    what_a_members_command_started_is_no_member,
    a_forced_take_from_several_members,
    each_process_has_a_keeper_of_its_own,
    the_end_of_a_process_is_the_end_of_its_keeper_alone,
    a_second_shared_acquire_has_nothing_to_do,
    release_for_another_process,
    release_of_what_others_share,
    release_after_a_shared_keeper_was_killed,
    two_ask_a_shared_keeper_at_once,
    keepers_end_when_a_shared_lock_is_taken_away,
    runs_and_keepers_share,
    ten_jobs_come_and_go,
    shared_acquires_at_the_same_time,
    who_may_not_write_the_lock_ends_no_keeper,
    keepers_of_containers_with_the_same_process_ids,
];

#[track_caller]
fn share(device: &Device, lock: &Lock) -> Holder {
    Waiter::start(device, lock, &["--shared"]).until_holds()
}

#[track_caller]
fn assert_held(lock: &Lock) {
    assert!(!peers::supervisor_takes(lock));
    assert!(!peers::host_may_reboot(lock));
}

fn the_last_one_out_gives_the_lock_back(device: &Device) {
    let lock = Lock::new();
    let members = [(); 3].map(|()| share(device, &lock));
    let inode = lock.inode();
    for member in members {
        assert_held(&lock);
        assert_eq!(lock.inode(), inode);
        member.finish().succeeds();
    }
    assert!(!lock.is_there());
}

fn a_shared_lock_keeps_the_exclusive_out(device: &Device) {
    let lock = Lock::new();
    let (one, two) = (share(device, &lock), share(device, &lock));
    let run = device.at(&lock, ["run", "--no-wait", "--", "true"]);
    run.end().fails_with(75);
    let exclusive = Waiter::start(device, &lock, &[]).until_waits();
    one.finish().succeeds();
    assert!(!exclusive.has_started());
    two.finish().succeeds();
    let exclusive = exclusive.until_holds();
    assert_held(&lock);
    exclusive.finish().exits_with(0);
    assert!(!lock.is_there());
}

fn an_exclusive_lock_keeps_the_shared_out(device: &Device) {
    let lock = Lock::new();
    let exclusive = Holder::start(device, &lock);
    let waiters = [(); 2].map(|()| Waiter::start(device, &lock, &["--shared"]).until_waits());
    exclusive.finish().succeeds();
    let [one, two] = waiters.map(Waiter::until_holds);
    one.finish().exits_with(0);
    assert_held(&lock);
    two.finish().exits_with(0);
    assert!(!lock.is_there());
}

fn a_member_that_dies_leaves_the_lock_to_the_rest(device: &Device) {
    let lock = Lock::new();
    let (mut dead, alive) = (share(device, &lock), share(device, &lock));
    dead.run.signal(Signal::SIGKILL);
    dead.run.end();
    kill(dead.command, Signal::SIGKILL).expect("kill");
    proc_fs::until_dead(dead.command);
    assert_held(&lock);
    alive.finish().succeeds();
    assert!(!lock.is_there());
}

fn what_dead_members_leave_is_joined(device: &Device) {
    let lock = Lock::new();
    lock.make_stale(0);
    let inode = lock.inode();
    let (one, two) = (share(device, &lock), share(device, &lock));
    assert_eq!(lock.inode(), inode);
    assert_held(&lock);
    one.finish().succeeds();
    two.finish().succeeds();
    assert!(!lock.is_there());
}

/// It has the descriptor, on purpose: its `run` may be killed.
fn what_a_members_command_started_is_no_member(device: &Device) {
    let lock = Lock::new();
    let _gate = lock.gate("stray");
    let other = share(device, &lock);
    let start = "cat <stray >/dev/null 2>&1 & echo $! >pid";
    let run = device.at(&lock, ["run", "--shared", "--", "sh", "-c", start]);
    // Kept to the end, as what is left of its process group goes with it.
    let mut run = run.start();
    run.end().succeeds();
    let stray = lock.until_line("pid").parse().expect("a pid");
    let stray = Pid::from_raw(stray);
    assert_held(&lock);
    other.finish().succeeds();
    assert!(!lock.is_there());
    assert!(proc_fs::is_alive(stray), "and it went on all the while");
}

fn a_forced_take_from_several_members(device: &Device) {
    let lock = Lock::new();
    let members = [(); 3].map(|()| share(device, &lock));
    for times in 1..=3 {
        peers::supervisor_forces(&lock);
        for member in &members {
            wait::until("the loss is noticed", || {
                member
                    .run
                    .errors()
                    .matches("it will be taken again")
                    .count()
                    == times
            });
        }
        peers::supervisor_releases(&lock);
        for member in &members {
            wait::until("the lock is shared again", || {
                member.run.errors().matches("locked now").count() == times
            });
        }
    }
    for member in members {
        assert_held(&lock);
        member.finish().exits_with(0);
    }
    assert!(!lock.is_there());
}

/// A script that shares the lock until its gate opens, and then does `after`.
fn start_sharer(device: &Device, lock: &Lock, name: &str, after: &str) -> (Process, Gate) {
    let gate = lock.gate(name);
    let script = format!(
        "exec 8<{name}
         update-lock acquire --shared || exit
         echo >{name}-held
         cat <&8
         {after}"
    );
    let process = device.script(lock, &script).start();
    lock.until_line(&format!("{name}-held"));
    (process, gate)
}

fn each_process_has_a_keeper_of_its_own(device: &Device) {
    let lock = Lock::new();
    let script = "update-lock release; echo \"$?\" >released; cat <&8";
    let _end = lock.gate("end");
    let (mut one, gate) = start_sharer(device, &lock, "one", &script.replace("<&8", "<end"));
    let (mut two, other_gate) = start_sharer(device, &lock, "two", "update-lock release");
    assert_eq!(proc_fs::with_open(lock.path()).len(), 2);
    drop(gate);
    assert_eq!(lock.until_line("released"), "0");
    assert!(one.is_running(), "so it is the release that has ended it");
    assert_eq!(proc_fs::with_open(lock.path()).len(), 1);
    assert_held(&lock);
    drop(other_gate);
    two.end().exits_with(0);
    assert!(!lock.is_there());
}

fn the_end_of_a_process_is_the_end_of_its_keeper_alone(device: &Device) {
    let lock = Lock::new();
    let (mut one, gate) = start_sharer(device, &lock, "one", "");
    let (mut two, _other_gate) = start_sharer(device, &lock, "two", "");
    drop(gate);
    one.end().exits_with(0);
    wait::until("one keeper has gone", || {
        proc_fs::with_open(lock.path()).len() == 1
    });
    assert_held(&lock);
    two.signal(Signal::SIGKILL);
    two.end();
    until_free(&lock);
}

fn a_second_shared_acquire_has_nothing_to_do(device: &Device) {
    let lock = Lock::new();
    let script = "set -e
        update-lock acquire --shared
        update-lock acquire --shared
        update-lock release
        update-lock status";
    let outcome = device.script(&lock, script).end().exits_with(0);
    assert!(outcome.one_line().ends_with("nothing to do"), "{outcome:?}");
    assert!(outcome.output.ends_with(": free\n"), "{outcome:?}");
}

fn release_for_another_process(device: &Device) {
    let lock = Lock::new();
    let (one, _gate) = start_sharer(device, &lock, "one", "");
    let (two, _other_gate) = start_sharer(device, &lock, "two", "");
    let release = |process: &Process| {
        let pid = process.pid().to_string();
        device
            .at(&lock, ["release", "--for", &pid])
            .end()
            .succeeds();
    };
    release(&two);
    assert_eq!(proc_fs::with_open(lock.path()).len(), 1);
    assert_held(&lock);
    release(&one);
    assert!(!lock.is_there());
}

fn release_of_what_others_share(device: &Device) {
    let lock = Lock::new();
    let run = share(device, &lock);
    let (_one, _gate) = start_sharer(device, &lock, "one", "");
    let release = device.at(&lock, ["release"]).end().exits_with(0);
    assert!(release.one_line().contains("shared by others"));
    assert_eq!(
        proc_fs::with_open(lock.path()).len(),
        3,
        "run, its command, a keeper"
    );
    run.finish().succeeds();
    assert_held(&lock);
}

fn release_after_a_shared_keeper_was_killed(device: &Device) {
    let lock = Lock::new();
    let (mut one, gate) = start_sharer(device, &lock, "one", "update-lock release");
    let keeper = proc_fs::with_open(lock.path())[0];
    // While it is asked, so that the request is what removes its file.
    kill(keeper, Signal::SIGSTOP).expect("kill");
    proc_fs::until_state(keeper, &['T']);
    drop(gate);
    wait::until("the request", || proc_fs::locked_bytes(lock.path()) == 2);
    kill(keeper, Signal::SIGKILL).expect("kill");
    one.end().exits_with(0);
    assert!(!lock.is_there());
}

fn two_ask_a_shared_keeper_at_once(device: &Device) {
    let lock = Lock::new();
    let (one, _gate) = start_sharer(device, &lock, "one", "");
    let keeper = proc_fs::with_open(lock.path())[0];
    kill(keeper, Signal::SIGSTOP).expect("kill");
    proc_fs::until_state(keeper, &['T']);
    let pid = one.pid().to_string();
    let ask = || device.at(&lock, ["release", "--for", &pid]).start();
    let mut first = ask();
    wait::until("the request", || proc_fs::locked_bytes(lock.path()) == 2);
    let mut second = ask();
    wait::until("two who ask", || proc_fs::with_open(lock.path()).len() == 3);
    // It sleeps only once it was refused.
    proc_fs::until_state(second.pid(), &['S']);
    // The keeper hasn't looked yet: the other one has to ask in its place.
    first.signal(Signal::SIGKILL);
    first.end();
    wait::until("the other one's", || {
        proc_fs::locked_bytes(lock.path()) == 2
    });
    second.until_says("waiting for its keeper; is that stopped?");
    kill(keeper, Signal::SIGCONT).expect("kill");
    second.end().exits_with(0).one_line();
    assert!(!lock.is_there());
}

fn keepers_end_when_a_shared_lock_is_taken_away(device: &Device) {
    let lock = Lock::new();
    let (_one, _gate) = start_sharer(device, &lock, "one", "");
    let (_two, _other_gate) = start_sharer(device, &lock, "two", "");
    let keepers = proc_fs::with_open(lock.path());
    assert_eq!(keepers.len(), 2);
    peers::supervisor_forces(&lock);
    for keeper in keepers {
        proc_fs::until_dead(keeper);
    }
    assert_eq!(lock.mode_and_user(), (0o444, peers::NOBODY));
    device.at(&lock, ["release"]).end().exits_with(0);
    assert!(lock.is_there(), "the Supervisor's");
}

fn runs_and_keepers_share(device: &Device) {
    let lock = Lock::new();
    let run = share(device, &lock);
    let (mut script, gate) = start_sharer(device, &lock, "one", "update-lock release");
    run.finish().succeeds();
    assert_held(&lock);
    let run = share(device, &lock);
    drop(gate);
    script.end().exits_with(0);
    assert_held(&lock);
    run.finish().succeeds();
    assert!(!lock.is_there());
}

/// However they come and go, no update falls in between: the one that is there all the time sees to that.
fn ten_jobs_come_and_go(device: &Device) {
    let lock = Lock::new();
    let all_the_time = share(device, &lock);
    let supervisor = peers::Loop::of_supervisor(&lock);
    let host = peers::Loop::of_host(&lock);
    let jobs = "i=0
        while [ $((i += 1)) -le 10 ]; do
            update-lock run --shared -- true & update-lock run --shared -- sleep 0.01 & wait
        done";
    device.script(&lock, jobs).end().succeeds();
    assert_eq!(supervisor.stop(), 0, "of the Supervisor's attempts");
    assert_eq!(host.stop(), 0, "of the host's looks");
    all_the_time.finish().succeeds();
    assert!(!lock.is_there());
}

fn shared_acquires_at_the_same_time(device: &Device) {
    let lock = Lock::new();
    let script = "for round in 1 2 3 4 5; do
            update-lock acquire --shared --for $$ & a=$!
            update-lock acquire --shared --for $$ & b=$!
            update-lock acquire --shared --for $$ & c=$!
            wait $a && wait $b && wait $c || exit
            update-lock release --for $$ || exit
            [ ! -e \"$UPDATE_LOCK_PATH\" ] || exit
        done";
    device.script(&lock, script).end().exits_with(0);
}

fn who_may_not_write_the_lock_ends_no_keeper(device: &Device) {
    let lock = Lock::new();
    let (one, _gate) = start_sharer(device, &lock, "one", "");
    let release = device.at(&lock, ["release", "--for", &one.pid().to_string()]);
    release.by_user(1234).end().fails_on(77, lock.path());
    assert_held(&lock);
    assert_eq!(proc_fs::with_open(lock.path()).len(), 1);
}

fn keepers_of_containers_with_the_same_process_ids(device: &Device) {
    let lock = Lock::new();
    let start = |name: &str| {
        let gate = lock.gate(name);
        let script = format!(
            "exec 8<{name}
             update-lock acquire --shared --for $$ || exit
             echo $$ >{name}-held
             cat <&8
             update-lock release --for $$"
        );
        let process = device.script(&lock, &script).in_own_pid_namespace().start();
        assert_eq!(lock.until_line(&format!("{name}-held")), "1");
        (process, gate)
    };
    let (mut one, gate) = start("one");
    let (mut two, other_gate) = start("two");
    drop(gate);
    one.end().exits_with(0);
    assert_held(&lock);
    drop(other_gate);
    two.end().exits_with(0);
    assert!(!lock.is_there());
}
