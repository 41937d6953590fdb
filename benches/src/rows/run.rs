//! What a command costs that runs under the lock: over the command alone.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::contender::OURS;
use crate::places::Places;
use crate::rounds::{self, Samples};
use crate::settings::Settings;
use crate::statistics::Summary;
use crate::table::Row;
use crate::{Outcome, complaint};

/// The command by itself.
const ALONE: &str = "true";

/// What starts it and waits for it, and does nothing else.
const FLOOR: &str = "C, start and wait";

struct Wrapper {
    name: &'static str,
    words: Vec<OsString>,
}

impl Wrapper {
    /// The median of some starts, each until its end.
    fn time(&self, count: u32) -> Outcome<f64> {
        let times = (0..count).map(|_| self.time_once());
        let times = times.collect::<Outcome<Vec<_>>>()?;
        let summary = Summary::of(&times).ok_or_else(|| complaint("no starts"))?;
        Ok(summary.median)
    }

    fn time_once(&self) -> Outcome<f64> {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).stdin(Stdio::null());
        let start = Instant::now();
        let status = command.status()?;
        let time = start.elapsed();
        if !status.success() {
            return Err(complaint(&format!("{:?}: {status}", self.words)));
        }
        Ok(time.as_nanos() as f64)
    }
}

fn wrappers(places: &Places) -> Vec<Wrapper> {
    let command = places.floor("true");
    let words = |before: &[&str], lock: Option<PathBuf>, between: &[&str]| {
        let before = before.iter().map(OsString::from);
        let lock = lock.map(OsString::from);
        let between = between.iter().map(OsString::from);
        before
            .chain(lock)
            .chain(between)
            .chain([command.clone().into()])
            .collect::<Vec<_>>()
    };
    let floor = places.floor("run");
    let program = places.update_lock();
    let [floor, program] = [&floor, &program].map(|path| path.to_str().unwrap_or_default());
    vec![
        Wrapper {
            name: ALONE,
            words: words(&[], None, &[]),
        },
        Wrapper {
            name: FLOOR,
            words: words(&[floor], None, &[]),
        },
        Wrapper {
            name: OURS,
            words: words(
                &[program, "--lock"],
                Some(places.lock("run")),
                &["run", "--"],
            ),
        },
        Wrapper {
            name: "flock(1)",
            words: words(&["flock"], Some(places.lock("flock")), &[]),
        },
    ]
}

pub(crate) fn measure(places: &Places, settings: &Settings) -> Outcome<Row> {
    let wrappers = wrappers(places);
    let mut samples = rounds::interleave(
        &wrappers,
        |wrapper| wrapper.name,
        settings.rounds,
        |wrapper| wrapper.time(settings.starts),
    )?;
    over_alone(&mut samples);
    Ok(Row::new(
        "run",
        "A command under the lock, over the command alone",
        "ns",
        FLOOR,
        OURS,
        &samples,
    ))
}

/// Takes off what the command by itself took in the same round; its own samples stay.
fn over_alone(samples: &mut [Samples]) {
    let Some((alone, others)) = samples.split_first_mut() else {
        return;
    };
    for other in others {
        for (value, alone) in other.values.iter_mut().zip(&alone.values) {
            *value -= alone;
        }
    }
}
