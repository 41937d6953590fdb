//! Little room, few descriptors, no arguments.

use crate::common::holder::Waiter;
use crate::common::peers;
use crate::common::{Device, Invocation, Lock};

scenarios![
    a_full_disk_costs_the_note_and_not_the_lock,
    a_disk_without_inodes_is_an_error,
    with_one_descriptor_left_the_lock_holds_without_a_note,
    without_a_descriptor_left_the_wait_ends_with_an_error,
    an_empty_argument_list_is_a_usage_error,
];

/// What the command sees of the lock that it runs under.
const LOOK: &str = "ulimit -S -n 64; stat -c '%a %s' \"$1\"; flock -n \"$1\" true || echo locked";

fn looking(device: &Device, lock: &Lock) -> Invocation {
    device
        .at(
            lock,
            [
                "run",
                "--reason",
                "to be seen",
                "--",
                "sh",
                "-c",
                LOOK,
                "sh",
            ],
        )
        .arg(lock.path())
}

/// In a mount namespace of its own, with a file system of `size` mounted on the lock's directory and prepared by `script`.
fn on_small_disk(run: Invocation, lock: &Lock, size: &str, script: &str) -> Invocation {
    let mount = format!(
        "mount -t tmpfs -o mode=1777,{size} tmpfs '{directory}'; cd '{directory}'; {script}",
        directory = lock.directory().display(),
    );
    run.after(&mount).through(["unshare", "-m"])
}

fn a_full_disk_costs_the_note_and_not_the_lock(device: &Device) {
    let lock = Lock::new();
    let fill = "dd if=/dev/zero of=fill bs=4k count=9 2>/dev/null";
    let run = on_small_disk(looking(device, &lock), &lock, "size=16k", fill);
    let outcome = run.end().exits_with(0);
    assert_eq!(outcome.output, "1644 0\nlocked\n");
    assert!(
        outcome.one_line().contains(lock.text()),
        "it says so: {outcome:#?}"
    );
}

fn a_disk_without_inodes_is_an_error(device: &Device) {
    let lock = Lock::new();
    let fill = "while true >f$((i += 1)); do true; done 2>/dev/null";
    let run = on_small_disk(looking(device, &lock), &lock, "nr_inodes=5", fill);
    run.end().fails_on(74, lock.path());
}

/// The note needs a second descriptor for a moment. The command finds its input closed and so has one, too.
fn with_one_descriptor_left_the_lock_holds_without_a_note(device: &Device) {
    let lock = Lock::new();
    let run = looking(device, &lock).after("exec <&-; ulimit -S -n 4");
    let outcome = run.end().exits_with(0);
    assert_eq!(outcome.output, "1644 0\nlocked\n");
    assert!(
        outcome.one_line().contains(lock.text()),
        "it says so: {outcome:#?}"
    );
    assert!(!lock.is_there(), "released");
}

fn without_a_descriptor_left_the_wait_ends_with_an_error(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let mut waiter = Waiter::start(device, &lock, &[]).until_waits();
    let pid = waiter.run.pid().to_string();
    Invocation::of(["prlimit", "--pid", &pid, "--nofile=3"])
        .end()
        .succeeds();
    let outcome = waiter.run.end().exits_with(74);
    let line = outcome.errors.lines().last().expect("it says so");
    assert!(
        line.contains(lock.text()) && line.contains("too many open files"),
        "{line:?}"
    );
    assert!(!waiter.has_started());
}

fn an_empty_argument_list_is_a_usage_error(device: &Device) {
    // Linux before 5.18 starts it with no arguments at all, later ones with one that is empty.
    let words = device.words_without_name();
    let outcome = if device.is_native() {
        Invocation::of(words).end_without_arguments()
    } else {
        Invocation::of(words).end()
    };
    outcome.fails_with(64);
}
