//! Commands below one that holds the lock already: they must not wait for it.

use update_lock::{HELD_VARIABLE, LockPath, status};
use update_lock_start::{Environment, Line, complain, text};

use crate::lock::Lock;

/// Adds the `NAME=VALUE` that tells a holder's command which lock it runs under.
pub(crate) fn add_variable(line: &mut Line, lock: &Lock) {
    line.text(HELD_VARIABLE)
        .text("=")
        .bytes(lock.identity().as_bytes());
}

/// Whether this process runs under the lock already; says so then.
pub(crate) fn is_held_above(path: &LockPath, environment: Environment) -> bool {
    let is_held = environment
        .get(HELD_VARIABLE.as_bytes())
        .is_some_and(|variable| is_of(path, variable));
    if is_held {
        complain(
            text!("%: held by the 'update-lock run' that this runs under; nothing to do"),
            path.as_bytes(),
        );
    }
    is_held
}

fn is_of(path: &LockPath, variable: &[u8]) -> bool {
    matches!(status(path), Ok(Some(found)) if found.is_held_above(variable))
}
