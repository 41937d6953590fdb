//! The selftest, as a person starts it on a board.

use crate::common::{Device, Invocation, Lock};

scenarios![
    the_selftest_passes_and_leaves_nothing,
    another_user_is_told_what_was_left_out,
    a_kernel_whose_flock_locks_nothing_fails,
    without_its_directory_nothing_is_checked,
];

fn selftest(device: &Device, lock: &Lock) -> Invocation {
    device.beside("selftest").arg(lock.directory())
}

/// How many lines begin with `verdict`.
fn count(output: &str, verdict: &str) -> usize {
    let lines = output.lines();
    lines.filter(|line| line.starts_with(verdict)).count()
}

/// The most bytes of stack that a call may take, here where locks and paths of 300 bytes each are handed around: what there is,
/// which must not grow. For the C library's calls see `ci/c-sizes`.
const STACK_BUDGET: u32 = 2304;

/// What the selftest says of the stack: each call and its bytes.
fn stack(output: &str) -> Vec<(&str, u32)> {
    let figures = output.lines().filter_map(|line| {
        let (call, bytes) = line.strip_prefix("     stack of ")?.split_once(": ")?;
        Some((call, bytes.strip_suffix(" bytes")?.parse().ok()?))
    });
    figures.collect()
}

fn the_selftest_passes_and_leaves_nothing(device: &Device) {
    let lock = Lock::new();
    let outcome = selftest(device, &lock).end().succeeds();
    let passed = count(&outcome.output, "ok   ");
    let summary = format!("\n{passed} passed, 0 failed\n");
    assert!(outcome.output.ends_with(&summary), "{outcome:#?}");
    assert!(passed >= 20, "{outcome:#?}");
    assert_eq!(lock.names(), [""; 0]);
    let stack = stack(&outcome.output);
    assert_eq!(stack.len(), 6, "{outcome:#?}");
    assert!(
        stack
            .iter()
            .all(|(_, bytes)| (1..=STACK_BUDGET).contains(bytes)),
        "{stack:#?}"
    );
}

fn another_user_is_told_what_was_left_out(device: &Device) {
    let lock = Lock::new();
    let outcome = selftest(device, &lock).by_user(1000).end().succeeds();
    assert_eq!(count(&outcome.output, "-    "), 2, "{outcome:#?}");
    let summary = " passed, 0 failed, 2 not done\n";
    assert!(outcome.output.ends_with(summary), "{outcome:#?}");
}

/// The call says that all went well, and isn't made.
fn a_kernel_whose_flock_locks_nothing_fails(device: &Device) {
    let lock = Lock::new();
    let inject = ["-e", "trace=flock", "-e", "inject=flock:retval=0"];
    let options = ["strace", "-D", "-f", "-qq", "-o", "calls"];
    let outcome = selftest(device, &lock)
        .through(options.into_iter().chain(inject))
        .directory(lock.scratch())
        .end()
        .exits_with(1);
    let failed = count(&outcome.output, "FAIL ");
    assert!(failed > 0, "{outcome:#?}");
    let summary = format!(" passed, {failed} failed\n");
    assert!(outcome.output.ends_with(&summary), "{outcome:#?}");
    let line = "FAIL a_second_contender_is_refused: not so: an application holds it";
    assert_eq!(count(&outcome.output, line), 1, "{outcome:#?}");
    assert_eq!(lock.names(), [""; 0]);
}

fn without_its_directory_nothing_is_checked(device: &Device) {
    let outcome = device.beside("selftest").arg("/nowhere").end();
    let outcome = outcome.exits_with(1);
    assert_eq!(outcome.output.lines().count(), 1, "{outcome:#?}");
    let line = "FAIL cannot make a directory in '/nowhere', name another one: errno 2";
    assert_eq!(count(&outcome.output, line), 1, "{outcome:#?}");
}
