//! How long a free lock stays free while somebody waits for it, and whether all who wait get it.
//!
//! A holder gives the lock back; each of those who wait says when it had the lock, and gives it back at once. A hand-over is
//! the time from one's release to the next one's lock. For command lines that is from the end of one command to the start of
//! the next.

use std::thread;
use std::time::{Duration, Instant};

use crate::contender::OURS;
use crate::parties::{self, FLOOR, OUR_RUN, Party};
use crate::places::Places;
use crate::rounds::{self, Samples};
use crate::settings::Settings;
use crate::table::Row;
use crate::{Outcome, complaint, verbs};

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
        rows.extend(rows_of(&few, waiters, settings)?);
    }
    Ok(rows)
}

/// Those of so many waiters.
fn rows_of(parties: &[&Party], waiters: usize, settings: &Settings) -> Outcome<Vec<Row>> {
    let rounds = if waiters == 1 {
        settings.rounds
    } else {
        settings.crowds
    };
    let mut number = 0;
    let seen = rounds::interleave(parties, rounds, |party| {
        number += 1;
        one_round(party, waiters, phase(number))
    })?;
    let figures = |figure: fn(&HandOvers) -> f64| {
        seen.iter()
            .map(|seen| seen.map(figure))
            .collect::<Vec<Samples>>()
    };
    let who = if waiters == 1 {
        "one waiter".into()
    } else {
        format!("{waiters} waiters")
    };
    let (id, title) = (
        format!("wake-{waiters}"),
        format!("From a release to the next one's lock or command: {who}"),
    );
    let hand_overs = Row::new(&id, &title, "ns", &figures(HandOvers::mean)).against(FLOOR, OURS);
    let other = if waiters == 1 {
        let title = "From a release to the end of the process that waited for it";
        Row::new("wake-end", title, "ns", &figures(|seen| seen.until_end)).against(FLOOR, OUR_RUN)
    } else {
        let (id, title) = (
            format!("fairness-{waiters}"),
            format!("The slowest hand-over against the mean: {who}"),
        );
        Row::new(&id, &title, "times", &figures(HandOvers::unfairness))
    };
    Ok(vec![hand_overs, other])
}

/// Where in its interval a round's release comes for those who look at intervals: evenly spread.
fn phase(number: u32) -> f64 {
    (f64::from(number) * 0.618_034).fract()
}

fn one_round(party: &Party, waiters: usize, phase: f64) -> Outcome<HandOvers> {
    let holder = party.start_holder(&party.lock)?;
    let start = Instant::now();
    let waiters = (0..waiters)
        .map(|_| party.start_waiter())
        .collect::<Outcome<Vec<_>>>()?;
    parties::until_asleep(
        &waiters
            .iter()
            .map(|waiter| waiter.pid())
            .collect::<Vec<_>>(),
    )?;
    let due = party.interval.mul_f64(phase);
    thread::sleep(
        due.saturating_sub(start.elapsed())
            .max(due.min(Duration::from_millis(100))),
    );
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
