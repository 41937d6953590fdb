//! Removal of what nobody needs any more, for a person who says so.

use crate::flock::{EXCLUSIVE, try_flock};
use crate::holder::Found;
use crate::inode;
use crate::lock::remove;
use crate::{Errno, Error, Holder, LockPath, Operation};

/// Removes what blocks the lock though nobody needs it any more: a person's way to get rid of another tool's file, or of
/// a dead holder's.
///
/// Of another tool's file nobody can know whether its owner lives, unless that holds a `flock` on it too.
/// `None` where there is nothing, else what it was.
///
/// # Errors
///
/// - [`Error::Held`]: a live holder's, or the Supervisor's; nothing is removed.
/// - [`Error::System`]: `Open`, where it can't be read, and might be the Supervisor's; `Remove`, where it is another
///   user's, or a directory with something in it.
pub fn remove_dead(path: &LockPath) -> Result<Option<Holder>, Error> {
    let Some(found) = Found::look(path.as_c_str())? else {
        return Ok(None);
    };
    let holder = found.holder;
    let is_dead = match (holder, &found.file) {
        (Holder::Stale, _) => true,
        (Holder::Foreign { .. }, Some(file)) => try_flock(file, EXCLUSIVE)?,
        // Who can't read a file can't tell whether it is helios's.
        (Holder::Foreign { .. }, None) if found.facts.is_regular() => {
            return Err(Error::system(Operation::Open, Errno::ACCESS));
        }
        (Holder::Foreign { .. }, None) => true,
        _ => false,
    };
    if !is_dead || !inode::names(path.as_c_str(), found.facts.inode())? {
        return Err(Error::Held(holder));
    }
    match &found.file {
        // As its holder would have, so that nobody who waits takes it for an override.
        Some(file) if holder == Holder::Stale => _ = remove(file, path.as_c_str())?,
        _ => inode::unlink(path.as_c_str(), found.facts.is_directory())?,
    }
    Ok(Some(holder))
}
