//! The windows of `--open`, at any time: their meaning doesn't depend on it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use update_lock_window::{LocalTime, is_open};

fuzz_target!(|input: (u32, i32, &[u8])| {
    let (utc, offset, value) = input;
    let now = is_open(value, LocalTime::new(utc, offset % 100_000));
    assert_eq!(
        now.is_some(),
        is_open(value, LocalTime::new(0, 0)).is_some()
    );
});
