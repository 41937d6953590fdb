//! `watch`: what happens to the lock, a line for each change.

use update_lock::{Error, Event, LockPath, Watch};
use update_lock_start::number::{SIGHUP, SIGINT, SIGIO, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP};
use update_lock_start::{
    Environment, Line, SignalSet, Signals, milliseconds, signal_when_readable, text,
};

use crate::job::Standing;
use crate::options::{Key, Options};
use crate::report::{self, report};
use crate::status;

/// What it listens to. SIGPIPE comes when nobody reads the lines any more.
const OURS: SignalSet = SignalSet::of(&[SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP, SIGIO]);

/// Prints a line for each change, the first for the holder there is; it ends with 128+N for signal N.
#[inline(never)] // with a frame of its own: Thumb code reaches less than 1 KiB of it by short instructions
pub(crate) fn watch(options: &Options, environment: Environment) -> i32 {
    let location = match crate::locate(options, environment) {
        Ok(location) => location,
        Err(error) => return crate::report_location(options, environment, error),
    };
    let path = location.path();
    // Nobody takes it there; a directory may come.
    if let Some(error) = report::missing(&location) {
        report(Some(path), error);
    }
    follow(path, options.has(Key::Json)).unwrap_or_else(|error| report(Some(path), error))
}

fn follow(path: &LockPath, is_json: bool) -> Result<i32, Error> {
    let signals = Signals::block();
    let standing = Standing::new(false);
    let mut watch = Watch::new(path);
    loop {
        let now = milliseconds();
        while let Some(event) = watch.look(now)? {
            if is_json {
                print_json(event);
            } else {
                print_text(event);
            }
        }
        if let Some(watch) = watch.watch() {
            signal_when_readable(watch);
        }
        let due = watch.due(now);
        match signals
            .wait(OURS, Some(due as u32))
            .map(|signal| signal.number)
        {
            Some(SIGTSTP) => standing.stop(&signals),
            Some(SIGIO) | None => {}
            Some(signal) if signals.is_ignored(signal) => {}
            Some(signal) => return Ok(128 + signal as i32),
        }
    }
}

fn print_text(event: Event) {
    let mut line = Line::output();
    match event {
        Event::Taken(holder) => report::tell(line.text(text!("taken: ")), Error::Held(holder)),
        Event::Freed => _ = line.text(text!("freed")),
        _ => _ = line.text(text!("lost: taken away, by an override or by hand")),
    }
    line.end();
}

fn print_json(event: Event) {
    let mut line = Line::output();
    line.text(text!("{\"event\":\""));
    match event {
        Event::Taken(holder) => {
            status::add_holder(line.text(text!("taken\",")), holder);
        }
        Event::Freed => _ = line.text(text!("freed\"")),
        _ => _ = line.text(text!("lost\"")),
    }
    line.text(text!("}")).end();
}
