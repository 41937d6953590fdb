//! A time zone's file, whatever is in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use update_lock_window::Zone;

fuzz_target!(|input: (u32, &[u8])| {
    let (utc, bytes) = input;
    let zone = Zone::parse(b"A/File").expect("a name");
    let _ = zone.offset(utc, |at, buffer| {
        let rest = bytes.get(at as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Some(count)
    });
});
