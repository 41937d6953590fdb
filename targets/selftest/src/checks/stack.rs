//! What the library's calls take of the stack.

use core::time::Duration;

use update_lock::{Release, SharedLock, UpdateLock, Waiter, status};
use update_lock_start::{Line, STACK_DEPTH, stack_of};

use crate::bench::Bench;
use crate::failure::{Outcome, ensure};

checks![each_call_takes_less_than_32_kib_of_stack];

/// The figures are for people: their budget is a matter of the compiler and its options. This looks whether they are figures.
fn each_call_takes_less_than_32_kib_of_stack(bench: &Bench) -> Outcome {
    let path = &bench.path;
    let mut lock = None;
    measure("try_acquire", || lock = UpdateLock::try_acquire(path).ok())?;
    measure("status", || drop(status(path)))?;
    measure("acquire_timeout", || {
        drop(UpdateLock::acquire_timeout(path, Duration::from_millis(1)));
    })?;
    measure("Waiter::look", || drop(Waiter::new(path).look(0)))?;
    let mut outcome = None;
    measure("release", || outcome = lock.take().map(UpdateLock::release))?;
    ensure(
        outcome == Some(Ok(Release::Released)),
        "the lock was taken and is released",
    )?;
    measure("SharedLock::try_acquire", || {
        drop(SharedLock::try_acquire(path))
    })
}

fn measure(name: &'static str, call: impl FnOnce()) -> Outcome {
    let bytes = stack_of(call);
    let mut line = Line::output();
    line.bytes(b"     stack of ")
        .bytes(name.as_bytes())
        .bytes(b": ");
    line.number(bytes as u32).bytes(b" bytes").end();
    ensure(bytes < STACK_DEPTH, "it takes less than is measured")
}
