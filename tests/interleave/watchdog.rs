//! Kills what hangs.

use std::cell::Cell;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Nothing of the program waits for so long here.
const HANG: Duration = Duration::from_secs(20);

/// A process that is killed if it takes too long.
pub(crate) struct Watch(Pid);

static WATCHED: Mutex<Vec<(Pid, Instant)>> = Mutex::new(vec![]);
static HUNG: Mutex<Vec<Pid>> = Mutex::new(vec![]);

thread_local! {
    static HAS_HUNG: Cell<bool> = const { Cell::new(false) };
}

/// Whether one that this thread has watched was killed for it since it was asked last.
pub(crate) fn has_hung() -> bool {
    HAS_HUNG.take()
}

impl Watch {
    pub(crate) fn of(pid: Pid) -> Self {
        let mut watched = WATCHED.lock().expect("no panic");
        watched.push((pid, Instant::now()));
        Self(pid)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watched = WATCHED.lock().expect("no panic");
        watched.retain(|&(pid, _)| pid != self.0);
        let mut hung = HUNG.lock().expect("no panic");
        if hung.contains(&self.0) {
            HAS_HUNG.set(true);
        }
        hung.retain(|&pid| pid != self.0);
    }
}

/// Looks after those that are watched, for as long as this process lives.
pub(crate) fn start() {
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            for &(pid, start) in WATCHED.lock().expect("no panic").iter() {
                if start.elapsed() > HANG {
                    HUNG.lock().expect("no panic").push(pid);
                    let _ = kill(pid, Signal::SIGKILL);
                }
            }
        }
    });
}
