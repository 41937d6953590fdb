//! Maintenance windows: whether it is time for an update, by the local clock.
//!
//! [`Zone::parse`] understands what `TZ` says, [`Zone::offset`] how far its clocks are from UTC, and [`is_open`] whether one
//! of the windows is open then. Each looks anew at the text or the file: nothing is kept that a clock step could make wrong.
//!
//! Times are seconds since 1970 in 32 bits, which last until February 2106: on ARMv6 a division of 64 bits is a function of
//! some hundred bytes.

#![no_std]
#![forbid(unsafe_code)]

mod file;
mod local;
mod rule;
mod windows;
mod zone;

pub use local::LocalTime;
pub use windows::is_open;
pub use zone::Zone;
