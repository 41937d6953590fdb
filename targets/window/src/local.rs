//! The local time, as a person reads it off the wall.

/// The seconds of a day.
pub(crate) const DAY: u32 = 86_400;

/// A day of the week and a time of day.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LocalTime {
    /// 0 is Monday.
    pub(crate) weekday: u32,
    /// Minutes since midnight.
    pub(crate) minute: u32,
}

impl LocalTime {
    /// The local time at `utc`, in seconds since 1970, where clocks are `offset` seconds ahead of UTC.
    #[must_use]
    pub fn new(utc: u32, offset: i32) -> Self {
        const WEEK: u32 = 7 * DAY;
        // A week later: the offset may lead to before 1970.
        let seconds = (utc % WEEK + WEEK).wrapping_add_signed(offset);
        Self {
            weekday: (seconds / DAY + 3) % 7, // 1970 began on a Thursday
            minute: seconds % DAY / 60,
        }
    }
}
