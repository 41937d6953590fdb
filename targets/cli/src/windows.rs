//! `--open`: when updates may come.

use update_lock_start::Environment;

use crate::options::Options;

pub(crate) struct Windows;

impl Windows {
    /// How often to look at the clock: it may be set, and its zone may go over to summer time, at any moment.
    pub(crate) const INTERVAL_MS: u64 = 1000;

    pub(crate) fn of(options: &Options, _environment: Environment) -> Result<Option<Self>, i32> {
        Ok((!options.open.get().is_empty()).then_some(Self))
    }

    pub(crate) fn is_open(&mut self) -> bool {
        false
    }
}
