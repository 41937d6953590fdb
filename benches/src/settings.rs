//! How much is measured.

/// Of a run.
pub(crate) struct Settings {
    /// Samples of each contender in each row.
    pub(crate) rounds: usize,
    /// Nanoseconds of a contender's turn, in rows that repeat something in one process.
    pub(crate) turn: f64,
    /// Processes started in a turn.
    pub(crate) starts: u32,
}

impl Settings {
    /// As much as a quarter of an hour allows.
    pub(crate) const FULL: Self = Self {
        rounds: 31,
        turn: 50e6,
        starts: 50,
    };
    /// Enough to see that everything runs.
    pub(crate) const QUICK: Self = Self {
        rounds: 3,
        turn: 2e6,
        starts: 5,
    };
}
