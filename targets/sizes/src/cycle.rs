//! Takes the lock, adopting it from a dead holder if need be, and gives it back.

#![no_std]
#![no_main]

use update_lock::{Error, LockPath, Release, UpdateLock};
use update_lock_start::{Args, Environment};

update_lock_start::entry!(main);

fn main(_: Args, _: Environment) -> i32 {
    match cycle() {
        Ok(Release::Released) => 0,
        _ => 1,
    }
}

fn cycle() -> Result<Release, Error> {
    let path = LockPath::new(b"/tmp/balena/updates.lock")?;
    UpdateLock::try_acquire(&path)?.release()
}
