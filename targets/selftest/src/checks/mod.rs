//! What is checked, one topic a file.

use crate::bench::Bench;
use crate::failure::Outcome;

/// Something that the lock does.
pub(crate) struct Check {
    /// What it is.
    pub(crate) name: &'static str,
    /// Has it done, and looks whether it comes out so.
    pub(crate) play: fn(&Bench) -> Outcome,
}

/// Lists a file's checks, by the names of their functions.
macro_rules! checks {
    ($($name:ident),* $(,)?) => {
        /// The checks of this file.
        pub(crate) const CHECKS: &[crate::checks::Check] = &[$(crate::checks::Check {
            name: stringify!($name),
            play: $name,
        }),*];
    };
}

mod contenders;
mod crash;
mod holders;
mod limits;
mod loss;
mod notes;
mod sharing;
mod stack;
mod waiting;

/// All checks.
pub(crate) fn all() -> impl Iterator<Item = &'static Check> {
    [
        contenders::CHECKS,
        waiting::CHECKS,
        crash::CHECKS,
        loss::CHECKS,
        sharing::CHECKS,
        holders::CHECKS,
        notes::CHECKS,
        limits::CHECKS,
        stack::CHECKS,
    ]
    .into_iter()
    .flatten()
}
