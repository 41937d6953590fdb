//! What each contender in a process of its own can be asked to do. The peers' scripts and the floors answer to the same
//! words:
//!
//! - `cycle PATH COUNT`: takes the lock and gives it back; `took NANOSECONDS` for all.
//! - `fail PATH COUNT`: tries to take a lock that is held; the same.
//! - `hold PATH`: takes it, says `held TIME`, and gives it back after `releases TIME` when its input ends.
//! - `wait PATH MILLISECONDS`: the same when the lock is free, and for so long.
//!
//! Times are those of `CLOCK_MONOTONIC`, which all processes share.

use std::io::{self, Read, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use crate::locks::{Attempt, LOCKS};
use crate::{Outcome, complaint};

/// `NAME VERB PATH [COUNT]`.
pub(crate) fn obey(words: &[&str]) -> Outcome<()> {
    let [name, verb, path, rest @ ..] = words else {
        return Err(complaint("lock NAME VERB PATH [COUNT]"));
    };
    let lock = LOCKS.iter().find(|lock| lock.name == *name);
    let lock = lock.ok_or_else(|| complaint(&format!("no lock {name}")))?;
    let path = Path::new(path);
    match (*verb, rest) {
        ("cycle", [count]) => repeat(lock.attempt, path, count.parse()?, true),
        ("fail", [count]) => repeat(lock.attempt, path, count.parse()?, false),
        ("hold", []) => hold(lock.attempt, path, None),
        ("wait", [milliseconds]) => {
            let wait = lock.wait.ok_or_else(|| complaint("it can't wait"))?;
            hold(
                wait,
                path,
                Some(Duration::from_millis(milliseconds.parse()?)),
            )
        }
        _ => Err(complaint(&format!("no such thing: {verb} {rest:?}"))),
    }
}

/// Nanoseconds of `CLOCK_MONOTONIC`.
pub(crate) fn now() -> Outcome<i64> {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
    Ok(time.tv_sec() * 1_000_000_000 + time.tv_nsec())
}

fn repeat(attempt: Attempt, path: &Path, count: u32, is_free: bool) -> Outcome<()> {
    let start = Instant::now();
    for _ in 0..count {
        if attempt(path, &mut || {})? != is_free {
            return Err(complaint("the lock isn't as it was meant to be"));
        }
    }
    println!("took {}", start.elapsed().as_nanos());
    Ok(())
}

fn hold(attempt: Attempt, path: &Path, time: Option<Duration>) -> Outcome<()> {
    let mut outcome = Ok(());
    let is_ours = attempt(path, &mut || outcome = work(time))?;
    outcome?;
    if is_ours {
        Ok(())
    } else {
        Err(complaint("somebody holds it"))
    }
}

/// Holds the lock for some time, or until the input ends.
fn work(time: Option<Duration>) -> Outcome<()> {
    let mut output = io::stdout();
    writeln!(output, "held {}", now()?)?;
    output.flush()?;
    match time {
        Some(Duration::ZERO) => {}
        Some(time) => thread::sleep(time),
        None => _ = io::stdin().read_to_end(&mut Vec::new())?,
    }
    writeln!(output, "releases {}", now()?)?;
    output.flush()?;
    Ok(())
}
