//! The C library: `libupdate_lock.a` and `update_lock.h`.
//!
//! All its `unsafe` is at the boundary: what C passes becomes references here, and nothing else does.

#![no_std]

/// The memory functions that compiled code calls.
extern crate update_lock_mem as _;

mod error;
mod lock;
mod panic;
