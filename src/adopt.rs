//! Taking over the lock of a holder that has died, and joining others in a shared hold.
//!
//! The file stays in place throughout, so there is no moment in which the Supervisor could slip in.

use core::ffi::CStr;

use rustix::fs::FlockOperation;

use crate::flock::{EXCLUSIVE, SHARED, try_flock};
use crate::hold::Hold;
use crate::holder::Found;
use crate::inode::{Facts, is_absent};
use crate::{Error, Holder, Operation, mark, note};

/// Step 5 of the protocol in `lock.rs`, and step 1 of that in `shared.rs`. `None` where the file was removed meanwhile.
///
/// 1. Only a file that this library made can be a dead holder's: `Found::look` sorts out all others.
/// 2. Its `flock` is free, and now ours: its holder is dead, or has just created it and hasn't got to its own `flock`,
///    which will then fail and leave the lock to us. A shared one is granted beside live members, too.
/// 3. It must be ours by user too, or we are root: else neither its mode nor its name could be changed later.
/// 4. The path still names it. Otherwise it was released or overridden between the open and the `flock`, and our
///    `flock` protects nothing. From here on nobody else who follows the protocol removes it.
/// 5. What its last holder left in the mode and the note no longer holds. The note may be a live member's: that stays.
pub(crate) fn adopt(path: &CStr, user: u32, how: FlockOperation) -> Result<Option<Hold>, Error> {
    let Some(found) = Found::look_as(path, how)? else {
        return Ok(None);
    };
    let Found {
        file,
        facts,
        holder,
    } = found; // 1, 2
    let file = match file {
        Some(file) if holder == Holder::Stale && may_adopt(facts.uid(), user) => file, // 3
        // Granted beside another user's members.
        Some(file) if how == SHARED && holder == Holder::Stale && !try_flock(&file, EXCLUSIVE)? => {
            return Err(Error::Held(Holder::App));
        }
        _ => {
            step!("lock: held, {}", holder);
            return Err(Error::Held(holder));
        }
    };
    // Its holder may have changed it after the look, before it died.
    let facts = match Facts::of_path(path) {
        Ok(now) if now.inode() == facts.inode() => now,
        Err(error) if !is_absent(&error) => return Err(error),
        _ => return Ok(None), // 4
    };
    if !mark::HELD.contains(facts.mode()) {
        rustix::fs::fchmod(&file, mark::HELD).map_err(Error::at(Operation::Mark))?; // 5
    }
    if facts.has_content() && how == EXCLUSIVE {
        // An old note misinforms, but does no harm to the lock.
        let _ = note::clear(path, facts.inode());
    }
    step!("lock: adopted a dead holder's, or joined");
    Ok(Some(Hold::new(file, facts.inode())))
}

/// Whether `user` can take over a file that belongs to `owner`.
pub(crate) fn may_adopt(owner: u32, user: u32) -> bool {
    owner == user || user == 0
}
