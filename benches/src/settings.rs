//! How much is measured.

/// Of a run.
pub(crate) struct Settings {
    /// Samples of each contender in each row.
    pub(crate) rounds: usize,
    /// The same in rows of many processes.
    pub(crate) crowds: usize,
    /// Nanoseconds of a contender's turn, in rows that repeat something in one process.
    pub(crate) turn: f64,
    /// Processes started in a turn.
    pub(crate) starts: u32,
    /// How many wait at once.
    pub(crate) waiters: &'static [usize],
    /// How many hold a lock each, at once.
    pub(crate) holders: usize,
}

impl Settings {
    /// As much as a quarter of an hour allows.
    pub(crate) const FULL: Self = Self {
        rounds: 31,
        crowds: 3,
        turn: 50e6,
        starts: 50,
        waiters: &[1, 4, 16, 64, 256],
        holders: 100,
    };

    /// Enough to see that everything runs.
    pub(crate) const QUICK: Self = Self {
        rounds: 3,
        crowds: 1,
        turn: 2e6,
        starts: 5,
        waiters: &[1, 4],
        holders: 2,
    };
}
