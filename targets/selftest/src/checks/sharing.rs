//! Several who share the lock.

use update_lock::{Error, Holder, Leave, SharedLock, UpdateLock};

use crate::bench::Bench;
use crate::failure::{Outcome, ensure};
use crate::other::Other;

checks![
    the_last_one_out_gives_the_lock_back,
    a_member_that_is_killed_leaves_the_lock_to_the_others,
];

fn the_last_one_out_gives_the_lock_back(bench: &Bench) -> Outcome {
    let member = Other::start(|cues| {
        let hold = SharedLock::try_acquire(&bench.path)?;
        cues.give()?;
        cues.wait()?;
        ensure(
            hold.leave()? == Leave::Left,
            "the first one out leaves it to the other",
        )
    })?;
    member.wait()?;
    let hold = SharedLock::try_acquire(&bench.path)?;
    let refusal = UpdateLock::try_acquire(&bench.path).err();
    ensure(
        refusal == Some(Error::Held(Holder::App)),
        "who wants it alone is refused",
    )?;
    member.cue()?;
    member.end()?;
    ensure(bench.is_there()?, "the lock is still held")?;
    ensure(
        hold.leave()? == Leave::Released,
        "the last one out gives it back",
    )?;
    ensure(!bench.is_there()?, "the file is gone")
}

fn a_member_that_is_killed_leaves_the_lock_to_the_others(bench: &Bench) -> Outcome {
    let member = Other::start(|cues| {
        let _hold = SharedLock::try_acquire(&bench.path)?;
        cues.give()?;
        cues.wait()
    })?;
    member.wait()?;
    let hold = SharedLock::try_acquire(&bench.path)?;
    member.kill()?;
    ensure(hold.is_held()?, "the lock is still held")?;
    ensure(!bench.flock_is_free()?, "so is its flock")?;
    ensure(
        hold.leave()? == Leave::Released,
        "the last one out gives it back",
    )
}
