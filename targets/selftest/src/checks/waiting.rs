//! Waiting for the lock.

use core::time::Duration;

use rustix::fs::{Access, Mode, access};
use update_lock::{Error, Holder, Release, UpdateLock, Waiter};

use crate::bench::Bench;
use crate::failure::{Outcome, ensure};
use crate::other::Other;

checks![
    a_waiter_gets_the_lock_after_the_release,
    a_wait_ends_with_its_time,
    a_waiter_gives_way_to_an_override,
];

fn a_waiter_gets_the_lock_after_the_release(bench: &Bench) -> Outcome {
    let waiter = Other::start(|cues| {
        cues.wait()?;
        cues.give()?;
        let lock = UpdateLock::acquire(&bench.path)?;
        let is_after = access(bench.other.as_c_str(), Access::EXISTS).is_ok();
        ensure(is_after, "the first holder has come to its end")?;
        ensure(lock.release()? == Release::Released, "the waiter has it")
    })?;
    let lock = bench.acquire()?;
    waiter.cue()?;
    waiter.wait()?;
    bench.put(&bench.other, Mode::RUSR, b"")?;
    ensure(
        lock.release()? == Release::Released,
        "the first holder has it",
    )?;
    waiter.end()
}

fn a_wait_ends_with_its_time(bench: &Bench) -> Outcome {
    let lock = bench.acquire()?;
    let outcome = UpdateLock::acquire_timeout(&bench.path, Duration::from_millis(30));
    ensure(
        outcome.err() == Some(Error::Held(Holder::App)),
        "it says who holds it",
    )?;
    ensure(
        lock.release()? == Release::Released,
        "nothing has changed for the holder",
    )
}

/// What a forced Supervisor does while an application holds the lock and another waits for it.
fn a_waiter_gives_way_to_an_override(bench: &Bench) -> Outcome {
    let lock = bench.acquire()?;
    let mut waiter = Waiter::new(&bench.path);
    let mut refusal = |now| waiter.look(now).err();
    ensure(
        refusal(0) == Some(Error::Held(Holder::App)),
        "an application holds it",
    )?;
    bench.take_away()?;
    ensure(
        refusal(1) == Some(Error::GivingWay),
        "it is left to the override",
    )?;
    bench.put_supervisors()?;
    ensure(
        refusal(2) == Some(Error::Held(Holder::Supervisor)),
        "the Supervisor holds it",
    )?;
    bench.take_away()?;
    ensure(
        lock.release()? == Release::Lost,
        "the application has lost it",
    )?;
    let lock = waiter.look(3)?;
    ensure(
        lock.release()? == Release::Released,
        "it is taken after the Supervisor",
    )
}
