//! Which file a descriptor or a path is, and what its inode says.

use core::ffi::CStr;

#[cfg(target_pointer_width = "32")]
use rustix::fd::AsFd;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, Stat};

use crate::{Errno, Error, LockPath, Operation, mark};

/// The identity of a file for as long as somebody keeps it open: no other inode gets the same pair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Inode {
    pub(crate) device: u64,
    pub(crate) number: u64,
}

/// What `stat` says of a file: the part that the protocol looks at.
#[derive(Clone, Copy)]
pub(crate) struct Facts(Stat);

#[allow(
    clippy::unnecessary_cast,
    clippy::cast_possible_truncation,
    reason = "the fields' widths differ between architectures"
)]
impl Facts {
    /// `fstat(2)`: of an open file, whether it still has a name or not.
    pub(crate) fn of_file(file: &OwnedFd) -> Result<Self, Error> {
        file_stat(file)
            .map(Self)
            .map_err(Error::at(Operation::Stat))
    }

    /// `fstatat(2)` of whatever the path names now, a symbolic link itself included; `None` where there is nothing.
    pub(crate) fn of_path(path: &LockPath) -> Result<Option<Self>, Error> {
        match path_stat(CWD, path.as_c_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Self(stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::system(Operation::Stat, errno)),
        }
    }

    pub(crate) fn inode(&self) -> Inode {
        Inode {
            device: self.0.st_dev as u64,
            number: self.0.st_ino as u64,
        }
    }

    pub(crate) fn mode(&self) -> Mode {
        Mode::from_raw_mode(self.0.st_mode)
    }

    pub(crate) fn is_regular(&self) -> bool {
        FileType::from_raw_mode(self.0.st_mode) == FileType::RegularFile
    }

    pub(crate) fn is_directory(&self) -> bool {
        FileType::from_raw_mode(self.0.st_mode) == FileType::Directory
    }

    /// Whether this library made it, if it is a regular file: the sticky bit of a directory means something else.
    pub(crate) fn is_marked(&self) -> bool {
        self.mode().contains(mark::MADE)
    }

    pub(crate) fn uid(&self) -> u32 {
        self.0.st_uid
    }

    pub(crate) fn links(&self) -> u32 {
        self.0.st_nlink as u32
    }

    pub(crate) fn has_content(&self) -> bool {
        self.0.st_size > 0
    }
}

#[cfg(target_pointer_width = "64")]
fn file_stat(file: &OwnedFd) -> Result<Stat, Errno> {
    rustix::fs::fstat(file)
}

/// By the other call, since on 32 bits either brings its own `statx`, `stat64` and converters.
#[cfg(target_pointer_width = "32")]
fn file_stat(file: &OwnedFd) -> Result<Stat, Errno> {
    path_stat(file.as_fd(), c"", AtFlags::EMPTY_PATH)
}

/// `fstatat(2)`. In the program's hands too, since each call of rustix's is 700 bytes of code on 32 bits.
///
/// # Errors
///
/// As the system call.
#[inline(never)]
pub fn path_stat(directory: BorrowedFd<'_>, path: &CStr, flags: AtFlags) -> Result<Stat, Errno> {
    rustix::fs::statat(directory, path, flags)
}

/// Whether `path` names the file `inode` now.
pub(crate) fn names(path: &LockPath, inode: Inode) -> Result<bool, Error> {
    Ok(Facts::of_path(path)?.is_some_and(|found| found.inode() == inode))
}

/// Removes the name; `rmdir(2)` where it is a directory's.
pub(crate) fn unlink(path: &LockPath, is_directory: bool) -> Result<(), Error> {
    let flags = if is_directory {
        AtFlags::REMOVEDIR
    } else {
        AtFlags::empty()
    };
    rustix::fs::unlinkat(CWD, path.as_c_str(), flags).map_err(Error::at(Operation::Remove))
}

/// The device number of `directory`: it changes where one is mounted.
pub(crate) fn device(directory: &LockPath) -> Result<u64, Error> {
    path_stat(CWD, directory.as_c_str(), AtFlags::empty())
        .map(|stat| Facts(stat).inode().device)
        .map_err(Error::at(Operation::Stat))
}

/// Whether this user may create files in a directory.
pub(crate) fn check_writable(directory: &LockPath) -> Result<(), Error> {
    let access = Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::accessat(CWD, directory.as_c_str(), access, AtFlags::empty())
        .map_err(Error::at(Operation::Create))
}
