//! A terminal with somebody who types.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::process::spawn;
use super::{Invocation, proc_fs, wait};

/// What a person types for Ctrl-C, Ctrl-D and Ctrl-Z.
pub(crate) const CTRL_C: &str = "\x03";
pub(crate) const CTRL_D: &str = "\x04";
pub(crate) const CTRL_Z: &str = "\x1a";

/// A terminal whose session a program leads. With its drop the session ends, all its process groups.
pub(crate) struct Terminal {
    keyboard: File,
    screen: Arc<Mutex<String>>,
    /// How much of the screen has been read.
    read: usize,
    leader: Child,
}

impl Terminal {
    /// Starts a program as the leader of a session that has the terminal.
    pub(crate) fn start(program: Invocation) -> Self {
        let keyboard = open_keyboard();
        let screen = ptsname_r(&keyboard).expect("its name");
        let open = OpenOptions::new().read(true).write(true).open(screen);
        let terminal = open.expect("a terminal");
        let stdio = || Stdio::from(terminal.try_clone().expect("a descriptor"));
        let mut command = program
            .through(["setsid", "--ctty"])
            .without_group()
            .to_command();
        command.stdin(stdio()).stdout(stdio()).stderr(stdio());
        let leader = spawn(command);
        drop(terminal);
        let keyboard = File::from(OwnedFd::from(keyboard));
        let screen = Arc::default();
        let (output, shown) = (
            keyboard.try_clone().expect("a descriptor"),
            Arc::clone(&screen),
        );
        thread::spawn(move || show(output, &shown));
        Self {
            keyboard,
            screen,
            read: 0,
            leader,
        }
    }

    /// The session's leader.
    pub(crate) fn leader(&self) -> Pid {
        Pid::from_raw(self.leader.id().cast_signed())
    }

    /// Types keys. What the terminal shows from here on is what comes of them.
    pub(crate) fn types(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("it can be typed");
    }

    /// Waits until the terminal has shown `text` after what was waited for before.
    #[track_caller]
    pub(crate) fn until_shows(&mut self, text: &str) {
        let what = format!("{text:?} on the terminal");
        let found = wait::until_some(&what, || {
            let screen = self.screen.lock().expect("the screen");
            screen[self.read..].find(text)
        });
        self.read += found + text.len();
    }

    /// All that it has shown.
    pub(crate) fn screen(&self) -> String {
        self.screen.lock().expect("the screen").clone()
    }

    /// Waits for the end of the session's leader.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        wait::until_some("the end of the session", || {
            self.leader.try_wait().expect("wait")
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the terminal shows:\n{}", self.screen());
        }
        for process in proc_fs::of_session(self.leader()) {
            let _ = kill(process, Signal::SIGKILL);
        }
        let _ = self.leader.wait();
    }
}

/// Where a person sits. No process inherits it: `openpty` would let those do so that other scenarios start meanwhile.
fn open_keyboard() -> PtyMaster {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let keyboard = posix_openpt(flags).expect("a terminal");
    grantpt(&keyboard).expect("a terminal");
    unlockpt(&keyboard).expect("a terminal");
    keyboard
}

/// Copies what is shown until the terminal is gone.
fn show(mut output: File, screen: &Mutex<String>) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = output.read(&mut buffer) {
        let text = String::from_utf8_lossy(&buffer[..length]);
        screen.lock().expect("the screen").push_str(&text);
    }
}
