//! Who is measured from outside: command lines, each started and waited for.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::rounds::{self, Named, Samples};
use crate::settings::Settings;
use crate::statistics::Summary;
use crate::{Outcome, complaint};

/// Something that does its work in a process of its own, and ends.
pub(crate) struct CommandLine {
    /// As the table names it.
    name: &'static str,
    words: Vec<OsString>,
    /// How often it does its work before it ends.
    times: u32,
    /// One start is many already.
    is_loop: bool,
}

impl Named for CommandLine {
    fn name(&self) -> &str {
        self.name
    }
}

impl CommandLine {
    /// Does its work once.
    pub(crate) fn new(
        name: &'static str,
        words: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        let words = words.into_iter().map(Into::into).collect();
        Self {
            name,
            words,
            times: 1,
            is_loop: false,
        }
    }

    /// A loop in a shell, whose own start counts for little among so many turns. `script` finds `arguments` as `$1` and on.
    pub(crate) fn in_shell(
        name: &'static str,
        times: u32,
        script: &str,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        let script =
            format!("set -e; i=0; while [ $i -lt {times} ]; do {script}; i=$((i + 1)); done");
        let words = ["sh".into(), "-c".into(), script.into(), "sh".into()];
        let words = words
            .into_iter()
            .chain(arguments.into_iter().map(Into::into))
            .collect();
        Self {
            name,
            words,
            times,
            is_loop: true,
        }
    }

    /// The median of some starts, in nanoseconds for each piece of work.
    fn time(&self, starts: u32) -> Outcome<f64> {
        let times = (0..if self.is_loop { 1 } else { starts }).map(|_| self.time_once());
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
        Ok(time.as_nanos() as f64 / f64::from(self.times))
    }
}

/// Times all of them.
pub(crate) fn measure(lines: &[CommandLine], settings: &Settings) -> Outcome<Vec<Samples>> {
    rounds::interleave(lines, settings.rounds, |line| line.time(settings.starts))
}

/// Takes off what the first of them took in the same round; its own samples stay.
pub(crate) fn over_first(samples: &mut [Samples]) {
    let Some((first, others)) = samples.split_first_mut() else {
        return;
    };
    for other in others {
        for (value, first) in other.values.iter_mut().zip(&first.values) {
            *value -= first;
        }
    }
}
