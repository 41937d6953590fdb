//! Which descriptors the command starts with.

use nix::unistd::Pid;

use crate::common::{Device, Invocation, Lock, Outcome, peers, proc_fs};

scenarios![
    the_command_has_the_locks_descriptor_and_no_other,
    the_callers_descriptors_come_through,
    the_lock_never_becomes_a_standard_stream,
    strays_do_not_hold_the_lock,
    a_reader_that_is_gone_ends_nothing,
];

fn the_command_has_the_locks_descriptor_and_no_other(device: &Device) {
    let lock = Lock::new();
    // What a shell has open, and the directory in which it looks, which is gone by then.
    let list = "for fd in /proc/$$/fd/*; do readlink $fd || echo gone; done";
    let direct = Invocation::of(["sh", "-c", list]).end().exits_with(0);
    let run = device.at(&lock, ["run", "--", "sh", "-c", list]);
    let under_run = run.end().succeeds();
    let lines = |outcome: &Outcome| outcome.output.lines().count();
    let is_lock = |line: &&str| *line == lock.text();
    assert_eq!(under_run.output.lines().filter(is_lock).count(), 1);
    assert_eq!(lines(&under_run), lines(&direct) + 1, "{under_run:#?}");
}

fn the_callers_descriptors_come_through(device: &Device) {
    let lock = Lock::new();
    let run = device.at(&lock, ["run", "--", "sh", "-c", "cat <&7; echo there >&8"]);
    let run = run.after("echo here >in; exec 7<in 8>out");
    assert_eq!(run.end().succeeds().output, "here\n");
    assert_eq!(lock.read("out"), "there\n");
}

/// Else its messages, or the command's output, would be written into the file.
fn the_lock_never_becomes_a_standard_stream(device: &Device) {
    let lock = Lock::new();
    let look = "for n in 0 1 2; do readlink /proc/self/fd/$n >>out 8>&-; done; echo end >>out";
    let run = device.at(
        &lock,
        ["run", "--reason", "to be seen", "--", "sh", "-c", look],
    );
    run.after("exec <&- >&- 2>&-").end().exits_with(0);
    let seen = lock.read("out");
    assert!(seen.ends_with("end\n"), "it ran: {seen:?}");
    assert!(!seen.contains("updates.lock"), "{seen:?}");
    assert!(!lock.is_there(), "released");
}

fn strays_do_not_hold_the_lock(device: &Device) {
    let lock = Lock::new();
    let gate = lock.gate("gate");
    let stray = "exec 9<gate; cat <&9 & echo $! >stray";
    // Kept to the end, as what is left of its process group goes with it.
    let mut run = device.at(&lock, ["run", "--", "sh", "-c", stray]).start();
    run.end().succeeds();
    let stray = lock.until_line("stray").parse().expect("a process id");
    let stray = Pid::from_raw(stray);
    assert!(!lock.is_there(), "released");
    assert!(proc_fs::is_alive(stray));
    device
        .at(&lock, ["run", "--no-wait", "--", "true"])
        .end()
        .succeeds();
    assert!(proc_fs::is_alive(stray), "and it went on all the while");
    drop(gate);
    proc_fs::until_dead(stray);
}

/// Its messages have nobody to read them, and neither that nor the kernel's SIGPIPE gets in the command's way.
fn a_reader_that_is_gone_ends_nothing(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let (pipe, go) = (lock.gate("pipe"), lock.gate("go"));
    let command = [
        "run",
        "--wait",
        "1ms",
        "--or-run",
        "--",
        "sh",
        "-c",
        "sleep 0.05; echo >ran",
    ];
    let run = device.at(&lock, command);
    let mut run = run
        .after("exec 2>pipe; exec 9<go; echo >opened; cat <&9; exec 9<&-")
        .start();
    lock.until_line("opened");
    drop(pipe);
    drop(go);
    run.end().exits_with(0);
    assert_eq!(lock.read("ran"), "\n");
}
