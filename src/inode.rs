//! Which file a descriptor or a path is, and what its inode says.

use core::ffi::CStr;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags, Stat};

use crate::{Errno, Error, Operation, mark};

/// The identity of a file for as long as somebody keeps it open: no other inode gets the same pair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Inode {
    pub(crate) device: u64,
    pub(crate) number: u64,
}

/// Whether that is why there are no facts: there is no such file.
pub(crate) fn is_absent(error: &Error) -> bool {
    matches!(
        error,
        Error::System {
            errno: Errno::NOENT,
            ..
        }
    )
}

/// What `stat` says of a file: the part that the protocol looks at, in few bytes, since it is where the stack is deepest.
#[derive(Clone, Copy)]
pub(crate) struct Facts {
    inode: Inode,
    uid: u32,
    mode: u16,
    /// Its names; two stands for more, too.
    links: u8,
    has_content: bool,
}

impl Facts {
    /// `fstat(2)`: of an open file, whether it still has a name or not.
    #[inline(always)]
    pub(crate) fn of_file(file: &OwnedFd) -> Result<Self, Error> {
        file_facts(file)
    }

    /// `fstatat(2)` of whatever the path names now, a symbolic link itself included; [absent](is_absent) where there is nothing.
    pub(crate) fn of_path(path: &CStr) -> Result<Self, Error> {
        facts(CWD, path)
    }

    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_possible_truncation,
        reason = "the fields' widths differ between architectures"
    )]
    fn of(stat: &Stat) -> Self {
        Self {
            inode: Inode {
                device: stat.st_dev as u64,
                number: stat.st_ino as u64,
            },
            uid: stat.st_uid,
            mode: stat.st_mode as u16,
            links: stat.st_nlink.min(2) as u8,
            has_content: stat.st_size > 0,
        }
    }

    pub(crate) fn inode(&self) -> Inode {
        self.inode
    }

    pub(crate) fn mode(&self) -> Mode {
        Mode::from_raw_mode(self.mode.into())
    }

    pub(crate) fn is_regular(&self) -> bool {
        FileType::from_raw_mode(self.mode.into()) == FileType::RegularFile
    }

    pub(crate) fn is_directory(&self) -> bool {
        FileType::from_raw_mode(self.mode.into()) == FileType::Directory
    }

    /// Whether this library made it, if it is a regular file: the sticky bit of a directory means something else.
    pub(crate) fn is_marked(&self) -> bool {
        self.mode().contains(mark::MADE)
    }

    pub(crate) fn uid(&self) -> u32 {
        self.uid
    }

    pub(crate) fn links(&self) -> u8 {
        self.links
    }

    pub(crate) fn has_content(&self) -> bool {
        self.has_content
    }
}

#[cfg(target_pointer_width = "64")]
fn file_facts(file: &OwnedFd) -> Result<Facts, Error> {
    rustix::fs::fstat(file)
        .map(|stat| Facts::of(&stat))
        .map_err(Error::at(Operation::Stat))
}

/// By the other call, since on 32 bits either brings its own `statx`, `stat64` and converters.
#[cfg(target_pointer_width = "32")]
#[inline(always)]
fn file_facts(file: &OwnedFd) -> Result<Facts, Error> {
    facts(file.as_fd(), c"")
}

/// Of what the path names as seen from `directory`, or of that, where the path is empty.
#[inline(never)]
fn facts(directory: BorrowedFd<'_>, path: &CStr) -> Result<Facts, Error> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH;
    path_stat(directory, path, flags)
        .map(|stat| Facts::of(&stat))
        .map_err(Error::at(Operation::Stat))
}

/// `fstatat(2)`. In the program's hands too, since each call of rustix's is 700 bytes of code on 32 bits.
///
/// For `targets/` alone: no part of the API, and nothing is promised of it.
///
/// # Errors
///
/// As the system call.
pub fn path_stat(directory: BorrowedFd<'_>, path: &CStr, flags: AtFlags) -> Result<Stat, Errno> {
    rustix::fs::statat(directory, path, flags)
}

/// Whether `path` names the file `inode` now.
pub(crate) fn names(path: &CStr, inode: Inode) -> Result<bool, Error> {
    match Facts::of_path(path) {
        Ok(found) => Ok(found.inode() == inode),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes the name; `rmdir(2)` where it is a directory's.
pub(crate) fn unlink(path: &CStr, is_directory: bool) -> Result<(), Error> {
    let flags = if is_directory {
        AtFlags::REMOVEDIR
    } else {
        AtFlags::empty()
    };
    rustix::fs::unlinkat(CWD, path, flags).map_err(Error::at(Operation::Remove))
}

/// Whether something is mounted on `directory`: its device number differs from its parent's then. `None` where there is no
/// such directory, or it can't be looked into.
pub(crate) fn is_mount_point(directory: &CStr) -> Option<bool> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(CWD, directory, flags, Mode::empty()).ok()?;
    let parent = facts(directory.as_fd(), c"..").ok()?;
    let own = Facts::of_file(&directory).ok()?;
    Some(own.inode.device != parent.inode.device)
}

/// Whether this user may create files in a directory.
pub(crate) fn check_writable(directory: &CStr) -> Result<(), Error> {
    let access = Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::accessat(CWD, directory, access, AtFlags::empty())
        .map_err(Error::at(Operation::Create))
}
