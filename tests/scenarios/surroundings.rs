//! One day in the life of a lock, wherever a container puts it: with little, and on each file system.

use crate::common::{Device, Invocation, Lock};

scenarios![
    as_usual,
    without_inotify,
    with_sixteen_descriptors,
    without_proc,
    below_a_read_only_root,
    in_a_user_namespace,
    on_ext4,
    on_overlayfs,
    on_tmpfs,
    a_dead_holders_file_in_an_images_layer,
];

/// Both locks; a wait with so many `INSTANCES` of `inotify`, and its end; a dead holder's file; a keeper.
const DAY: &str = r#"
set -e
update-lock run --reason day -- sh -ec '
    if flock -n "$UPDATE_LOCK_PATH" true || lockfile -r0 "$UPDATE_LOCK_PATH"; then exit 99; fi
    update-lock status >status || test $? = 75'
grep -q day status
test ! -e "$UPDATE_LOCK_PATH"

update-lock run -- sh -c 'echo first >>order; until test -e go; do sleep 0.02; done; echo end >>order' &
until test -e order; do sleep 0.02; done
code=0
update-lock run --no-wait -- touch ran 2>/dev/null || code=$?
test $code = 75
update-lock run -- sh -c 'echo second >>order' 2>waits & waiter=$!
until test -s waits; do sleep 0.02; done
until test "$(ls -l /proc/$waiter/fd | grep -c inotify)" = $INSTANCES; do sleep 0.02; done
touch go
wait
test "$(echo $(cat order))" = 'first end second'
test ! -e "$UPDATE_LOCK_PATH"

update-lock run -- sh -c 'kill -9 $PPID' 2>killed || true
test -e "$UPDATE_LOCK_PATH"
flock "$UPDATE_LOCK_PATH" true
update-lock run -- true
test ! -e "$UPDATE_LOCK_PATH"

update-lock acquire --for $$ >acquired
if flock -n "$UPDATE_LOCK_PATH" true; then exit 99; fi
update-lock release
test ! -e "$UPDATE_LOCK_PATH"
echo done
"#;

/// The day in a mount namespace of its own, after `prepare`; `LOCKS` is the lock's directory.
fn day(device: &Device, lock: &Lock, prepare: &str) -> Invocation {
    let prepare = format!("set -e\n{prepare}\ncd \"$PWD\"");
    device
        .script(lock, DAY)
        .after(&prepare)
        .through(["unshare", "--mount"])
        .env("LOCKS", lock.directory())
}

#[track_caller]
fn expect_day(day: Invocation, instances: &str) {
    let outcome = day.env("INSTANCES", instances).end().exits_with(0);
    assert_eq!(outcome.output, "done\n", "{outcome:#?}");
}

fn as_usual(device: &Device) {
    let lock = Lock::new();
    expect_day(day(device, &lock, ""), "1");
}

/// In a user namespace, whose limit it is.
fn without_inotify(device: &Device) {
    let lock = Lock::new();
    let none = "echo 0 >/proc/sys/user/max_inotify_instances";
    let day = day(device, &lock, none).through(["unshare", "--user", "--map-root-user"]);
    expect_day(day, "0");
}

fn with_sixteen_descriptors(device: &Device) {
    let lock = Lock::new();
    expect_day(day(device, &lock, "ulimit -n 16"), "1");
}

/// Where nobody can see what the waiter has, either.
fn without_proc(device: &Device) {
    let lock = Lock::new();
    expect_day(day(device, &lock, "mount -t tmpfs tmpfs /proc"), "0");
}

fn below_a_read_only_root(device: &Device) {
    let lock = Lock::new();
    let prepare = "mount --bind . .\nmount -o remount,bind,ro /\nif touch /read-only 2>/dev/null; then exit 99; fi";
    expect_day(day(device, &lock, prepare), "1");
}

fn in_a_user_namespace(device: &Device) {
    let lock = Lock::new();
    let day = day(device, &lock, "").through(["unshare", "--user", "--map-root-user"]);
    expect_day(day, "1");
}

fn on_ext4(device: &Device) {
    let lock = Lock::new();
    let mount = "truncate -s 1M disk; mkfs.ext4 -q disk; mount -o loop disk \"$LOCKS\"";
    expect_day(day(device, &lock, mount), "1");
}

fn on_tmpfs(device: &Device) {
    let lock = Lock::new();
    let mount = "mount -t tmpfs -o mode=1777 tmpfs \"$LOCKS\"";
    expect_day(day(device, &lock, mount), "1");
}

fn on_overlayfs(device: &Device) {
    let lock = Lock::new();
    expect_day(day(device, &lock, &overlay("")), "1");
}

/// Adopted, it moves from its layer into the container's own.
fn a_dead_holders_file_in_an_images_layer(device: &Device) {
    for mode in [1644, 1744] {
        let lock = Lock::new();
        let stale = format!(
            "echo 'reason of the dead' >layers/lower/updates.lock
            chmod {mode} layers/lower/updates.lock"
        );
        let run = ["run", "--reason", "its own", "--", "cat"];
        let run = device.at(&lock, run).arg(lock.path());
        let run = run.after(&format!("set -e\n{}", overlay(&stale)));
        let run = run.through(["unshare", "--mount"]);
        let outcome = run.env("LOCKS", lock.directory()).end().succeeds();
        assert!(outcome.output.contains("its own"), "{outcome:#?}");
        assert!(!outcome.output.contains("dead"), "{outcome:#?}");
    }
}

/// A container's file system: what is in the image's layer, and on top what the container writes.
fn overlay(fill: &str) -> String {
    format!(
        "mkdir layers
        mount -t tmpfs tmpfs layers
        mkdir layers/lower layers/upper layers/work
        {fill}
        layers=lowerdir=layers/lower,upperdir=layers/upper,workdir=layers/work
        mount -t overlay -o $layers overlay \"$LOCKS\""
    )
}
