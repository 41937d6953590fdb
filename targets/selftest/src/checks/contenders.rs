//! Several who want the lock.

use rustix::io::{pread, pwrite};
use update_lock::{Error, Holder, Release, UpdateLock};

use crate::bench::Bench;
use crate::failure::{Failure, Outcome, ensure};
use crate::other::Other;
use rustix::fs::Mode;

checks![
    a_lock_is_a_file_and_a_flock,
    a_second_contender_is_refused,
    a_thousand_contended_cycles_never_overlap,
];

fn a_lock_is_a_file_and_a_flock(bench: &Bench) -> Outcome {
    let lock = bench.acquire()?;
    let mode = bench.stat()?.map(|stat| stat.st_mode & 0o7777);
    ensure(mode == Some(0o1644), "the file's mode is 1644")?;
    ensure(!bench.flock_is_free()?, "its flock is held")?;
    ensure(lock.is_held()?, "it is held")?;
    ensure(lock.release()? == Release::Released, "it is released")?;
    ensure(!bench.is_there()?, "the file is gone")
}

fn a_second_contender_is_refused(bench: &Bench) -> Outcome {
    let first = Other::start(|cues| {
        let lock = bench.acquire()?;
        cues.give()?;
        cues.wait()?;
        ensure(
            lock.release()? == Release::Released,
            "it was the first one's throughout",
        )
    })?;
    first.wait()?;
    let refusal = UpdateLock::try_acquire(&bench.path).err();
    ensure(
        refusal == Some(Error::Held(Holder::App)),
        "an application holds it",
    )?;
    first.cue()?;
    first.end()?;
    ensure(
        bench.acquire()?.release()? == Release::Released,
        "it is free then",
    )
}

const CONTENDERS: usize = 4;
const CYCLES: u32 = 250;

/// Each adds one to a number in a file by two system calls, which would lose some if two did so at once.
fn a_thousand_contended_cycles_never_overlap(bench: &Bench) -> Outcome {
    let counter = bench.put(&bench.other, Mode::RUSR, &0_u32.to_ne_bytes())?;
    let count = || -> Result<u32, Failure> {
        let mut bytes = [0; 4];
        pread(&counter, &mut bytes, 0)?;
        Ok(u32::from_ne_bytes(bytes))
    };
    let take_turns = || {
        for _ in 0..CYCLES {
            let lock = UpdateLock::acquire(&bench.path)?;
            pwrite(&counter, &(count()? + 1).to_ne_bytes(), 0)?;
            ensure(lock.release()? == Release::Released, "nobody takes it away")?;
        }
        Ok(())
    };
    let crowd: [_; CONTENDERS] = core::array::from_fn(|_| Other::start(|_| take_turns()));
    for contender in crowd {
        contender?.end()?;
    }
    ensure(count()? == CONTENDERS as u32 * CYCLES, "no turn is lost")?;
    ensure(!bench.is_there()?, "the last one leaves nothing")
}
