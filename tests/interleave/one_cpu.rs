//! Who steps processes takes turns with them: on one CPU that takes half the time that it takes on two.

use std::cell::LazyCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// This thread, and what it starts, is on one CPU until this is dropped.
pub(crate) struct OneCpu(CpuSet);

/// Each thread has its own, as far as there are enough.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static NUMBER: LazyCell<usize> = LazyCell::new(|| THREADS.fetch_add(1, Ordering::Relaxed));
}

const THIS: Pid = Pid::from_raw(0);

impl OneCpu {
    pub(crate) fn take() -> Self {
        let all = sched_getaffinity(THIS).expect("its CPUs");
        let cpus = (0..CpuSet::count()).filter(|&cpu| all.is_set(cpu) == Ok(true));
        let cpus: Vec<_> = cpus.collect();
        let mut own = CpuSet::new();
        let number = NUMBER.with(|number| **number);
        own.set(cpus[number % cpus.len()]).expect("a CPU");
        sched_setaffinity(THIS, &own).expect("one of its own");
        Self(all)
    }
}

impl Drop for OneCpu {
    fn drop(&mut self) {
        let _ = sched_setaffinity(THIS, &self.0);
    }
}
