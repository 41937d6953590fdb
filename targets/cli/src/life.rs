//! Watching for the end of a process that is no child of ours.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, read};
use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open, test_kill_process};
use update_lock::fields::fields;
use update_lock_start::{Line, Text, text};

/// A process, by a descriptor that never means another one.
pub(crate) enum Life {
    /// It becomes readable when the process has ended (Linux 5.3).
    Pidfd(OwnedFd),
    /// `/proc/PID`, an open directory; it has to be looked into.
    Directory(OwnedFd),
}

impl Life {
    /// # Errors
    ///
    /// `ESRCH`: it has ended. Others: there is neither pidfd nor `/proc` to watch it by.
    pub(crate) fn of(process: Pid) -> Result<Self, Errno> {
        let life = match pidfd_open(process, PidfdFlags::empty()) {
            Ok(file) => Self::Pidfd(file),
            Err(Errno::SRCH) => return Err(Errno::SRCH),
            // An older kernel, or an older engine's filter.
            Err(_) => Self::Directory(open_directory(process)?),
        };
        if life.is_over() {
            return Err(Errno::SRCH);
        }
        Ok(life)
    }

    /// What to poll for the end, where that can be polled for.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Pidfd(file) => Some(file.as_fd()),
            Self::Directory(_) => None,
        }
    }

    /// Whether the process has ended, though its parent may not have reaped it.
    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Pidfd(file) => {
                let mut events = [PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN)];
                poll(&mut events, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
            }
            Self::Directory(directory) => has_died(directory.as_fd()),
        }
    }
}

/// The process that called this one; `None` where it is outside of this container, or may have ended: orphans go to
/// PID 1, and nothing tells them from its own children.
pub(crate) fn caller() -> Option<Pid> {
    getppid().filter(|&parent| parent != Pid::INIT)
}

/// The name of a process, as `ps` has it; as much of `buffer` as it takes.
pub(crate) fn name(process: Pid, buffer: &mut [u8]) -> &[u8] {
    let length = open(process, text!("/comm")).and_then(|file| read(file, &mut *buffer));
    let name = buffer.get(..length.unwrap_or(0)).unwrap_or_default();
    name.strip_suffix(b"\n").unwrap_or(name)
}

const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC);

/// Opens what is at `/proc/PID`, followed by `rest`.
fn open(process: Pid, rest: Text) -> Result<OwnedFd, Errno> {
    let mut path = Line::string();
    path.text(text!("/proc/"))
        .number(process.as_raw_pid() as u32)
        .text(rest);
    let path = path.as_c_str().ok_or(Errno::NAMETOOLONG)?;
    openat(CWD, path, FLAGS, Mode::empty())
}

fn open_directory(process: Pid) -> Result<OwnedFd, Errno> {
    let outcome = open(process, text!(""));
    // Without `/proc` there is no directory of any process, ended or not.
    outcome.map_err(|errno| test_kill_process(process).err().unwrap_or(errno))
}

/// Whether the process whose directory in `/proc` this is has ended: its state is `Z` or `X`, or it has none any more. Of
/// several threads the first one may have ended alone.
fn has_died(directory: BorrowedFd<'_>) -> bool {
    let mut buffer = [0; 256];
    let stat = openat(directory, c"stat", FLAGS, Mode::empty());
    let length = match stat.and_then(|file| read(file, &mut buffer)) {
        Ok(length) => length,
        Err(errno) => return matches!(errno, Errno::SRCH | Errno::NOENT),
    };
    // The name before it, in parentheses, may have parentheses in it.
    let stat = buffer.get(..length).unwrap_or_default();
    let after_name = stat.rsplit(|&byte| byte == b')').next();
    // See proc(5): the state is the third field, and the 20th the number of threads.
    let mut fields = fields(after_name.unwrap_or_default(), b' ');
    let (state, threads) = (fields.nth(1), fields.nth(16));
    matches!(state, Some(b"Z" | b"X")) && matches!(threads, None | Some(b"0" | b"1"))
}
