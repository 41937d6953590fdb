//! What a lock file's mode bits say.
//!
//! The bits are set in one step, survive a full disk, and can still be read from an inode that has lost its
//! name. Linux itself gives none of them a meaning on a regular file that nobody executes.

use rustix::fs::Mode;

/// This library made the file (`S_ISVTX`). The creating `openat` sets it, and no umask clears it.
pub(crate) const MADE: Mode = Mode::SVTX;

/// The owner released the lock (`S_IXUSR`): the `unlink` that follows is a release, not an override.
pub(crate) const RELEASED: Mode = Mode::XUSR;

/// A keeper holds the lock (`S_IXGRP`).
pub(crate) const KEPT: Mode = Mode::XGRP;

/// The keeper is asked to release it (`S_IXOTH`).
pub(crate) const ASKED: Mode = Mode::XOTH;

/// The mode of a held lock, `01644`: made by this library, and everybody may read who holds it.
pub(crate) const HELD: Mode = MADE
    .union(Mode::RUSR)
    .union(Mode::WUSR)
    .union(Mode::RGRP)
    .union(Mode::ROTH);
