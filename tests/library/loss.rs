use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use update_lock::{Error, Holder, Note, Release, SharedLock, UpdateLock, Waiter, Watch};

use crate::peers::{
    Strace, helios_forces, of_child, open_place, removes, supervisor_forces, supervisor_takes,
};
use crate::{Place, until};

/// Longer than anything takes.
const MINUTE: Duration = Duration::from_secs(60);

fn acquire(place: &Place) -> UpdateLock {
    UpdateLock::try_acquire(&place.path).expect("free")
}

fn moves_away(place: &Place) {
    fs::rename(place.file(), place.other("away")).expect("mv");
}

/// Waits for the loss of a lock, and makes sure that it isn't told before it comes, and that it is told.
#[track_caller]
fn is_told(place: &Place, lose: fn(&Place), wait: impl FnOnce() -> bool + Send) {
    let is_lost = AtomicBool::new(false);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let is_told = wait();
            (is_told, is_lost.load(Ordering::SeqCst))
        });
        until("it waits", || place.watches() == 1);
        // News that are none, of the file and beside it.
        for _ in 0..20 {
            fs::File::options()
                .append(true)
                .open(place.file())
                .expect("the lock");
            fs::write(place.other("updates.lock.other"), "").expect("a file");
            thread::sleep(Duration::from_millis(1));
        }
        is_lost.store(true, Ordering::SeqCst);
        lose(place);
        assert_eq!(waiter.join().expect("no panic"), (true, true));
    });
}

const LOSSES: [fn(&Place); 4] = [removes, supervisor_forces, helios_forces, moves_away];

#[test]
fn each_kind_of_loss_ends_the_wait() {
    for lose in LOSSES {
        let place = open_place();
        let mut lock = acquire(&place);
        is_told(&place, lose, || {
            lock.wait_lost(Duration::MAX).expect("no error")
        });
        assert_eq!(lock.release(), Ok(Release::Lost));
    }
}

#[test]
fn each_kind_of_loss_ends_the_wait_of_a_member() {
    for lose in LOSSES {
        let place = open_place();
        let other = SharedLock::try_acquire(&place.path).expect("free");
        let mut hold = SharedLock::try_acquire(&place.path).expect("shared");
        is_told(&place, lose, || {
            hold.wait_lost(Duration::MAX).expect("no error")
        });
        assert_eq!(other.is_held(), Ok(false));
    }
}

#[test]
fn the_wait_ends_with_its_time() {
    let place = Place::new();
    let mut lock = acquire(&place);
    for milliseconds in [0, 1, 20] {
        assert_eq!(
            lock.wait_lost(Duration::from_millis(milliseconds)),
            Ok(false)
        );
    }
    removes(&place);
    for milliseconds in [0, 1] {
        assert_eq!(
            lock.wait_lost(Duration::from_millis(milliseconds)),
            Ok(true)
        );
    }
}

/// One descriptor, from the wait for the lock to its release.
#[test]
fn the_watch_is_kept() {
    let place = Place::new();
    let mut lock = acquire(&place);
    assert_eq!(place.watches(), 0);
    assert_eq!(lock.wait_lost(Duration::ZERO), Ok(false));
    assert_eq!(place.watches(), 0, "none for no wait");
    for _ in 0..3 {
        assert_eq!(lock.wait_lost(Duration::from_millis(1)), Ok(false));
        assert_eq!(place.watches(), 1);
    }
    removes(&place);
    assert_eq!(lock.wait_lost(Duration::MAX), Ok(true));
    let mut waiter = Waiter::after_loss(lock);
    assert_eq!(waiter.look(0).err(), Some(Error::GivingWay));
    assert_eq!(place.watches(), 1);
    let mut lock = waiter.look(5000).expect("nobody came");
    assert_eq!(lock.wait_lost(Duration::from_millis(1)), Ok(false));
    assert_eq!(place.watches(), 1);
    assert_eq!(lock.release(), Ok(Release::Released));
    assert_eq!(place.watches(), 0);
}

/// By the event, not by the look of each second; and by looks where there are no events.
#[test]
fn inotify_wakes_the_wait() {
    if let Some(path) = of_child() {
        let mut lock = UpdateLock::try_acquire(&path).expect("free");
        assert_eq!(lock.wait_lost(MINUTE), Ok(true));
        return;
    }
    let test = "loss::inotify_wakes_the_wait";
    let refuse = "-e inject=inotify_init1:error=EMFILE";
    for options in ["", refuse] {
        let place = Place::new();
        let strace = Strace::start(&place, test, options);
        until("it waits", || strace.has_called(" ppoll("));
        removes(&place);
        let calls = strace.until_passed();
        let is_woken = calls
            .lines()
            .any(|call| call.contains("ppoll") && call.contains(") = 1"));
        assert_eq!(is_woken, options.is_empty(), "{calls}");
    }
}

/// Every second `poll` is interrupted.
#[test]
fn a_signal_neither_ends_a_wait_nor_stretches_it() {
    const TIME: Duration = Duration::from_millis(200);
    if let Some(path) = of_child() {
        let start = Instant::now();
        let mut lock = UpdateLock::try_acquire(&path).expect("free");
        assert_eq!(lock.wait_lost(TIME), Ok(false));
        assert!(start.elapsed() >= TIME);
        let refused = UpdateLock::acquire_timeout(&path, TIME).expect_err("held");
        assert_eq!(refused, Error::Held(Holder::App));
        assert!(start.elapsed() >= 2 * TIME);
        let refused = SharedLock::acquire_timeout(&path, TIME).expect_err("held");
        assert_eq!(refused, Error::Held(Holder::App));
        assert!(start.elapsed() >= 3 * TIME);
        let mut watch = Watch::new(&path);
        watch.wait(TIME).expect("no error").expect("it is held");
        assert_eq!(watch.wait(TIME), Ok(None));
        assert!(start.elapsed() >= 4 * TIME);
        return;
    }
    let place = Place::new();
    let test = "loss::a_signal_neither_ends_a_wait_nor_stretches_it";
    let strace = Strace::start(&place, test, "-e inject=ppoll:error=EINTR:when=1+2");
    let calls = strace.until_passed();
    assert!(calls.matches("EINTR").count() >= 4, "{calls}");
}

/// Who holds the lock for ever, but for overrides: none of them is broken, and the lock is back after each.
#[test]
fn a_lost_lock_is_taken_again_after_each_override() {
    const ROUNDS: usize = 30;
    let place = open_place();
    let note = Note {
        program: b"again",
        ..Note::default()
    };
    let is_back = || fs::read(place.file()).is_ok_and(|text| text.ends_with(b"again\n"));
    thread::scope(|scope| {
        let holder = scope.spawn(|| {
            let mut lock = acquire(&place);
            for _ in 0..ROUNDS {
                lock.write_note(&note).expect("held");
                assert_eq!(lock.wait_lost(Duration::MAX), Ok(true));
                lock = Waiter::after_loss(lock)
                    .wait(Duration::MAX)
                    .expect("no error");
            }
            lock
        });
        for _ in 0..ROUNDS {
            until("the lock is back", is_back);
            assert!(!supervisor_takes(&place));
            supervisor_forces(&place);
            until("the holder has seen the Supervisor", || place.seen() == 1);
            removes(&place);
        }
        let lock = holder.join().expect("no panic");
        assert_eq!(lock.release(), Ok(Release::Released));
    });
}
