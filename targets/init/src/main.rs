//! An example: PID 1 of a tiny system, whose app no update cuts short.
//!
//! The kernel's command line says what to do: what the kernel doesn't know itself it hands on, `NAME=VALUE` in the
//! environment, and what follows `--` as arguments, here the app's.
//!
//! ```text
//! rdinit=/init UPDATE_LOCK_PATH=/tmp/updates.lock INIT_LOG=/tmp/init.log INIT_END=reboot -- /app ARGUMENT...
//! ```
//!
//! The log is frames of a few bytes. Their texts stay on the developer's machine, in the program as it was before `strip`:
//! `defmt-print -e init <init.log` brings both together.

#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod machine;

use defmt::{error, info, warn};
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, WaitOptions, WaitStatus, getpid, wait};
use update_lock::{Error, LockPath, Release, UpdateLock};
use update_lock_start::number::{SIGCHLD, SIGINT, SIGTERM};
use update_lock_start::{
    Args, Environment, SignalSet, Signals, exec_path, log_to, open_missing, send, spawn,
};

#[allow(unsafe_code, reason = "the program's entry is a symbol for the linker")]
mod entry {
    update_lock_start::entry!(super::main);
}

/// Where the lock is on a balena device.
const PATH: &[u8] = b"/tmp/balena/updates.lock";

/// How many seconds an update that is going on may take, before the app starts all the same.
const PATIENCE: u32 = 300;

/// What asks for the app's end.
const ENDING: SignalSet = SignalSet::of(&[SIGINT, SIGTERM]);

/// A shell's code for a command that can't be executed.
const NOT_EXECUTABLE: i32 = 126;

fn main(mut arguments: Args, environment: Environment) -> i32 {
    open_missing();
    let signals = Signals::block();
    machine::prepare();
    if let Some(path) = environment.get(b"INIT_LOG") {
        open_log(path);
    }
    let _own_name = arguments.next();

    let path = environment.get(b"UPDATE_LOCK_PATH").unwrap_or(PATH);
    let lock = acquire(path, &signals)
        .inspect_err(|&error| complain("the app runs unprotected", error))
        .ok();
    let code = run(arguments, environment, &signals);
    match lock.map(UpdateLock::release) {
        None | Some(Ok(Release::Released)) => {}
        Some(Ok(Release::Lost)) => warn!("the lock was taken away while the app ran"),
        Some(Err(error)) => complain("the lock is left to the next start", error),
    }

    machine::end(environment.get(b"INIT_END") == Some(b"reboot"));
    // Not PID 1, or a container's, which may not end the machine.
    code
}

/// Before this, the log goes to the standard error, which is the console.
fn open_log(path: &[u8]) {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o644);
    match LockPath::new(path).map(|path| open(path.as_c_str(), flags, mode)) {
        Ok(Ok(file)) => log_to(file),
        _ => error!("cannot open the log {=[u8]:a}", path),
    }
}

/// Takes the lock, if need be after the update that is going on.
///
/// It looks once a second, as it starts but once. Who takes locks all the time waits by `UpdateLock::acquire`: that is
/// quicker, and gives way to an override.
fn acquire(path: &[u8], signals: &Signals) -> Result<UpdateLock, Error> {
    let path = LockPath::new(path)?;
    for _ in 0..PATIENCE {
        match UpdateLock::try_acquire(&path) {
            Err(Error::Held(_)) => {}
            outcome => return outcome,
        }
        if let Some(signal) = signals.wait(ENDING, Some(1000)) {
            // For `follow`, which hands it on to the app.
            send(getpid(), signal.number);
            break;
        }
    }
    UpdateLock::try_acquire(&path)
}

fn complain(what: &str, error: Error) {
    let errno = error.errno().map_or(0, |errno| errno.raw_os_error());
    error!("{=str}: {=str}, errno {=i32}", what, error.as_str(), errno);
}

/// Starts the app and stays with it to its end; its exit code.
fn run(app: Args, environment: Environment, signals: &Signals) -> i32 {
    let become_app = || {
        signals.restore();
        let errno = exec_path(app, environment);
        error!("there is no app: errno {=i32}", errno.raw_os_error());
        NOT_EXECUTABLE
    };
    match spawn(&become_app) {
        Ok(pid) => {
            info!("the app has started");
            let code = follow(pid, signals);
            info!("the app has ended with {=i32}", code);
            code
        }
        Err(errno) => {
            error!("there is no process: errno {=i32}", errno.raw_os_error());
            NOT_EXECUTABLE
        }
    }
}

/// Reaps whatever ends, orphans too, until the app has ended; hands on the signals that ask for its end.
fn follow(app: Pid, signals: &Signals) -> i32 {
    const AWAITED: SignalSet = SignalSet::of(&[SIGCHLD, SIGINT, SIGTERM]);
    loop {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if pid == app {
                return exit_code(status);
            }
        }
        match signals.wait(AWAITED, None) {
            Some(signal) if signal.number != SIGCHLD => send(app, SIGTERM),
            _ => {}
        }
    }
}

/// As a shell has it: 128+N for signal N.
fn exit_code(status: WaitStatus) -> i32 {
    let signal = status.terminating_signal().unwrap_or(0);
    status.exit_status().unwrap_or(128 + signal)
}
