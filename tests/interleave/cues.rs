//! What happens to a command that goes on for ever, whenever it waits.

use std::fs::File;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::commands::Play;

/// More waits than a hold takes to have its lock.
const MANY: u32 = 20;

pub(crate) struct Cues<'p> {
    play: &'p Play,
    command: &'p str,
    waits: u32,
    has_ended: bool,
}

impl<'p> Cues<'p> {
    pub(crate) fn of(command: &'p str, play: &'p Play) -> Self {
        Self {
            play,
            command,
            waits: 0,
            has_ended: false,
        }
    }

    /// A hold is told to end when it has the lock, or has looked for it often enough; a watch when it has been shown a change.
    pub(crate) fn give(&mut self, pid: Pid) {
        self.waits += 1;
        let path = self.play.path();
        let has_seen = match self.command.split(' ').next() {
            Some("hold") => path.exists() || self.waits > MANY,
            Some("watch") if self.waits == 1 && !path.exists() => {
                File::create_new(&path).expect("a file");
                self.play.adds_foreign();
                false
            }
            Some("watch") => true,
            _ => false,
        };
        if has_seen && !std::mem::replace(&mut self.has_ended, true) {
            let _ = kill(pid, Signal::SIGTERM);
        }
    }
}
