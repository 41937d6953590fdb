//! Locks that are taken away.

use core::time::Duration;

use rustix::fs::Mode;
use update_lock::{Error, Release, Waiter};

use crate::bench::Bench;
use crate::failure::{Outcome, ensure};
use crate::other::Other;

checks![
    a_lock_that_was_taken_away_is_lost,
    what_has_taken_its_place_stays,
    a_holder_that_waits_is_told_of_the_loss,
    a_lost_lock_is_left_to_the_override_and_taken_again,
];

fn a_lock_that_was_taken_away_is_lost(bench: &Bench) -> Outcome {
    let lock = bench.acquire()?;
    bench.take_away()?;
    ensure(!lock.is_held()?, "it is no longer held")?;
    ensure(lock.release()? == Release::Lost, "the release says so")
}

fn what_has_taken_its_place_stays(bench: &Bench) -> Outcome {
    let lock = bench.acquire()?;
    bench.put(&bench.other, Mode::RUSR, b"0")?;
    rustix::fs::rename(bench.other.as_c_str(), bench.path.as_c_str())?;
    let inode = bench.inode()?;
    ensure(!lock.is_held()?, "it is no longer held")?;
    ensure(lock.release()? == Release::Lost, "the release says so")?;
    ensure(bench.inode()? == inode, "and removes nothing")
}

fn a_holder_that_waits_is_told_of_the_loss(bench: &Bench) -> Outcome {
    let holder = Other::start(|cues| {
        let mut lock = bench.acquire()?;
        ensure(!lock.wait_lost(Duration::ZERO)?, "it is not lost yet")?;
        cues.give()?;
        ensure(lock.wait_lost(Duration::MAX)?, "it is lost")?;
        ensure(lock.release()? == Release::Lost, "the release says so")
    })?;
    holder.wait()?;
    bench.take_away()?;
    holder.end()
}

fn a_lost_lock_is_left_to_the_override_and_taken_again(bench: &Bench) -> Outcome {
    let lock = bench.acquire()?;
    bench.take_away()?;
    // By a clock of the waiter's own: nobody waits here.
    let mut waiter = Waiter::after_loss(lock);
    for now in [0, 4999] {
        let refusal = waiter.look(now).err();
        ensure(
            refusal == Some(Error::GivingWay),
            "it gives way for five seconds",
        )?;
    }
    let lock = waiter.look(5000)?;
    ensure(
        lock.release()? == Release::Released,
        "it is taken when none has come",
    )
}
