use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, Flock, FlockArg, fcntl};
use update_lock::{Errno, Error, Holder, LockPath, Note, Operation, Release, UpdateLock};

use crate::Place;

#[test]
fn an_acquired_lock_is_both_locks() {
    let place = Place::new();
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    assert_eq!(place.mode(), 0o1644);
    assert!(!place.flock_is_free());
    assert_eq!(lock.is_held(), Ok(true));
    assert_eq!(lock.path(), &place.path);
    assert_eq!(lock.release(), Ok(Release::Released));
    assert!(!place.is_there());
}

#[test]
fn drop_releases() {
    let place = Place::new();
    drop(UpdateLock::try_acquire(&place.path).expect("free"));
    assert!(!place.is_there());
}

#[test]
fn a_lock_is_held_against_the_same_process() {
    let place = Place::new();
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    let second = UpdateLock::try_acquire(&place.path);
    assert_eq!(second.expect_err("held"), Error::Held(Holder::App));
    assert_eq!(lock.is_held(), Ok(true), "the attempt has changed nothing");
    assert_eq!(lock.release(), Ok(Release::Released));
}

#[test]
fn a_lock_that_was_removed_is_lost() {
    let place = Place::new();
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    fs::remove_file(place.file()).expect("it is there");
    assert_eq!(lock.is_held(), Ok(false));
    assert_eq!(lock.release(), Ok(Release::Lost));
    assert!(!place.is_there());
}

#[test]
fn a_lock_that_was_replaced_is_lost_and_the_other_file_stays() {
    let place = Place::new();
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    fs::write(place.other("other"), "0").expect("a file");
    fs::rename(place.other("other"), place.file()).expect("over ours");
    assert_eq!(lock.is_held(), Ok(false));
    assert_eq!(lock.release(), Ok(Release::Lost));
    assert_eq!(fs::read(place.file()).expect("it is there"), b"0");
}

#[test]
fn a_lost_lock_removes_nothing_in_its_drop() {
    let place = Place::new();
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    fs::remove_file(place.file()).expect("it is there");
    let next = UpdateLock::try_acquire(&place.path).expect("free");
    drop(lock);
    assert_eq!(next.is_held(), Ok(true));
    assert!(!place.flock_is_free());
}

/// A second name doesn't matter, be it there first or last.
#[test]
fn a_linked_lock_is_released_by_its_own_name() {
    let place = Place::new();
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    fs::hard_link(place.file(), place.other("copy")).expect("link");
    assert_eq!(lock.is_held(), Ok(true));
    assert_eq!(lock.release(), Ok(Release::Released));
    assert!(!place.is_there());
    assert!(place.other("copy").exists());
}

#[test]
fn a_lock_left_behind_stays_with_the_process() {
    let place = Place::new();
    UpdateLock::try_acquire(&place.path)
        .expect("free")
        .leave_behind();
    assert!(place.is_there());
    assert!(!place.flock_is_free());
    let second = UpdateLock::try_acquire(&place.path);
    assert_eq!(second.expect_err("held"), Error::Held(Holder::App));
}

#[test]
fn the_descriptor_is_the_locked_one_and_is_closed_on_exec() {
    let place = Place::new();
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    let target = fs::read_link(format!("/proc/self/fd/{}", lock.as_fd().as_raw_fd()));
    assert_eq!(target.expect("open"), place.file());
    let flags = fcntl(&lock, FcntlArg::F_GETFD).expect("fcntl");
    assert!(FdFlag::from_bits_retain(flags).contains(FdFlag::FD_CLOEXEC));
    // An `exec`ed child doesn't keep the lock.
    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .spawn()
        .expect("cat");
    drop(lock);
    drop(UpdateLock::try_acquire(&place.path).expect("free again"));
    drop(child.stdin.take());
    child.wait().expect("its end");
}

#[test]
fn a_dead_holders_file_is_adopted() {
    // As it was held, in the middle of its release, and under umask 077.
    for mode in [0o1644, 0o1744, 0o1600] {
        let place = Place::new();
        place.make_stale(mode);
        let inode = place.inode();
        let lock = UpdateLock::try_acquire(&place.path).expect("adopted");
        assert_eq!(place.inode(), inode);
        assert_eq!(place.mode() & 0o1700, 0o1600, "the release's mark is gone");
        assert_eq!(
            fs::read(place.file()).expect("readable"),
            b"",
            "so is the note"
        );
        assert!(!place.flock_is_free());
        assert_eq!(lock.release(), Ok(Release::Released));
        assert!(!place.is_there());
    }
}

#[test]
fn an_unmarked_file_is_never_adopted() {
    for content in ["", "0", "pid 1\n"] {
        let place = Place::new();
        fs::write(place.file(), content).expect("a file");
        let inode = place.inode();
        let found = UpdateLock::try_acquire(&place.path);
        assert!(
            matches!(found, Err(Error::Held(Holder::Foreign { .. }))),
            "{found:?}"
        );
        assert_eq!(place.inode(), inode);
        assert_eq!(
            fs::read(place.file()).expect("readable"),
            content.as_bytes()
        );
    }
}

/// helios gives its file the mode 0600, but the mark alone must not decide.
#[test]
fn a_marked_file_with_helios_content_is_never_adopted() {
    let place = Place::new();
    place.make_stale(0o1644);
    fs::write(place.file(), [0x02, 0x63]).expect("its content");
    let found = UpdateLock::try_acquire(&place.path);
    assert_eq!(found.expect_err("held"), Error::Held(Holder::Supervisor));
    assert_eq!(fs::read(place.file()).expect("readable"), [0x02, 0x63]);
}

#[test]
fn a_missing_directory_is_an_error() {
    let place = Place::new();
    let path = place.other("missing/updates.lock");
    let path = LockPath::try_from(path.as_path()).expect("a path");
    let error = UpdateLock::try_acquire(&path).expect_err("no directory");
    let expected = Error::System {
        operation: Operation::Create,
        errno: Errno::NOENT,
    };
    assert_eq!(error, expected);
}

#[test]
fn a_note_is_written_and_replaced() {
    let place = Place::new();
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    let note = |reason| Note {
        pid: 7,
        reason,
        ..Note::default()
    };
    lock.write_note(&note(b"the first and longer one"))
        .expect("written");
    lock.write_note(&note(b"the second")).expect("written");
    let found = fs::read_to_string(place.file()).expect("readable");
    assert_eq!(found, "pid 7\nreason the second\n");
    assert_eq!(lock.is_held(), Ok(true));
    assert!(!place.flock_is_free());
}

#[test]
fn a_note_is_written_after_an_adoption() {
    let place = Place::new();
    place.make_stale(0o1644);
    let lock = UpdateLock::try_acquire(&place.path).expect("adopted");
    lock.write_note(&Note {
        pid: 7,
        ..Note::default()
    })
    .expect("written");
    assert_eq!(fs::read(place.file()).expect("readable"), b"pid 7\n");
}

#[test]
fn a_note_is_never_written_into_somebody_elses_file() {
    let place = Place::new();
    let lock = UpdateLock::try_acquire(&place.path).expect("free");
    fs::remove_file(place.file()).expect("it is there");
    fs::write(place.file(), "precious").expect("a file");
    let error = lock.write_note(&Note::default()).expect_err("lost");
    assert_eq!(error.errno(), Some(Errno::NOENT));
    assert_eq!(fs::read(place.file()).expect("readable"), b"precious");
}

#[test]
fn a_timeout_is_kept() {
    let place = Place::new();
    fs::write(place.file(), "").expect("somebody's file");
    let timeout = Duration::from_millis(300);
    let start = Instant::now();
    let found = UpdateLock::acquire_timeout(&place.path, timeout);
    assert!(
        matches!(found, Err(Error::Held(Holder::Foreign { .. }))),
        "{found:?}"
    );
    assert!(start.elapsed() >= timeout);
    let found = UpdateLock::acquire_timeout(&place.path, Duration::ZERO);
    assert!(matches!(found, Err(Error::Held(_))), "{found:?}");
}

#[test]
fn a_wait_ends_with_the_release() {
    let place = Place::new();
    let first = UpdateLock::try_acquire(&place.path).expect("free");
    thread::scope(|scope| {
        let waiter = scope.spawn(|| UpdateLock::acquire(&place.path).expect("in its turn"));
        thread::sleep(Duration::from_millis(20));
        assert!(!waiter.is_finished(), "beside the first");
        assert_eq!(first.release(), Ok(Release::Released));
        let second = waiter.join().expect("no panic");
        assert_eq!(second.is_held(), Ok(true));
        drop(second);
    });
    assert!(!place.is_there());
}

#[test]
fn a_wait_sees_through_a_probe() {
    let place = Place::new();
    place.make_stale(0o1644);
    let inode = place.inode();
    let probe = File::open(place.file()).expect("it is there");
    let probe = Flock::lock(probe, FlockArg::LockExclusiveNonblock).expect("free");
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(100));
            drop(probe);
        });
        let lock = UpdateLock::acquire_timeout(&place.path, Duration::from_secs(60));
        let lock = lock.expect("adopted");
        assert_eq!(lock.is_held(), Ok(true));
        assert_eq!(place.inode(), inode);
    });
}

/// Without waiting, too: a probe that comes between the creation and the `flock` is waited out.
#[test]
fn probes_never_fail_an_attempt_on_a_fresh_file() {
    let place = Place::new();
    let is_over = AtomicBool::new(false);
    let probe = || {
        while !is_over.load(Ordering::Relaxed) {
            let Ok(file) = File::open(place.file()) else {
                continue;
            };
            if let Ok(probe) = Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                thread::sleep(Duration::from_millis(2));
                drop(probe);
                thread::sleep(Duration::from_millis(2));
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(probe);
        for _ in 0..2000 {
            let lock = UpdateLock::try_acquire(&place.path);
            let released = lock.and_then(UpdateLock::release);
            is_over.store(released.is_err(), Ordering::Relaxed);
            assert_eq!(released, Ok(Release::Released));
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

/// Every handle has a `flock` of its own, so threads exclude each other as processes do.
#[test]
fn a_crowd_of_threads_shares_a_counter_without_an_overlap() {
    const THREADS: u32 = 6;
    const TURNS: u32 = 20;
    let place = Place::new();
    let (inside, count) = (AtomicU32::new(0), AtomicU32::new(0));
    let turn = || {
        let lock = UpdateLock::acquire(&place.path).expect("in its turn");
        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two at once");
        count.fetch_add(1, Ordering::SeqCst);
        thread::yield_now();
        inside.fetch_sub(1, Ordering::SeqCst);
        assert_eq!(lock.release(), Ok(Release::Released));
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..TURNS).for_each(|_| turn()));
        }
    });
    assert_eq!(count.into_inner(), THREADS * TURNS);
    assert!(!place.is_there());
}

/// Another process with the library: this test, started by itself, holds the lock until it is killed.
#[test]
fn another_process_holds_the_lock_and_dies() {
    const TEST: &str = "lock::another_process_holds_the_lock_and_dies";
    const PATH: &str = "HOLD_THIS_LOCK";
    if let Some(path) = env::var_os(PATH) {
        hold_until_killed(&LockPath::try_from(path.as_ref()).expect("a path"));
    }
    let place = Place::new();
    let mut holder = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", TEST, "--nocapture"])
        .env(PATH, place.file())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    until_holds(&mut holder);
    let inode = place.inode();
    let attempt = UpdateLock::try_acquire(&place.path);
    assert_eq!(attempt.expect_err("held"), Error::Held(Holder::App));
    holder.kill().expect("kill");
    holder.wait().expect("its end");
    let lock = UpdateLock::try_acquire(&place.path).expect("adopted");
    assert_eq!(place.inode(), inode);
    assert_eq!(lock.release(), Ok(Release::Released));
}

const HOLDS: &str = "the other process holds the lock";

fn hold_until_killed(path: &LockPath) -> ! {
    let lock = UpdateLock::try_acquire(path).expect("free");
    println!("\n{HOLDS}");
    // Until the end of the test that started it, at the latest.
    let _ = std::io::stdin().read(&mut [0]);
    lock.leave_behind();
    std::process::exit(0);
}

fn until_holds(holder: &mut Child) {
    let output = holder.stdout.take().expect("piped");
    let mut lines = BufReader::new(output).lines();
    assert!(lines.any(|line| line.expect("text") == HOLDS));
}
