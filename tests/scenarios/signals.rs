//! Signals that reach `run`, and those that its command starts with.

use std::collections::BTreeMap;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::common::holder::Waiter;
use crate::common::{Device, Invocation, Lock, Process, listener, peers, proc_fs, wait};

scenarios![
    each_signal_reaches_the_command_once,
    each_signal_reaches_the_command_of_a_session_leader_once,
    each_signal_reaches_the_command_of_pid_1_once,
    the_command_of_a_leader_has_a_process_group_of_its_own,
    group_by_its_variable,
    with_group_a_signal_reaches_the_commands_children,
    without_group_a_signal_reaches_the_command_alone,
    some_signals_end_the_wait_at_once,
    a_signal_during_the_wait_reaches_the_command_later,
    an_ignored_signal_does_not_end_the_wait,
    the_command_starts_with_the_callers_mask_and_dispositions,
    the_command_ignores_a_fatal_signal_that_the_caller_ignores,
    a_parent_that_ignores_children_loses_no_exit_code,
    a_stopped_command_can_be_continued,
    a_command_that_is_stopped_alone_is_continued_alone,
    an_alarm_of_the_caller_reaches_the_command,
];

/// Those that can be caught and aren't the kernel's report of a program's own fault or of a child: HUP to INT, QUIT,
/// ABRT, USR1, USR2, PIPE, ALRM, TERM, STKFLT, TSTP, TTIN, TTOU, URG, XCPU, XFSZ, VTALRM, PROF, WINCH, IO, PWR, and
/// the real-time signals but for the two that C libraries keep to themselves.
fn forwarded() -> impl Iterator<Item = i32> {
    let standard = [1, 2, 3, 6, 10, 12, 13, 14, 15, 16];
    standard.into_iter().chain(20..=30).chain(34..=64)
}

/// A stop that follows it, TSTP for one, takes it back while it is pending.
const CONT: i32 = 18;

/// Sends signals, of which the real-time ones have no names.
fn send(pid: Pid, signals: impl IntoIterator<Item = i32>) {
    let kills = signals
        .into_iter()
        .map(|signal| format!("kill -{signal} {pid} || exit\n"));
    let script: String = kills.collect();
    Invocation::of(["sh", "-c", &script]).end().succeeds();
}

/// How often the listener has got each signal.
fn heard(lock: &Lock, name: &str) -> BTreeMap<i32, usize> {
    let mut counts = BTreeMap::new();
    for line in lock.read(name).lines() {
        if let Some((number, _)) = line.split_once(' ') {
            *counts.entry(number.parse().expect("a number")).or_default() += 1;
        }
    }
    counts
}

/// Whatever `run`'s process is, one of each signal that it gets arrives.
#[track_caller]
fn expect_each_once(lock: &Lock, run: Pid) {
    lock.until_line("heard");
    send(run, forwarded());
    wait::until("the stops have arrived", || {
        heard(lock, "heard").len() >= forwarded().count()
    });
    send(run, [CONT]);
    let signals = forwarded().chain([CONT]);
    let each_once: BTreeMap<_, _> = signals.map(|signal| (signal, 1)).collect();
    wait::until("each signal has arrived", || {
        heard(lock, "heard").len() >= each_once.len()
    });
    // What comes behind shows that nothing more is on its way.
    send(run, [64]);
    wait::until("a last signal", || heard(lock, "heard")[&64] >= 2);
    let mut counts = heard(lock, "heard");
    counts.insert(64, counts[&64] - 1);
    assert_eq!(counts, each_once);
}

fn listening(device: &Device, lock: &Lock) -> Invocation {
    device
        .at(lock, ["run", "--"])
        .args(listener::words("heard"))
}

fn each_signal_reaches_the_command_once(device: &Device) {
    let lock = Lock::new();
    let run = listening(device, &lock).start();
    expect_each_once(&lock, run.pid());
}

fn each_signal_reaches_the_command_of_a_session_leader_once(device: &Device) {
    let lock = Lock::new();
    let run = listening(device, &lock).in_own_session().start();
    expect_each_once(&lock, run.pid());
}

fn each_signal_reaches_the_command_of_pid_1_once(device: &Device) {
    let lock = Lock::new();
    let unshare = listening(device, &lock).in_own_pid_namespace().start();
    expect_each_once(&lock, only_child(&unshare));
}

/// The `run` that is PID 1 under an `unshare`.
fn only_child(unshare: &Process) -> Pid {
    wait::until_some("PID 1", || {
        proc_fs::children(unshare.pid()).first().copied()
    })
}

/// Whether a command that is started like this leads a process group.
fn leads_a_group(
    device: &Device,
    options: &[&str],
    dress: impl FnOnce(Invocation) -> Invocation,
) -> bool {
    let lock = Lock::new();
    let command = "read pid name state parent group rest </proc/self/stat; echo $pid $group";
    let run = device.at(&lock, ["run"]).args(options);
    let outcome = dress(run.args(["--", "sh", "-c", command]))
        .end()
        .succeeds();
    let (pid, group) = outcome
        .output
        .trim_end()
        .split_once(' ')
        .expect("two numbers");
    pid == group
}

/// Else it shares that of `run`, as a shell's jobs do.
fn the_command_of_a_leader_has_a_process_group_of_its_own(device: &Device) {
    assert!(!leads_a_group(device, &[], |run| run));
    assert!(leads_a_group(device, &[], Invocation::in_own_session));
    assert!(leads_a_group(device, &[], Invocation::in_own_pid_namespace));
    assert!(leads_a_group(device, &["--group"], |run| run));
}

fn group_by_its_variable(device: &Device) {
    let with = |value| leads_a_group(device, &[], |run| run.env("UPDATE_LOCK_GROUP", value));
    assert!(with("1"));
    assert!(!with("0"));
}

/// Starts two listeners, one of them the other's parent's child, and signals their `run`.
fn signal_a_family(device: &Device, lock: &Lock, options: &[&str]) -> Process {
    let [program, argument, _] = listener::words("");
    let script = format!("'{program}' {argument} child & exec '{program}' {argument} parent");
    let run = device
        .at(lock, ["run"])
        .args(options)
        .args(["--", "sh", "-c", &script])
        .start();
    lock.until_line("child");
    lock.until_line("parent");
    send(run.pid(), [10]);
    wait::until("a signal", || heard(lock, "parent").contains_key(&10));
    run
}

fn with_group_a_signal_reaches_the_commands_children(device: &Device) {
    let lock = Lock::new();
    let run = signal_a_family(device, &lock, &["--group"]);
    wait::until("a signal", || heard(&lock, "child").contains_key(&10));
    send(run.pid(), [12]);
    for name in ["child", "parent"] {
        wait::until("a last signal", || heard(&lock, name).contains_key(&12));
        assert_eq!(heard(&lock, name), BTreeMap::from([(10, 1), (12, 1)]));
    }
}

fn without_group_a_signal_reaches_the_command_alone(device: &Device) {
    let lock = Lock::new();
    let run = signal_a_family(device, &lock, &[]);
    send(run.pid(), [12]);
    wait::until("a last signal", || heard(&lock, "parent").contains_key(&12));
    assert_eq!(heard(&lock, "parent"), BTreeMap::from([(10, 1), (12, 1)]));
    assert_eq!(heard(&lock, "child"), BTreeMap::new());
}

fn some_signals_end_the_wait_at_once(device: &Device) {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let lock = Lock::new();
        assert!(peers::supervisor_takes(&lock));
        // Whoever started these tests may have had them ignored, as a shell does with INT for a job in the background.
        let waiter = Waiter::start_as(device, &lock, &[], |run| {
            run.through(["env", "--default-signal"])
        });
        let mut waiter = waiter.until_waits();
        waiter.run.signal(signal);
        waiter.run.end().exits_with(128 + signal as i32);
        assert!(!waiter.has_started());
        assert_eq!(lock.mode_and_user(), (0o444, peers::NOBODY));
    }
}

fn a_signal_during_the_wait_reaches_the_command_later(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    // Blocked, it waits until the command listens.
    let run = listening(device, &lock)
        .through(["env", "--block-signal=USR1"])
        .start();
    run.until_says("waiting");
    send(run.pid(), [10]);
    peers::supervisor_releases(&lock);
    wait::until("a signal", || heard(&lock, "heard").contains_key(&10));
    send(run.pid(), [64]);
    wait::until("a last signal", || heard(&lock, "heard").contains_key(&64));
    assert_eq!(heard(&lock, "heard"), BTreeMap::from([(10, 1), (64, 1)]));
}

/// `nohup update-lock run` survives the end of its terminal.
fn an_ignored_signal_does_not_end_the_wait(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let waiter = Waiter::start_as(device, &lock, &[], |run| {
        run.through(["env", "--ignore-signal=HUP"])
    });
    let waiter = waiter.until_waits();
    waiter.run.signal(Signal::SIGHUP);
    peers::supervisor_releases(&lock);
    waiter.until_holds().finish().exits_with(0);
}

fn the_command_starts_with_the_callers_mask_and_dispositions(device: &Device) {
    let signals = [Signal::SIGCHLD, Signal::SIGTTOU, Signal::SIGWINCH];
    let options = [
        "--ignore-signal=CHLD",
        "--ignore-signal=TTOU",
        "--ignore-signal=WINCH",
        "--block-signal=USR2",
        "--block-signal=TERM",
    ];
    expect_the_same_signals(device, &options, &signals);
}

fn the_command_ignores_a_fatal_signal_that_the_caller_ignores(device: &Device) {
    let options = ["--ignore-signal=HUP", "--ignore-signal=INT"];
    expect_the_same_signals(device, &options, &[Signal::SIGHUP, Signal::SIGINT]);
}

/// What a program sees that is started by `env OPTIONS`, with and without `run` between.
#[track_caller]
fn expect_the_same_signals(device: &Device, options: &[&str], ignored: &[Signal]) {
    let lock = Lock::new();
    let dress = [&["env", "--default-signal"], options].concat();
    let dress = || dress.iter().copied();
    let direct = Invocation::of(["cat", "/proc/self/status"])
        .through(dress())
        .end();
    let run = device.at(&lock, ["run", "--", "cat", "/proc/self/status"]);
    let under_run = run.through(dress()).end().succeeds();
    for set in ["SigBlk", "SigIgn", "SigCgt", "SigPnd"] {
        let [expected, found] =
            [&direct, &under_run].map(|outcome| proc_fs::signal_set(&outcome.output, set));
        assert_eq!(found, expected, "{set} is {found:#x}, not {expected:#x}");
    }
    let bit = |signal: Signal| 1_u64 << (signal as i32 - 1);
    let found = proc_fs::signal_set(&direct.output, "SigIgn");
    let mut bits = ignored.iter().map(|&signal| bit(signal));
    assert!(
        bits.all(|bit| found & bit != 0),
        "the comparison means something"
    );
}

fn a_parent_that_ignores_children_loses_no_exit_code(device: &Device) {
    let lock = Lock::new();
    let run = device.at(&lock, ["run", "--", "sh", "-c", "exit 7"]);
    run.through(["env", "--ignore-signal=CHLD"])
        .end()
        .exits_with(7);
    assert!(!lock.is_there());
}

/// Whoever stops the command itself continues it itself: that is nothing for `run` to take part in.
fn a_stopped_command_can_be_continued(device: &Device) {
    let lock = Lock::new();
    let holder = crate::common::Holder::start(device, &lock);
    nix::sys::signal::kill(holder.command, Signal::SIGSTOP).expect("kill");
    proc_fs::until_state(holder.command, &['T']);
    assert!(!peers::host_may_reboot(&lock));
    nix::sys::signal::kill(holder.command, Signal::SIGCONT).expect("kill");
    proc_fs::until_state(holder.command, &['S', 'R']);
    holder.finish().succeeds();
}

/// By somebody who isn't a terminal, so that no shell would continue `run` if it stopped too.
fn a_command_that_is_stopped_alone_is_continued_alone(device: &Device) {
    let lock = Lock::new();
    let waiter = Waiter::start_as(device, &lock, &["--group"], |run| {
        run.after("\"$@\"; exit").in_own_session()
    });
    let holder = waiter.until_holds();
    nix::sys::signal::kill(holder.command, Signal::SIGTSTP).expect("kill");
    proc_fs::until_state(holder.command, &['T']);
    nix::sys::signal::kill(holder.command, Signal::SIGCONT).expect("kill");
    holder.finish().succeeds();
    assert!(!lock.is_there());
}

/// A timer outlives `execve`, and the kernel sends its signal as it sends the terminal's.
fn an_alarm_of_the_caller_reaches_the_command(device: &Device) {
    let lock = Lock::new();
    let caller = "import os, signal, sys; signal.alarm(1); os.execvp(sys.argv[1], sys.argv[1:])";
    let run = device
        .at(&lock, ["run", "--", "sleep", "1000"])
        .through(["python3", "-c", caller]);
    run.end().exits_with(128 + Signal::SIGALRM as i32);
    assert!(!lock.is_there());
}
