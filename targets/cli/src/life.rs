//! Watching for the end of a process that is no child of ours.

use core::ffi::CStr;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, read};
use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open, test_kill_process};
use update_lock_start::session;

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

/// The process that called this one; `None` where it has ended, or is outside of this container.
pub(crate) fn caller() -> Option<Pid> {
    let parent = getppid()?;
    // Orphans go to PID 1, whose own children are of its session unless they left it.
    let is_orphan = parent == Pid::INIT && session(Some(parent)) != session(None);
    (!is_orphan).then_some(parent)
}

/// The name of a process, as `ps` has it; as much of `buffer` as it takes.
pub(crate) fn name(process: Pid, buffer: &mut [u8]) -> &[u8] {
    let length = open(&Path::of(process, b"/comm")).and_then(|file| read(file, &mut *buffer));
    let name = buffer.get(..length.unwrap_or(0)).unwrap_or_default();
    name.strip_suffix(b"\n").unwrap_or(name)
}

const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC);

fn open(path: &Path) -> Result<OwnedFd, Errno> {
    openat(CWD, path.as_c_str(), FLAGS, Mode::empty())
}

fn open_directory(process: Pid) -> Result<OwnedFd, Errno> {
    let outcome = open(&Path::of(process, b""));
    // Without `/proc` there is no directory of any process, ended or not.
    outcome.map_err(|errno| test_kill_process(process).err().unwrap_or(errno))
}

/// Whether the process whose directory in `/proc` this is has ended: its state is `Z` or `X`, or it has none any more.
fn has_died(directory: BorrowedFd<'_>) -> bool {
    let mut buffer = [0; 64];
    let stat = openat(directory, c"stat", FLAGS, Mode::empty());
    let length = match stat.and_then(|file| read(file, &mut buffer)) {
        Ok(length) => length,
        Err(errno) => return matches!(errno, Errno::SRCH | Errno::NOENT),
    };
    // The name before it, in parentheses, may have parentheses in it.
    let stat = buffer.get(..length).unwrap_or_default();
    let after_name = stat.rsplit(|&byte| byte == b')').next();
    matches!(after_name, Some([b' ', b'Z' | b'X', ..]))
}

/// A path below `/proc/PID`.
struct Path([u8; 32]);

impl Path {
    fn of(process: Pid, rest: &[u8]) -> Self {
        // Before the number as many slashes as it lacks digits: to the kernel they are one.
        let mut digits = [b'/'; 10];
        let mut number = process.as_raw_pid() as u32;
        for place in digits.iter_mut().rev() {
            if number == 0 {
                break;
            }
            *place = b'0' + (number % 10) as u8;
            number /= 10;
        }
        let mut path = Self([0; 32]);
        let pieces = [b"/proc/", &digits[..], rest];
        for (place, &byte) in path.0.iter_mut().zip(pieces.into_iter().flatten()) {
            *place = byte;
        }
        path
    }

    fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
    }
}
