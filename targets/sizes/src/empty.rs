//! Knows the lock's path, and ends: what the lock's cost is measured from.

#![no_std]
#![no_main]

use update_lock::LockPath;
use update_lock_start::{Args, Environment};

update_lock_start::entry!(main);

fn main(_: Args, _: Environment) -> i32 {
    let path = LockPath::new(b"/tmp/balena/updates.lock");
    i32::from(core::hint::black_box(path).is_err())
}
