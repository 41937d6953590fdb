//! Waiting for facts, never for time to pass.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a fact may take: longer than any emulator on a busy machine, shorter than a person's patience.
const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until `fact` gives something.
///
/// # Panics
///
/// If it doesn't within the deadline; `what` says what was waited for.
#[track_caller]
pub(crate) fn until_some<T>(what: &str, mut fact: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = fact() {
            return value;
        }
        assert!(started.elapsed() < DEADLINE, "waited in vain: {what}");
        sleep(Duration::from_millis(2));
    }
}

/// Waits until `fact` is true.
#[track_caller]
pub(crate) fn until(what: &str, mut fact: impl FnMut() -> bool) {
    until_some(what, || fact().then_some(()));
}
