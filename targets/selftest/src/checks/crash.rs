//! Holders that die.

use update_lock::{Holder, Release, UpdateLock, status};

use crate::bench::Bench;
use crate::failure::{Failure, Outcome, ensure};
use crate::other::Other;

checks![
    a_killed_holders_lock_is_adopted,
    a_waiter_adopts_when_the_holder_is_killed,
];

fn start_holder(bench: &Bench) -> Result<Other, Failure> {
    let holder = Other::start(|cues| {
        let _lock = bench.acquire()?;
        cues.give()?;
        cues.wait()
    })?;
    holder.wait()?;
    Ok(holder)
}

fn a_killed_holders_lock_is_adopted(bench: &Bench) -> Outcome {
    let holder = start_holder(bench)?;
    let inode = bench.inode()?;
    holder.kill()?;
    let found = status(&bench.path)?.map(|status| (status.holder, status.is_adoptable));
    ensure(
        found == Some((Holder::Stale, true)),
        "the file stays, and can be adopted",
    )?;
    let lock = bench.acquire()?;
    ensure(bench.inode()? == inode, "the file is the same throughout")?;
    ensure(!bench.flock_is_free()?, "its flock is held again")?;
    ensure(
        lock.release()? == Release::Released,
        "the adopter releases it",
    )?;
    ensure(!bench.is_there()?, "the file is gone")
}

fn a_waiter_adopts_when_the_holder_is_killed(bench: &Bench) -> Outcome {
    let holder = start_holder(bench)?;
    let inode = bench.inode()?;
    let waiter = Other::start(|cues| {
        cues.give()?;
        let lock = UpdateLock::acquire(&bench.path)?;
        ensure(bench.inode()? == inode, "the file is the same throughout")?;
        ensure(
            lock.release()? == Release::Released,
            "the adopter releases it",
        )
    })?;
    waiter.wait()?;
    holder.kill()?;
    waiter.end()?;
    ensure(!bench.is_there()?, "the file is gone")
}
