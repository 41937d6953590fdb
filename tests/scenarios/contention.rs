//! Several who want the lock.

use std::fs;

use crate::common::holder::Waiter;
use crate::common::{Device, Holder, Lock, Process, proc_fs, wait};

scenarios![
    the_lock_lasts_as_long_as_the_command,
    a_second_contender_waits_for_the_first,
    a_crowd_shares_a_counter_without_an_overlap,
    of_a_crowd_one_adopts_a_stale_file,
];

/// The mode of a lock that this program holds.
const HELD: u32 = 0o1644;

fn the_lock_lasts_as_long_as_the_command(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    assert_eq!(lock.mode_and_user(), (HELD, 0));
    assert_eq!(lock.names(), ["updates.lock"], "no temporary file");
    holder.finish().succeeds();
    assert_eq!(lock.names(), [""; 0]);
}

fn a_second_contender_waits_for_the_first(device: &Device) {
    let lock = Lock::new();
    let first = Holder::start(device, &lock);
    let second = Waiter::start(device, &lock, &[]).until_waits();
    let line = second.run.errors();
    assert!(line.contains(lock.text()), "it says for what: {line:?}");
    let Holder {
        mut run,
        command,
        gate,
    } = first;
    drop(gate);
    let second = second.until_holds();
    assert!(!proc_fs::is_alive(command), "two commands at once");
    run.end().succeeds();
    assert_eq!(lock.mode_and_user(), (HELD, 0));
    second.finish().exits_with(0);
    assert!(!lock.is_there());
}

/// A critical section that would show any overlap: in the directory that it makes, and in the count.
const TURN: &str = "
    mkdir busy 2>/dev/null || echo >>overlaps
    read n <counter
    echo $((n + 1)) >counter
    rmdir busy
";

fn a_crowd_shares_a_counter_without_an_overlap(device: &Device) {
    const CONTENDERS: usize = 5;
    const TURNS: usize = 4;
    let lock = Lock::new();
    fs::write(lock.file("counter"), "0\n").expect("the counter");
    fs::write(lock.file("turn"), TURN).expect("the critical section");
    let crowd: Vec<_> = (0..CONTENDERS)
        .map(|_| take_turns(device, &lock, TURNS))
        .collect();
    for mut contender in crowd {
        contender.end().exits_with(0);
    }
    assert_eq!(lock.lines("overlaps"), 0);
    assert_eq!(lock.read("counter"), format!("{}\n", CONTENDERS * TURNS));
    assert!(!lock.is_there());
}

fn take_turns(device: &Device, lock: &Lock, turns: usize) -> Process {
    let script = format!("n={turns}; while [ $((n -= 1)) -ge 0 ]; do \"$@\" || exit; done");
    device
        .at(lock, ["run", "--", "sh", "turn"])
        .through(["sh", "-c", &script, "sh"])
        .start()
}

fn of_a_crowd_one_adopts_a_stale_file(device: &Device) {
    const CONTENDERS: usize = 4;
    let lock = Lock::new();
    lock.make_stale(0);
    let inode = lock.inode();
    let mut crowd: Vec<_> = (0..CONTENDERS)
        .map(|_| Waiter::start(device, &lock, &["--no-wait"]))
        .collect();
    wait::until("all but one of a crowd have given up", || {
        let running = crowd
            .iter_mut()
            .filter_map(|waiter| waiter.run.is_running().then_some(()));
        running.count() == 1
    });
    let at = crowd.iter_mut().position(|waiter| waiter.run.is_running());
    let winner = crowd.swap_remove(at.expect("one is left")).until_holds();
    for mut loser in crowd {
        loser.run.end().fails_on(75, lock.path());
        assert!(!loser.has_started(), "two commands at once");
    }
    assert_eq!(lock.inode(), inode, "the file stayed in place");
    winner.finish().succeeds();
    assert!(!lock.is_there());
}
