//! A command that notes each signal which it gets: this test program itself, started with [`ARGUMENT`].

use std::env;
use std::fs::File;
use std::io::Write;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::SignalFd;

/// What makes this program a listener; the file to write follows.
pub(crate) const ARGUMENT: &str = "--listen";

/// The words that start a listener which writes to `file`: first `ready`, then a line `NUMBER CODE` for each signal.
pub(crate) fn words(file: &str) -> [String; 3] {
    let program = env::current_exe().expect("this program");
    let program = program.to_str().expect("text").to_string();
    [program, ARGUMENT.to_string(), file.to_string()]
}

/// Listens until it is killed, or its parent is.
pub(crate) fn listen(file: &str) -> ! {
    set_pdeathsig(Signal::SIGKILL).expect("prctl");
    SigSet::all().thread_block().expect("a signal mask");
    let signals = SignalFd::new(&SigSet::all()).expect("a signalfd");
    let mut file = File::create(file).expect("a file");
    writeln!(file, "ready").expect("it can be written");
    loop {
        if let Ok(Some(signal)) = signals.read_signal() {
            let line = format!("{} {}\n", signal.ssi_signo, signal.ssi_code);
            file.write_all(line.as_bytes()).expect("it can be written");
        }
    }
}
