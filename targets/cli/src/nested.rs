//! Commands below one that holds the lock already: they must not wait for it.
//!
//! 1. A holder tells its command which lock it has: the file, in [`HELD_VARIABLE`].
//! 2. It may take the lock later, or again: so it also tells a number of its own, and locks the byte of that number in
//!    each lock file that it takes, as keepers of a shared lock do theirs.
//! 3. Who has windows tells neither: it gives the lock back whatever goes on below it.
//! 4. Who wants to share a lock that is shared needs no ancestor: it joins.

use rustix::fd::AsFd;
use update_lock::{HELD_VARIABLE, LockPath, decimal, status};
use update_lock_start::{Environment, Line, complain, is_byte_locked, lock_byte, text};

use crate::lock::Lock;
use crate::options::{Key, Options};
use crate::shared_keeper::{self, open};

/// Where the number is.
const HOLDER_VARIABLE: &str = "UPDATE_LOCK_HOLDER";

/// Where the bytes of the numbers begin: behind those for keepers.
const HOLDERS: u64 = shared_keeper::END;

/// What is about the holder alone, and not about commands below it: a job under an app that is up for a while, or that has
/// windows, is one that must not be cut short.
pub(crate) const NOT_BELOW: [(&str, &core::ffi::CStr); 2] = [
    ("UPDATE_LOCK_AFTER", c"UPDATE_LOCK_AFTER="),
    ("UPDATE_LOCK_OPEN", c"UPDATE_LOCK_OPEN="),
];

/// What a holder's command is told, each `NAME=VALUE`, in the lines.
pub(crate) fn variables<'l>(
    options: &Options,
    lock: Option<&Lock>,
    held: &'l mut Line,
    holder: &'l mut Line,
) -> [(&'static str, Option<&'l core::ffi::CStr>); 2] {
    let tells = !options.has_windows(); // 3
    let lock = lock.filter(|_| tells);
    if let Some(lock) = lock {
        let identity = lock.identity();
        held.bytes(HELD_VARIABLE.as_bytes())
            .text(text!("="))
            .bytes(identity.as_bytes());
    }
    holder
        .text(text!(HOLDER_VARIABLE))
        .text(text!("="))
        .number(options.token);
    let held = lock.and_then(|_| held.as_c_str());
    let holder = holder.as_c_str().filter(|_| tells);
    [(HELD_VARIABLE, held), (HOLDER_VARIABLE, holder)]
}

/// Makes the lock known as that of a command above.
pub(crate) fn mark(lock: &Lock, options: &Options) {
    let _ = lock_byte(lock.as_fd(), HOLDERS + u64::from(options.token)); // 2
}

/// Whether this process runs under the lock already; says so then.
pub(crate) fn is_held_above(path: &LockPath, options: &Options, environment: Environment) -> bool {
    let is_held =
        is_told(path, environment) && !(options.has(Key::Shared) && shared_keeper::is_shared(path)); // 4
    if is_held {
        complain(
            text!("%: held by the 'update-lock run' that this runs under; nothing to do"),
            path.as_bytes(),
        );
    }
    is_held
}

fn is_told(path: &LockPath, environment: Environment) -> bool {
    let told = |name: &str| environment.get(name.as_bytes());
    told(HELD_VARIABLE).is_some_and(|variable| is_of(path, variable))
        || told(HOLDER_VARIABLE)
            .and_then(decimal::parse)
            .is_some_and(|token| is_holders(path, token))
}

fn is_of(path: &LockPath, variable: &[u8]) -> bool {
    matches!(status(path), Ok(Some(found)) if found.is_held_above(variable))
}

fn is_holders(path: &LockPath, token: u32) -> bool {
    open(path)
        .is_ok_and(|file| is_byte_locked(file.as_fd(), HOLDERS + u64::from(token)) == Ok(true))
}
