//! Decimal numbers from bytes, without the 700 bytes of code that `str::parse` brings along.

/// The number that `digits` spell; `None` where there is anything else, or more than 32 bits hold.
#[must_use]
pub fn parse(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}
