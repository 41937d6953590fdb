//! Who holds a lock, and on what evidence.

use core::ffi::CStr;

use rustix::fd::OwnedFd;
use rustix::fs::{CWD, FlockOperation, Mode, OFlags};
use rustix::process::geteuid;

use crate::flock::{EXCLUSIVE, try_flock};
use crate::inode::{Facts, Inode, is_absent};
use crate::lock::SUPERVISOR_UID;
use crate::{Errno, Error, Identity, LockPath, NoteText, Operation, adopt, note};

/// What every lock file of helios, the Supervisor written in Rust, begins with.
const HELIOS_CONTENT: [u8; 2] = [0x02, 0x63];

/// Who or what is at a lock's path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Holder {
    /// The Supervisor, during an update: its file belongs to user 65534 or has helios's content. It goes by itself.
    Supervisor,
    /// An application that uses this library, alive: its `flock` is held, or the file can't be read.
    App,
    /// An application that used this library and died. The next acquire by its user or by root adopts the file.
    Stale,
    /// Anything else: another tool's file, a directory, a symbolic link. It stays until somebody removes it.
    Foreign {
        /// The user to whom it belongs.
        uid: u32,
    },
}

impl Holder {
    /// Who it is, in a few words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Supervisor => "held by the Supervisor, which is at work on an update",
            Self::App => "held by an application",
            Self::Stale => "left behind by an application that died",
            Self::Foreign { .. } => "another tool's file, directory or link",
        }
    }
}

/// A lock that isn't free, as [`status`] found it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Status {
    /// Who holds it.
    pub holder: Holder,
    /// Whether the holder is a [keeper](crate::Request), which releases the lock when it is asked.
    pub is_kept: bool,
    /// Whether an acquire by the calling user would take it over.
    pub is_adoptable: bool,
    inode: Inode,
}

/// Looks at a lock without taking it; `None` where it is free.
///
/// To see whether a holder lives it takes the `flock` for a moment, as the host's reboot check does.
///
/// # Errors
///
/// [`Error::System`] where the path can't be looked up or its `flock` can't be tried.
pub fn status(path: &LockPath) -> Result<Option<Status>, Error> {
    let Some(found) = Found::look(path.as_c_str())? else {
        return Ok(None);
    };
    let holder = found.holder;
    let is_adoptable =
        holder == Holder::Stale && adopt::may_adopt(found.facts.uid(), geteuid().as_raw());
    Ok(Some(Status {
        holder,
        is_kept: found.is_kept(),
        is_adoptable,
        inode: found.facts.inode(),
    }))
}

impl Status {
    /// Whether the lock will be free without anybody's doing: not what is foreign, nor a dead holder's file that this user
    /// can't adopt.
    #[must_use]
    pub fn goes_by_itself(&self) -> bool {
        match self.holder {
            Holder::Supervisor | Holder::App => true,
            Holder::Stale => self.is_adoptable,
            Holder::Foreign { .. } => false,
        }
    }

    /// Whether this is the lock that the process runs under already: `variable` is what its
    /// [`HELD_VARIABLE`](crate::HELD_VARIABLE) says.
    #[must_use]
    pub fn is_held_above(&self, variable: &[u8]) -> bool {
        self.holder == Holder::App && self.identity().as_bytes() == variable
    }

    /// Which file it is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity::of(self.inode)
    }

    /// What the holder wrote about itself, at the `path` of the status: of [`Holder::App`] and [`Holder::Stale`]. Else, and
    /// where another file has come there since, it is empty.
    ///
    /// # Errors
    ///
    /// [`Error::System`] where the file can't be looked at or read.
    pub fn note(&self, path: &LockPath) -> Result<NoteText, Error> {
        if let Holder::App | Holder::Stale = self.holder
            && let Some(Found {
                file: Some(file),
                facts,
                ..
            }) = Found::look(path.as_c_str())?
            && facts.inode() == self.inode
        {
            return note::read(&file);
        }
        Ok(NoteText::default())
    }
}

/// What is at a path: opened, where it can be read. Where the holder is [`Holder::Stale`], its `flock` was granted, and is
/// ours for as long as this lives.
pub(crate) struct Found {
    pub(crate) file: Option<OwnedFd>,
    pub(crate) facts: Facts,
    /// Who it belongs to.
    pub(crate) holder: Holder,
}

impl Found {
    /// Opens what `path` names, without following a link, waiting for a fifo's writer or changing anything.
    pub(crate) fn look(path: &CStr) -> Result<Option<Self>, Error> {
        Self::look_as(path, EXCLUSIVE)
    }

    /// The same with that `flock`: a shared one is granted beside other shared holders, too.
    pub(crate) fn look_as(path: &CStr, how: FlockOperation) -> Result<Option<Self>, Error> {
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let (file, facts) = match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
            Ok(file) => {
                let facts = Facts::of_file(&file);
                (Some(file), facts)
            }
            // A symbolic link, a socket, a device without a driver, somebody else's private file.
            Err(Errno::LOOP | Errno::NXIO | Errno::NODEV | Errno::ACCESS | Errno::PERM) => {
                (None, Facts::of_path(path))
            }
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(Error::system(Operation::Open, errno)),
        };
        let facts = match facts {
            Ok(facts) => facts,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let holder = holder(file.as_ref(), &facts, how)?;
        Ok(Some(Self {
            file,
            facts,
            holder,
        }))
    }
}

fn holder(file: Option<&OwnedFd>, facts: &Facts, how: FlockOperation) -> Result<Holder, Error> {
    let uid = facts.uid();
    if !facts.is_regular() {
        return Ok(Holder::Foreign { uid });
    }
    if uid == SUPERVISOR_UID || has_helios_content(file)? {
        return Ok(Holder::Supervisor);
    }
    if !facts.is_marked() {
        return Ok(Holder::Foreign { uid });
    }
    Ok(match file {
        Some(file) if try_flock(file, how)? => Holder::Stale,
        _ => Holder::App,
    })
}

fn has_helios_content(file: Option<&OwnedFd>) -> Result<bool, Error> {
    let Some(file) = file else {
        return Ok(false);
    };
    let mut start = [0; HELIOS_CONTENT.len()];
    // `pread` leaves the offset where the note is read from.
    let length = rustix::io::pread(file, &mut start, 0).map_err(Error::at(Operation::Read))?;
    Ok(length == start.len() && start == HELIOS_CONTENT)
}
