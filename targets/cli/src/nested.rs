//! Commands below one that holds the lock already: they must not wait for it.

use core::ffi::CStr;

use update_lock::{HELD_VARIABLE, LockPath, UpdateLock, status};
use update_lock_start::{Environment, Line};

/// A name, `=`, two numbers in hexadecimal with a colon, and a NUL.
const CAPACITY: usize = 64;

/// A `NAME=VALUE` that tells a command which lock it runs under.
pub(crate) struct Variable([u8; CAPACITY]);

impl Variable {
    pub(crate) fn as_c_str(&self) -> Option<&CStr> {
        CStr::from_bytes_until_nul(&self.0).ok()
    }
}

/// What a holder tells its command.
pub(crate) fn variable(lock: &UpdateLock) -> Variable {
    let identity = lock.identity();
    let pieces = [HELD_VARIABLE.as_bytes(), b"=", identity.as_bytes()];
    let mut variable = Variable([0; CAPACITY]);
    for (place, &byte) in variable.0.iter_mut().zip(pieces.into_iter().flatten()) {
        *place = byte;
    }
    variable
}

/// Whether this process runs under the lock already; says so then.
pub(crate) fn is_held_above(path: &LockPath, environment: Environment) -> bool {
    let is_held = environment
        .get(HELD_VARIABLE)
        .is_some_and(|variable| is_of(path, variable));
    if is_held {
        Line::error()
            .escaped(path.as_bytes())
            .text(": held by the 'update-lock run' that this runs under; nothing to do")
            .end();
    }
    is_held
}

fn is_of(path: &LockPath, variable: &[u8]) -> bool {
    matches!(status(path), Ok(Some(found)) if found.is_held_above(variable))
}
