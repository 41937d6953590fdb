//! What PID 1 does for the machine: mounts, the console, and its end.

use rustix::fs::{Access, Mode, OFlags, access, mkdir, open};
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};
use rustix::process::{Pid, getpid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::system::{RebootCommand, reboot};

/// Mounts what programs expect and opens the console, where the kernel has started PID 1 on nothing but its own files.
///
/// What fails shows later: there is nowhere to say so yet.
pub(crate) fn prepare() {
    if getpid() != Pid::INIT || access(c"/dev/null", Access::EXISTS).is_ok() {
        return;
    }
    for (kind, path) in [(c"devtmpfs", c"/dev"), (c"tmpfs", c"/tmp")] {
        let _ = mkdir(path, Mode::from_raw_mode(0o755));
        let _ = mount(kind, path, kind, MountFlags::empty(), None);
    }
    let _ = open_console();
}

fn open_console() -> Result<(), Errno> {
    let console = open(c"/dev/console", OFlags::RDWR, Mode::empty())?;
    dup2_stdin(&console)?;
    dup2_stdout(&console)?;
    dup2_stderr(&console)
}

/// Ends the machine: it doesn't return where PID 1 may do that.
pub(crate) fn end(with_reboot: bool) {
    if getpid() != Pid::INIT {
        return;
    }
    let command = if with_reboot {
        RebootCommand::Restart
    } else {
        RebootCommand::PowerOff
    };
    rustix::fs::sync();
    let _ = reboot(command);
}
