//! Decimal numbers from bytes, without the 700 bytes of code that `str::parse` brings along.
//!
//! For `targets/` alone: no part of the API, and nothing is promised of it.

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

/// `number` in digits, at the end of `buffer`.
#[cfg(feature = "supervisor")]
pub(crate) fn digits(mut number: u32, buffer: &mut [u8; 10]) -> &[u8] {
    let mut start = buffer.len();
    for (index, digit) in buffer.iter_mut().enumerate().rev() {
        *digit = b'0' + (number % 10) as u8;
        start = index;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    buffer.get(start..).unwrap_or_default()
}
