//! `update-lock`: balena update locks for Dockerfiles and shells.

#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod acquire;
mod api;
mod condition;
mod doctor;
mod duration;
mod help;
mod hold;
mod job;
mod keeper;
mod life;
mod lock;
mod lockfile;
mod nested;
mod obtain;
mod options;
mod pause;
mod protection;
mod release;
mod report;
mod run;
mod schedule;
mod semaphore;
mod shared_keeper;
mod spec;
mod status;
mod watch;
mod windows;

use update_lock::{Error, Location, LockPath};
use update_lock_start::{Args, Environment, Line, open_missing, text};

use options::{Action, Options};
use spec::Topic;

#[allow(unsafe_code, reason = "the program's entry is a symbol for the linker")]
mod entry {
    update_lock_start::entry!(super::main);
}

fn main(args: Args, environment: Environment) -> i32 {
    open_missing();
    if lockfile::is_called(args) {
        return lockfile::lockfile(args);
    }
    let mut options = Options::new(args);
    if let Err(code) = options.parse(environment) {
        return code;
    }
    match options.action {
        Action::Version => return help::version(),
        Action::Explain => return help::help(options.topic),
        Action::Do => {}
    }
    match options.topic {
        Topic::Run => run::run(&options, environment),
        Topic::Hold => hold::hold(&options, environment),
        Topic::Acquire => acquire::acquire(&options, environment),
        Topic::Release => release::release(&options, environment),
        Topic::Status => status::status(&options, environment),
        Topic::Doctor => doctor::doctor(&options, environment),
        Topic::Watch => watch::watch(&options, environment),
        Topic::Update => api::update(&options, environment),
        Topic::All => help::help(Topic::All),
    }
}

/// The lock that the options name, else the environment, else the directories.
fn locate(options: &Options, environment: Environment) -> Result<Location, Error> {
    match options.lock {
        Some(path) => LockPath::new(path).map(Location::explicit),
        None => Location::find(|name| environment.get(name.as_bytes())),
    }
}

/// The variables that name a path, the first ones first.
const PATH_VARIABLES: [&str; 3] = [
    "UPDATE_LOCK_PATH",
    "BALENA_APP_LOCK_PATH",
    "RESIN_APP_LOCK_PATH",
];

/// As much of a path that is too long as a person needs to recognize it.
const SHOWN: usize = 64;

/// Says why there is no location, and which path was named.
fn report_location(options: &Options, environment: Environment, error: Error) -> i32 {
    let mut variables = PATH_VARIABLES
        .iter()
        .filter_map(|name| environment.get(name.as_bytes()));
    let path = options
        .lock
        .or_else(|| variables.find(|path| !path.is_empty()));
    let mut line = Line::error();
    if let Some(path) = path {
        match path.get(..SHOWN) {
            Some(start) => line.filled(text!("'%...': "), start),
            None => line.filled(text!("'%': "), path),
        };
    }
    report::describe(&mut line, None, error);
    report::code(error)
}
