//! Processes that hold a lock, or wait for one, and say when.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::{Outcome, complaint};

/// A process that holds its lock until it is told to give it back.
pub(crate) struct Holder {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Holder {
    /// Starts one of the verb `hold`, and waits until it holds the lock.
    pub(crate) fn start(mut command: Command) -> Outcome<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process
            .stdout
            .take()
            .ok_or_else(|| complaint("no output"))?;
        let mut holder = Self {
            process,
            output: BufReader::new(output),
        };
        let mut line = String::new();
        holder.output.read_line(&mut line)?;
        time_after("held", &line)?;
        Ok(holder)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Has it give the lock back, and waits for its end: when it did so.
    pub(crate) fn release(mut self) -> Outcome<i64> {
        drop(self.process.stdin.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest)?;
        end_of(&mut self.process)?;
        // A shell's `stamp` says both words.
        time_after("releases", rest.lines().last().unwrap_or_default())
    }
}

/// A process that waits for a lock, and gives it back at once.
pub(crate) struct Waiter(Child);

impl Waiter {
    /// Starts one of the verb `wait`.
    pub(crate) fn start(mut command: Command) -> Outcome<Self> {
        Ok(Self(
            command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()?,
        ))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits for its end: when it had the lock, and when it gave it back.
    pub(crate) fn end(mut self) -> Outcome<(i64, i64)> {
        end_of(&mut self.0)?;
        let mut lines = String::new();
        let output = self.0.stdout.take().ok_or_else(|| complaint("no output"))?;
        BufReader::new(output).read_to_string(&mut lines)?;
        let (held, releases) = lines
            .split_once('\n')
            .ok_or_else(|| complaint("it said nothing"))?;
        Ok((time_after("held", held)?, time_after("releases", releases)?))
    }
}

fn end_of(process: &mut Child) -> Outcome<()> {
    let status = process.wait()?;
    if status.success() {
        Ok(())
    } else {
        Err(complaint(&format!("has ended: {status}")))
    }
}

fn time_after(word: &str, line: &str) -> Outcome<i64> {
    let time = line.trim_end().strip_prefix(word);
    let time = time.ok_or_else(|| complaint(&format!("said {line:?} instead of {word}")))?;
    Ok(time.trim_start().parse()?)
}
