//! Times such as `500ms`, `30s`, `5m` and `2h`.

use update_lock::decimal;

use crate::spec::position;

/// The milliseconds that `text` says; `None` where it is no time, or more than 49 days.
pub(crate) fn parse(text: &[u8]) -> Option<u32> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = position(unit, "ms s m h")?;
    let milliseconds = [1, 1000, 60_000, 3_600_000].get(unit)?;
    decimal::parse(number)?.checked_mul(*milliseconds)
}
