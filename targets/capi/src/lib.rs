//! The C library: `libupdate_lock.a` and `update_lock.h`, which cbindgen makes of the comments here.
//!
//! All its `unsafe` is at the boundary, where pointers become references.

#![no_std]

/// The memory functions that compiled code calls.
extern crate update_lock_mem as _;

pub mod code;
pub mod holder;
pub mod location;
pub mod lock;
mod panic;
mod path;
pub mod text;
