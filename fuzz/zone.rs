//! `TZ`: a rule has an offset at any time, and one of less than a week and a bit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use update_lock_window::Zone;

fuzz_target!(|input: (u32, &[u8])| {
    let (utc, tz) = input;
    if let Some(zone @ Zone::Rule(_)) = Zone::parse(tz) {
        let offset = zone.offset(utc, |_, _| unreachable!("a rule reads no file"));
        assert!(offset.expect("an offset").abs() < 100 * 3600);
    }
});
