//! Starts and ends: what the lock's cost is measured from.

#![no_std]
#![no_main]

use update_lock_start::{Args, Environment};

update_lock_start::entry!(main);

fn main(_: Args, _: Environment) -> i32 {
    0
}
