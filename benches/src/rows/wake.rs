//! How long a free lock stays free while somebody waits for it, and whether all who wait get it.
//!
//! A holder gives the lock back; each of those who wait says when it had the lock, and gives it back two milliseconds later. A
//! hand-over is the time from one's release to the next one's lock. For command lines that is from the end of one command
//! to the start of the next.

use std::thread;

use crate::contender::OURS;
use crate::parties::{self, FLOOR, OUR_RUN, Party};
use crate::places::Places;
use crate::rounds::{self, Samples};
use crate::settings::Settings;
use crate::table::Row;
use crate::{Outcome, complaint, verbs};

/// How long each of those who wait holds the lock.
const MILLISECONDS: u64 = 2;

/// What one round has shown, in nanoseconds.
struct HandOvers {
    each: Vec<f64>,
    /// From the holder's release to the end of the last process that waited.
    until_end: f64,
}

impl HandOvers {
    fn mean(&self) -> f64 {
        self.each.iter().sum::<f64>() / self.each.len() as f64
    }

    /// The slowest, against the mean.
    fn unfairness(&self) -> f64 {
        self.each.iter().copied().fold(0.0, f64::max) / self.mean()
    }
}

pub(crate) fn measure(places: &Places, settings: &Settings) -> Outcome<Vec<Row>> {
    let mut parties = parties::all(places)?;
    parties.push(parties::procmail(places));
    parties.retain(Party::can_wait);
    let mut rows = Vec::new();
    for &waiters in settings.waiters {
        let few = parties
            .iter()
            .filter(|party| party.most_waiters >= waiters)
            .collect::<Vec<&Party>>();
        let rounds = if waiters == 1 {
            settings.rounds
        } else {
            settings.crowds
        };
        let seen = play(&few, waiters, MILLISECONDS, rounds)?;
        rows.push(hand_overs(
            &format!("wake-{waiters}"),
            &format!("waiters: {waiters}"),
            &seen,
        ));
        rows.push(if waiters == 1 {
            ends(&seen)
        } else {
            fairness(waiters, &seen)
        });
    }
    // The hardest case, and no likely one: each change is followed by the next before a waiter can look.
    let few = parties
        .iter()
        .filter(|party| party.most_waiters >= 4)
        .collect::<Vec<&Party>>();
    let seen = play(&few, 4, 0, settings.crowds)?;
    rows.push(hand_overs(
        "wake-at-once",
        "waiters: 4, each of which gives it back at once",
        &seen,
    ));
    Ok(rows)
}

/// Rounds with so many waiters, who hold the lock for so long.
fn play(
    parties: &[&Party],
    waiters: usize,
    milliseconds: u64,
    rounds: usize,
) -> Outcome<Vec<Samples<HandOvers>>> {
    let mut number = 0;
    rounds::interleave(parties, rounds, |party| {
        number += 1;
        one_round(party, waiters, milliseconds, phase(number))
    })
}

fn hand_overs(id: &str, who: &str, seen: &[Samples<HandOvers>]) -> Row {
    let title = format!("From a release to the next one's lock, or to its command's start; {who}");
    Row::new(id, &title, "ns", &figures(seen, HandOvers::mean)).against(FLOOR, OURS)
}

fn ends(seen: &[Samples<HandOvers>]) -> Row {
    let title = "From a release to the end of the process that waited for it, without the time that it held the lock";
    let until_end = |seen: &HandOvers| seen.until_end - MILLISECONDS as f64 * 1e6;
    Row::new("wake-end", title, "ns", &figures(seen, until_end)).against(FLOOR, OUR_RUN)
}

fn fairness(waiters: usize, seen: &[Samples<HandOvers>]) -> Row {
    let title = format!("The slowest hand-over against the mean; waiters: {waiters}");
    Row::new(
        &format!("fairness-{waiters}"),
        &title,
        "times",
        &figures(seen, HandOvers::unfairness),
    )
}

fn figures(seen: &[Samples<HandOvers>], figure: impl Fn(&HandOvers) -> f64) -> Vec<Samples> {
    seen.iter().map(|seen| seen.map(&figure)).collect()
}

/// Where in its interval a round's release comes for those who look at intervals: evenly spread.
fn phase(number: u32) -> f64 {
    (f64::from(number) * 0.618_034).fract()
}

fn one_round(party: &Party, waiters: usize, milliseconds: u64, phase: f64) -> Outcome<HandOvers> {
    let holder = party.start_holder(&party.lock)?;
    let waiters = (0..waiters)
        .map(|_| party.start_waiter(milliseconds))
        .collect::<Outcome<Vec<_>>>()?;
    parties::until_asleep(
        &waiters
            .iter()
            .map(|waiter| waiter.pid())
            .collect::<Vec<_>>(),
    )?;
    thread::sleep(party.interval.mul_f64(phase));
    let released = holder.release()?;
    let times = waiters
        .into_iter()
        .map(|waiter| waiter.end())
        .collect::<Outcome<Vec<_>>>()?;
    Ok(HandOvers {
        each: between(released, times)?,
        until_end: (verbs::now()? - released) as f64,
    })
}

/// The hand-overs, in order.
fn between(released: i64, mut times: Vec<(i64, i64)>) -> Outcome<Vec<f64>> {
    times.sort_unstable();
    let mut last = released;
    let mut each = Vec::with_capacity(times.len());
    for (held, releases) in times {
        if held < last {
            return Err(complaint("two had the lock at once"));
        }
        each.push((held - last) as f64);
        last = releases;
    }
    Ok(each)
}
