//! Eight contending processes, and forced takes among them.

use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use crate::common::{Lock, Process};
use crate::contender::{self, Manner, USER};
use crate::growth::Growth;
use crate::ledger::Ledger;
use crate::overrides::Overrides;

const CROWD: [Manner; 8] = [
    Manner::Waits,
    Manner::Waits,
    Manner::Waits,
    Manner::Waits,
    Manner::Tries,
    Manner::Tries,
    Manner::Runs,
    Manner::Runs,
];

/// Until the ledger has been touched so often.
pub(crate) fn contend(cycles: u64) {
    let lock = Lock::new();
    play(&lock, |ledger, crowd| {
        let mut progress = Progress::start();
        while progress.is_made(ledger, crowd) && ledger.count() < cycles {
            sleep(Duration::from_millis(10));
        }
    });
}

/// For so long, with a `watch` and a `hold` beside the crowd; and nobody grows.
pub(crate) fn soak(time: Duration) {
    let (device, lock) = (crate::device(), Lock::new());
    let watch = device.at(&lock, ["watch"]);
    let watch = watch
        .through(["sh", "-c", "exec \"$@\" >/dev/null", "sh"])
        .start();
    let now_and_then = "test $(($(date +%s) % 8)) = 0";
    let hold = device.at(&lock, ["hold", "--every", "1s", "--while", now_and_then]);
    let hold = hold.by_user(USER).start();
    play(&lock, |ledger, crowd| {
        let processes = crowd.iter().chain([&watch, &hold]).map(Process::pid);
        let mut growth = Growth::of(processes);
        let mut progress = Progress::start();
        while progress.is_made(ledger, crowd) && progress.start.elapsed() < time {
            sleep(Duration::from_secs(1));
            growth.sample();
        }
        growth.expect_none();
    });
}

/// Nobody is at the ledger beside somebody else, no touch is lost, and each has its turns.
fn play(lock: &Lock, until_enough: impl FnOnce(&Ledger, &mut [Process])) {
    let device = crate::device();
    let ledger = Ledger::create(lock.scratch());
    let start = Instant::now();
    let (crowd, overrides) = thread::scope(|scope| {
        let overrides = scope.spawn(|| Overrides::play(lock, &ledger));
        let mut crowd = CROWD.map(|manner| contender::start(&device, lock, manner));
        {
            let _stop = Stop(&ledger);
            until_enough(&ledger, &mut crowd);
        }
        let crowd = crowd.map(|mut contender| contender.end());
        (crowd, overrides.join().expect("they end"))
    });
    let printed = crowd
        .into_iter()
        .map(|contender| contender.exits_with(0).output);
    let touches = printed.filter_map(|count| count.trim().parse().ok());
    let touches = touches.chain([lock.read("touches").len() as u64, overrides.done]);
    let touches: Vec<u64> = touches.collect();
    println!(
        "{} cycles in {:?}: {touches:?}, {overrides:?}",
        ledger.count(),
        start.elapsed()
    );
    assert_eq!(touches.iter().sum::<u64>(), ledger.count());
    assert!(touches.iter().all(|&count| count > 0), "each has its turns");
}

/// Stops all, whatever comes.
struct Stop<'l>(&'l Ledger);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// That somebody of a crowd has a turn now and then.
struct Progress {
    start: Instant,
    last: (u64, Instant),
}

impl Progress {
    fn start() -> Self {
        let start = Instant::now();
        Self {
            start,
            last: (0, start),
        }
    }

    /// `false` when one of the crowd has ended, or when nobody has had a turn for a minute.
    fn is_made(&mut self, ledger: &Ledger, crowd: &mut [Process]) -> bool {
        let count = ledger.count();
        if count != self.last.0 {
            self.last = (count, Instant::now());
        }
        self.last.1.elapsed() < Duration::from_secs(60) && crowd.iter_mut().all(Process::is_running)
    }
}
