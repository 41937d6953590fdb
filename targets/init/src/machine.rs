//! What PID 1 does for the machine: mounts, the console, and its end.

use rustix::fs::{Mode, OFlags, mkdir, open};
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::system::{RebootCommand, reboot};

/// Mounts what programs expect, and opens the console. What fails shows later: there is nowhere to say so yet.
pub(crate) fn prepare() {
    for (kind, path) in [(c"devtmpfs", c"/dev"), (c"tmpfs", c"/tmp")] {
        let _ = mkdir(path, Mode::from_raw_mode(0o755));
        let _ = mount(kind, path, kind, MountFlags::empty(), None);
    }
    let _ = open_console();
}

/// The kernel opens it for PID 1 only where the initial file system has a `/dev/console`.
fn open_console() -> Result<(), Errno> {
    let console = open(c"/dev/console", OFlags::RDWR, Mode::empty())?;
    dup2_stdin(&console)?;
    dup2_stdout(&console)?;
    dup2_stderr(&console)
}

/// Reboots; it doesn't return.
pub(crate) fn restart() {
    rustix::fs::sync();
    let _ = reboot(RebootCommand::Restart);
}
