//! Whose life an acquired lock is tied to.

use nix::sys::signal::{Signal, kill};

use super::acquire::{keeper, until_free};
use crate::common::{Device, Gate, Invocation, Lock, Process, peers, proc_fs, wait};

scenarios![
    a_lock_for_another_process_outlives_the_caller,
    a_process_that_has_ended_is_refused,
    a_zombie_is_refused,
    a_process_that_nobody_reaps_has_ended,
    a_process_of_another_user,
    a_reused_pid_is_another_process,
    a_caller_outside_of_the_container_is_refused,
    a_caller_that_has_ended_is_refused,
    pid_1_names_itself,
    a_process_whose_first_thread_has_ended_lives,
    without_pidfd_proc_tells_the_end,
    without_pidfd_a_zombie_is_refused,
    without_pidfd_a_reused_pid_is_another_process,
    without_proc_pidfd_tells_the_end,
    without_both_acquire_refuses,
    a_caller_that_ends_at_once_leaves_no_lock,
];

/// A process to whose life a lock can be tied.
pub(crate) fn sleeper() -> Process {
    Invocation::of(["sleep", "1000"]).start()
}

/// `acquire --for PROCESS`.
pub(crate) fn acquire_for(device: &Device, lock: &Lock, process: &Process) -> Invocation {
    let pid = process.pid().to_string();
    device.at(lock, ["acquire", "--for"]).arg(pid)
}

/// As where an older engine's filter doesn't know the call. The program is its caller's child all the same.
fn without_pidfd(program: Invocation, errno: &str) -> Invocation {
    let inject = format!("inject=pidfd_open:error={errno}");
    let options = ["strace", "-D", "-qq", "-o", "calls", "-e", &inject];
    program.through(options)
}

/// In a mount namespace whose `/proc` is empty.
pub(crate) fn without_proc(program: Invocation) -> Invocation {
    program
        .after("mount -t tmpfs tmpfs /proc || exit 99")
        .through(["unshare", "-m"])
}

/// Acquires for a process, and sees that the lock is held until that ends; in the end the process is a zombie.
#[track_caller]
fn expect_tied(device: &Device, dress: impl Fn(Invocation) -> Invocation) {
    let lock = Lock::new();
    let process = sleeper();
    let acquire = acquire_for(device, &lock, &process);
    let outcome = dress(acquire).end().exits_with(0);
    assert!(
        outcome
            .output
            .contains(&format!("the end of process {}", process.pid())),
        "{outcome:#?}"
    );
    assert!(!peers::supervisor_takes(&lock));
    assert!(!peers::host_may_reboot(&lock));
    process.signal(Signal::SIGKILL);
    until_free(&lock);
    assert_eq!(proc_fs::state(process.pid()), Some('Z'), "nobody reaped it");
}

fn a_lock_for_another_process_outlives_the_caller(device: &Device) {
    expect_tied(device, |acquire| acquire);
}

fn a_process_that_nobody_reaps_has_ended(device: &Device) {
    let lock = Lock::new();
    let process = sleeper();
    acquire_for(device, &lock, &process).end().exits_with(0);
    process.signal(Signal::SIGTERM);
    proc_fs::until_state(process.pid(), &['Z']);
    until_free(&lock);
}

fn a_process_that_has_ended_is_refused(device: &Device) {
    let lock = Lock::new();
    let mut process = sleeper();
    process.signal(Signal::SIGKILL);
    process.end();
    let line = acquire_for(device, &lock, &process).end().fails_with(74);
    assert!(line.contains("has ended"), "{line}");
    assert!(!lock.is_there());
}

fn a_zombie_is_refused(device: &Device) {
    expect_zombie_refused(device, |acquire| acquire);
}

#[track_caller]
fn expect_zombie_refused(device: &Device, dress: impl Fn(Invocation) -> Invocation) {
    let lock = Lock::new();
    let process = sleeper();
    process.signal(Signal::SIGKILL);
    proc_fs::until_state(process.pid(), &['Z']);
    let line = dress(acquire_for(device, &lock, &process))
        .directory(lock.scratch())
        .end()
        .fails_with(74);
    assert!(line.contains("has ended"), "{line}");
    assert!(!lock.is_there());
}

fn a_process_of_another_user(device: &Device) {
    let lock = Lock::new();
    let process = sleeper();
    let acquire = acquire_for(device, &lock, &process).by_user(1000);
    acquire.end().exits_with(0);
    assert_eq!(lock.mode_and_user(), (0o1654, 1000));
    process.signal(Signal::SIGKILL);
    until_free(&lock);
}

/// The keeper is stopped while its process ends and another one gets that one's number.
#[track_caller]
fn expect_reuse_noticed(device: &Device, prefix: &str) {
    let lock = Lock::new();
    let (reuse, end) = (lock.gate("reuse"), lock.gate("end"));
    let script = format!(
        "exec 7<reuse 8<end
         sleep 1000 & first=$!
         {prefix} update-lock acquire --for $first || exit
         echo >held
         cat <&7
         kill $first; wait $first
         echo $((first - 1)) >/proc/sys/kernel/ns_last_pid || exit
         sleep 1000 & second=$!
         echo $first $second >reused
         cat <&8"
    );
    let script = device.script(&lock, &script).in_own_pid_namespace();
    let process = script.start();
    lock.until_line("held");
    let keeper = keeper(&lock);
    kill(keeper, Signal::SIGSTOP).expect("kill");
    proc_fs::until_state(keeper, &['T']);
    drop(reuse);
    let reused = lock.until_line("reused");
    let (first, second) = reused.split_once(' ').expect("two numbers");
    assert_eq!(first, second, "{}", process.errors());
    assert!(lock.is_there());
    kill(keeper, Signal::SIGCONT).expect("kill");
    until_free(&lock);
    drop(end);
}

fn a_reused_pid_is_another_process(device: &Device) {
    expect_reuse_noticed(device, "");
}

const NO_PIDFD: &str = "strace -D -qq -o calls -e inject=pidfd_open:error=EPERM";

fn without_pidfd_a_reused_pid_is_another_process(device: &Device) {
    expect_reuse_noticed(device, NO_PIDFD);
}

/// `docker exec` and `nsenter` start a program whose parent isn't in the container.
fn a_caller_outside_of_the_container_is_refused(device: &Device) {
    let lock = Lock::new();
    let gate = lock.gate("gate");
    let script = "exec 8<gate; echo >started; cat <&8";
    let mut container = device.script(&lock, script).in_own_pid_namespace().start();
    lock.until_line("started");
    let init = wait::until_some("PID 1", || {
        proc_fs::children(container.pid()).first().copied()
    });
    let enter = |arguments: &[&str]| {
        let acquire = device.at(&lock, ["acquire"]).args(arguments);
        let target = init.to_string();
        // No fork: the parent is this process, which isn't in there.
        acquire.through(["nsenter", "--pid", "--target", &target])
    };
    let line = enter(&[]).end().fails_with(64);
    assert!(line.contains("--for PID"), "{line}");
    assert!(!lock.is_there());
    let outcome = enter(&["--for", "1"]).end().exits_with(0);
    assert!(outcome.output.contains("the end of process 1"));
    assert!(!peers::host_may_reboot(&lock));
    drop(gate);
    // With PID 1 its container goes, the keeper too: the next start adopts.
    container.end().exits_with(0);
    wait::until("nobody holds it", || {
        proc_fs::with_open(lock.path()).is_empty()
    });
}

/// PID 1 has adopted it, and must not become the one whose life counts.
fn a_caller_that_has_ended_is_refused(device: &Device) {
    for start in ["sh -c", "setsid sh -c"] {
        // The subshell is the caller here, and lives.
        let lock = Lock::new();
        let command = "(cat <&7; update-lock acquire >said 2>&1; echo $? >code) &";
        let container = orphan(device, &lock, start, command);
        assert_eq!(lock.until_line("code"), "0");
        until_free(&lock);
        drop(container);
        // Here it becomes the program, and its parent is gone.
        let lock = Lock::new();
        let command = "(cat <&7; exec update-lock acquire >said 2>&1) &";
        let _container = orphan(device, &lock, start, command);
        let line = lock.until_line("said");
        assert!(line.contains("or has ended"), "{line}");
        assert!(line.contains("--for PID"), "{line}");
        assert!(!lock.is_there());
    }
}

/// A container in which a shell that `start` starts has run `command`, and has ended: only then its descriptor 7 is closed.
#[track_caller]
fn orphan(device: &Device, lock: &Lock, start: &str, command: &str) -> (Process, Gate) {
    let (orphan, end) = (lock.gate("orphan"), lock.gate("end"));
    let script = format!(
        "exec 8<end
         {start} 'exec 7<orphan; {command}'
         echo >orphaned
         cat <&8"
    );
    let container = device.script(lock, &script).in_own_pid_namespace().start();
    lock.until_line("orphaned");
    drop(orphan);
    (container, end)
}

/// A script as PID 1 names itself.
fn pid_1_names_itself(device: &Device) {
    let lock = Lock::new();
    let script = "update-lock acquire 2>said; echo $? >code
        update-lock acquire --for $$ && update-lock release";
    let container = device.script(&lock, script).in_own_pid_namespace();
    container.end().exits_with(0);
    assert_eq!(lock.read("code"), "64\n");
    assert!(!lock.is_there());
}

/// A program of which one thread goes on: `/proc` says of it what it says of a zombie.
fn a_process_whose_first_thread_has_ended_lives(device: &Device) {
    let program = "import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
ctypes.CDLL(None).syscall(60, 0)";
    for dress in [|acquire| acquire, |acquire| without_pidfd(acquire, "EPERM")]
        as [fn(Invocation) -> Invocation; 2]
    {
        let lock = Lock::new();
        let (input, end) = std::io::pipe().expect("a pipe");
        let mut process = Invocation::of(["python3", "-c", program]).start_with(input.into());
        proc_fs::until_state(process.pid(), &['Z']);
        let acquire = acquire_for(device, &lock, &process).directory(lock.scratch());
        dress(acquire).end().exits_with(0);
        assert!(!peers::host_may_reboot(&lock));
        drop(end);
        until_free(&lock);
        assert!(!process.is_running());
    }
}

fn without_pidfd_proc_tells_the_end(device: &Device) {
    for errno in ["EPERM", "ENOSYS"] {
        let scratch = tempfile::tempdir().expect("a directory");
        expect_tied(device, |acquire| {
            without_pidfd(acquire, errno).directory(scratch.path())
        });
    }
}

fn without_pidfd_a_zombie_is_refused(device: &Device) {
    expect_zombie_refused(device, |acquire| without_pidfd(acquire, "EPERM"));
}

fn without_proc_pidfd_tells_the_end(device: &Device) {
    expect_tied(device, without_proc);
}

fn without_both_acquire_refuses(device: &Device) {
    let lock = Lock::new();
    let process = sleeper();
    let acquire = without_proc(acquire_for(device, &lock, &process));
    let line = without_pidfd(acquire, "EPERM").end().fails_with(74);
    assert!(line.contains("can't be watched"), "{line}");
    assert!(!lock.is_there());
}

/// It may end before, while or after `acquire` looks who called it.
fn a_caller_that_ends_at_once_leaves_no_lock(device: &Device) {
    let lock = Lock::new();
    let script = "exec 8<gate
        for i in 1 2 3 4 5 6 7 8; do
            sh -c 'update-lock acquire >>said 2>&1 &'
        done
        echo >done
        cat <&8";
    let _gate = lock.gate("gate");
    let _container = device.script(&lock, script).in_own_pid_namespace().start();
    lock.until_line("done");
    wait::until("all of them are through", || {
        let said = lock.read("said");
        let outcomes = said.lines().filter(|line| !line.contains("waiting for"));
        outcomes.count() == 8
    });
    until_free(&lock);
}
