//! The program by the name `lockfile`, beside procmail's.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;

use crate::common::lock::long_name;
use crate::common::{Device, Holder, Invocation, Lock, Process, peers, proc_fs, wait};

scenarios![
    the_name_lockfile_in_the_path,
    names_that_are_not_lockfile,
    lockfile_as_procmails_several_files,
    lockfile_as_procmails_many_files,
    lockfile_as_procmails_inverted,
    lockfile_as_procmails_options,
    lockfile_as_procmails_usage_errors,
    lockfile_as_procmails_obstacles,
    lockfile_as_procmails_retries,
    lockfile_as_procmails_by_force,
    lockfile_as_procmails_users,
    lockfile_as_procmails_umasks,
    lockfile_as_procmails_on_a_full_disk,
    a_lockfile_called_as_the_supervisor_calls_it,
    a_lockfile_keeps_the_supervisor_out_and_is_kept_out,
    a_lockfile_waits_for_procmails_and_procmails_for_it,
    a_lockfile_is_foreign_to_run_and_run_to_it,
    a_lockfile_leaves_no_temporary_file_to_be_seen,
    signals_give_back_what_a_lockfile_has_taken,
    signals_that_a_lockfile_is_to_ignore,
    a_lockfile_can_be_stopped_and_continued,
    of_a_crowd_of_both_kinds_one_takes_a_lockfile,
    a_crowd_of_both_kinds_takes_turns_with_a_lockfile,
    of_a_crowd_one_takes_an_old_lockfile,
    lockfile_unlike_procmails_a_name_that_is_too_long_is_an_error,
    a_lockfile_with_a_long_path,
    lockfile_unlike_procmails_no_mailboxes,
    lockfile_unlike_procmails_a_number_has_no_blanks,
    lockfile_unlike_procmails_a_number_has_no_end,
    lockfile_unlike_procmails_a_file_comes_before_its_directorys_mode,
    lockfile_unlike_procmails_a_living_holder_is_not_robbed,
    lockfile_unlike_procmails_what_cannot_be_removed_counts_as_an_attempt,
    lockfile_unlike_procmails_more_files_than_descriptors_are_an_error,
    lockfile_unlike_procmails_only_its_own_files_are_given_back,
    lockfile_unlike_procmails_every_fatal_signal_gives_back,
    a_lockfile_without_standard_descriptors,
    a_lockfile_explains_itself,
];

/// procmail's, which the tests' `PATH` has.
fn procmails(lock: &Lock) -> Invocation {
    Invocation::of(["lockfile"]).directory(lock.directory())
}

fn ours(device: &Device, lock: &Lock) -> Invocation {
    device.lockfile(lock).directory(lock.directory())
}

/// Words are set apart by one space each: two in a row have an empty word between them.
fn words(line: &str) -> Vec<&str> {
    match line {
        "" => vec![],
        line => line.split(' ').collect(),
    }
}

/// Everything in a directory: name, type and mode, user, and content.
fn listing(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut lines = vec![];
    for entry in entries {
        let path = entry.expect("an entry").path();
        let facts = path.symlink_metadata().expect("it is there");
        let content = match facts.is_file() {
            true => fs::read_to_string(&path).expect("text"),
            false => String::new(),
        };
        let name = path.file_name().expect("a name").to_string_lossy();
        let (mode, uid) = (facts.mode(), facts.uid());
        lines.push(format!("{name} {mode:o} {uid} {content:?}"));
        if facts.is_dir() {
            lines.extend(listing(&path));
        }
    }
    lines.sort();
    lines
}

/// A command line in a directory that a script has prepared: procmail's, or ours.
struct Trial<'a> {
    lock: Lock,
    line: &'a str,
    process: Process,
}

impl<'a> Trial<'a> {
    fn start(
        program: impl Fn(&Lock) -> Invocation,
        prepare: &str,
        line: &'a str,
        dress: &dyn Fn(Invocation) -> Invocation,
    ) -> Self {
        let lock = Lock::new();
        let shell = Invocation::of(["sh", "-ec", prepare]).directory(lock.directory());
        shell.end().succeeds();
        let process = dress(program(&lock).args(words(line))).start();
        Self {
            lock,
            line,
            process,
        }
    }

    /// The exit code, and what is in the directory.
    #[track_caller]
    fn end(mut self, who: &str) -> (Option<i32>, Vec<String>) {
        let outcome = self.process.end();
        let left = listing(self.lock.directory());
        let has_name = |line: &str| line.starts_with("update-lock: ");
        assert!(who != "ours" || outcome.errors.lines().all(has_name));
        assert!(outcome.code.is_some(), "{who} {}: {outcome:#?}", self.line);
        (outcome.code, left)
    }
}

/// Both programs end with the same exit code and leave the same files.
#[track_caller]
fn expect_the_same_as(
    device: &Device,
    cases: &[(&str, &str)],
    dress: &dyn Fn(Invocation) -> Invocation,
) {
    let start = |&(prepare, line)| {
        let theirs = Trial::start(procmails, prepare, line, dress);
        let own = Trial::start(|lock| ours(device, lock), prepare, line, dress);
        (theirs, own)
    };
    // Some take a second or two, so not one after the other.
    for some in cases.chunks(4) {
        let trials: Vec<_> = some.iter().map(start).collect();
        for (theirs, own) in trials {
            let line = theirs.line;
            assert_eq!(own.end("ours"), theirs.end("procmail's"), "lockfile {line}");
        }
    }
}

#[track_caller]
fn expect_the_same(device: &Device, cases: &[(&str, &str)]) {
    expect_the_same_as(device, cases, &|run| run);
}

fn lockfile_as_procmails_several_files(device: &Device) {
    expect_the_same(
        device,
        &[
            ("", "-r0 a"),
            ("", "a"),
            ("", "-r0 a b c"),
            ("echo x >a", "-r0 a b c"),
            ("echo x >b", "-r0 a b c"),
            ("echo x >c", "-r0 a b c"),
            ("", "-r0 a b a"),
            ("mkdir d", "-r0 d/a d/b ./c"),
            ("", "-r0 a b d/c"),
            ("", "-r0 d/a b"),
            ("echo x >b", "a -r0 b"),
        ],
    );
}

/// `-r0` and that many names.
fn many(files: usize) -> String {
    let names = (0..files).map(|number| format!(" {number}"));
    ["-r0".to_string()].into_iter().chain(names).collect()
}

fn lockfile_as_procmails_many_files(device: &Device) {
    let line = many(30);
    expect_the_same(device, &[("", &line), ("echo x >29", &line)]);
    // procmail's runs out of names for its temporary files, and waits for minutes.
    let lock = Lock::new();
    let names = many(300);
    let run = || ours(device, &lock).args(words(&names));
    run().end().succeeds();
    assert_eq!(lock.names().len(), 300);
    for number in 0..299 {
        fs::remove_file(lock.directory().join(number.to_string())).expect("a file");
    }
    run().end().fails_on(73, "299");
    assert_eq!(lock.names(), ["299"]);
}

fn lockfile_as_procmails_inverted(device: &Device) {
    expect_the_same(
        device,
        &[
            ("", "-! a"),
            ("", "a -!"),
            ("", "-! a -! b"),
            ("echo x >a", "-! -r0 a"),
            ("echo x >a", "-!r0 a"),
            ("echo x >a", "-r0! a"),
            ("echo x >a", "-!! -r0 a"),
            ("echo x >a", "-! -r0 -! a"),
            ("echo x >a", "-r0 a -!"),
            ("echo x >a", "-r0 -! b a -!"),
            ("echo x >a", "-r ! a"),
            ("", "-! -r0 d/a"),
            ("", "-! a -x"),
            ("", "-!"),
        ],
    );
}

fn lockfile_as_procmails_options(device: &Device) {
    expect_the_same(
        device,
        &[
            ("echo x >a", "-r 0 a"),
            ("echo x >a", "-r0 a"),
            ("echo x >a", "-5r0 a"),
            ("echo x >a", "-5r0l9s4 a"),
            ("echo x >a", "-r 0l9 a"),
            ("echo x >a", "-r5 -r 0 a"),
            ("echo x >a", "-r  a"),
            ("echo x >a", "-r00 a"),
            ("", "-5 - a"),
            ("", "-r -1 a"),
            ("", "-r-1 a"),
            ("", "-r-7 a"),
            ("", "-l-1 -s0 a"),
            ("", "-l  -s  a"),
            ("", "a -5 -r0 b -l9"),
        ],
    );
}

fn lockfile_as_procmails_usage_errors(device: &Device) {
    let lines = [
        "",
        "-r0",
        "-",
        "-5",
        "-s",
        "-r",
        "-l",
        "-x a",
        "a -x",
        "a b -r",
        "-rx a",
        "-r x a",
        "-r0x a",
        "-s-1 a",
        "-s -1 a",
        "a -s x",
        "-1x a",
        "--r0 a",
        "-- a",
        "--5 a",
        "-h",
        "-? a",
        "a -h",
        "-v",
        "a b -v",
        "-r0 --help",
        "-mx",
        "a -m",
    ];
    let cases = lines.map(|line| ("", line));
    expect_the_same(device, &cases);
}

fn lockfile_as_procmails_obstacles(device: &Device) {
    expect_the_same(
        device,
        &[
            ("mkdir a", "-r0 a"),
            ("mkdir a", "-r0 a/"),
            ("echo x >a", "-r0 a/"),
            ("", "-r0 a/"),
            ("echo x >b; ln -s b a", "-r0 a"),
            ("ln -s b a", "-r0 a"),
            ("ln -s d/b a", "-r0 a"),
            ("mkdir d; ln -s d e", "-r0 e/a"),
            ("mkdir d; ln -s d e", "-r0 e/"),
            ("ln -s a a", "-r0 a/b"),
            ("mkfifo a", "-r0 a"),
            ("echo x >d", "-r0 d/a"),
            ("", "-r0 ."),
            ("", "-r0 .."),
            ("", "-r0 /"),
            ("", "-r0 /proc/a"),
            ("", "-r0 "),
            ("", "-r0 a  b"),
        ],
    );
}

fn lockfile_as_procmails_retries(device: &Device) {
    expect_the_same(
        device,
        &[
            ("echo x >a", "-1 -r1 a"),
            ("echo x >a", "-1r2 a"),
            ("echo x >b", "-1 -r1 a b c"),
            ("echo x >a", "-0 -r3 a"),
            ("echo x >a", "-! -1 -r1 a"),
            ("", "-1 -r1 d/a"),
        ],
    );
}

fn lockfile_as_procmails_by_force(device: &Device) {
    const OLD: &str = "echo x >a; touch -d '1 hour ago' a";
    expect_the_same(
        device,
        &[
            (OLD, "-r0 -l10 -s0 a"),
            (OLD, "-r0 -l10 -s1 a"),
            (OLD, "-r0l10s0 b a c"),
            (OLD, "-r0 -l999999 -s0 a"),
            (OLD, "-r0 -l0 -s0 a"),
            (OLD, "-r0 -l-5 -s0 a"),
            (OLD, "-! -r0 -l10 -s0 a"),
            (OLD, "-l10 -s0 a -r0 a"),
            (OLD, "-r0 -s0 a -l10"),
            ("echo x >a", "-r0 -l10 -s0 a"),
            ("echo x >a", "-r0 -l-99 -s0 a"),
            ("echo x >a; touch -d '1 hour' a", "-r0 -l10 -s0 a"),
            (
                "echo x >b; ln -s b a; touch -h -d '1 hour ago' a",
                "-r0 -l10 -s0 a",
            ),
            (
                "echo x >b; ln -s b a; touch -d '1 hour ago' b",
                "-r0 -l10 -s0 a",
            ),
            (
                "echo x >a; chmod 0 a; touch -d '1 hour ago' a",
                "-r0 -l10 -s0 a",
            ),
        ],
    );
}

fn lockfile_as_procmails_users(device: &Device) {
    let cases = [
        ("", "-r 0 a"),
        ("echo x >a", "-r 0 a"),
        ("chmod 755 .", "-r0 a"),
        ("mkdir -m 755 d", "-r0 a d/b"),
        ("mkdir -m 700 d", "-r0 a d/b"),
    ];
    for uid in [1000, peers::NOBODY] {
        expect_the_same_as(device, &cases, &|run| run.by_user(uid));
    }
}

fn lockfile_as_procmails_umasks(device: &Device) {
    for umask in ["umask 077", "umask 0", "umask 0777"] {
        expect_the_same_as(device, &[("", "-r0 a b")], &|run| run.after(umask));
    }
}

/// Where a file can be created, and nothing be written into it.
fn lockfile_as_procmails_on_a_full_disk(device: &Device) {
    const SCRIPT: &str = "
        mount -t tmpfs -o size=16k tmpfs .
        cd \"$PWD\"
        dd if=/dev/zero of=fill bs=4k count=9 2>/dev/null
        \"$@\" && stat -c '%n %a %s' *";
    let lock = Lock::new();
    for program in [procmails(&lock), ours(device, &lock)] {
        let run = program.args(["-r0", "a"]);
        let run = run.through(["unshare", "-m", "sh", "-c", SCRIPT, "sh"]);
        let outcome = run.end().succeeds();
        assert_eq!(outcome.output, "a 444 0\nfill 644 16384\n");
    }
}

/// A shell finds it, and calls it by its bare name.
fn the_name_lockfile_in_the_path(device: &Device) {
    let lock = Lock::new();
    let run = || {
        if device.is_native() {
            // Makes the link.
            drop(device.lockfile(&lock));
            let path = format!("PATH={}:/usr/bin:/bin", lock.scratch().display());
            return Invocation::of(["env", &path, "lockfile"]);
        }
        let mut words = device.words();
        let program = words.len() - 1;
        words.splice(program..program, ["-0".into(), "lockfile".into()]);
        Invocation::of(words)
    };
    run().args(["-r0", lock.text()]).end().succeeds();
    // procmail's has another way to say so.
    let again = run().args(["-r0", lock.text()]).end();
    again.fails_on(73, lock.path());
    assert_eq!(lock.mode_and_user(), (0o444, 0));
}

fn names_that_are_not_lockfile(device: &Device) {
    for name in ["lockfile-1", "mylockfile", "Lockfile", "lockfil"] {
        let lock = Lock::new();
        let run = device.by_name(&lock, name).args(["-r0", lock.text()]);
        let line = run.end().fails_with(64);
        assert!(line.contains("update-lock help"), "{line}");
        assert!(!lock.is_there());
    }
}

fn a_lockfile_called_as_the_supervisor_calls_it(device: &Device) {
    let lock = Lock::new();
    let call = || ours(device, &lock).args(["-r", "0", lock.text()]);
    call().by_user(peers::NOBODY).end().succeeds();
    assert_eq!(lock.mode_and_user(), (0o444, peers::NOBODY));
    assert_eq!(fs::read(lock.path()).expect("a file"), b"0");
    assert_eq!(lock.names(), ["updates.lock"]);
    let inode = lock.inode();
    call()
        .by_user(peers::NOBODY)
        .end()
        .fails_on(73, lock.path());
    assert_eq!(lock.inode(), inode);
    let status = device.at(&lock, ["status", "--json"]).end().exits_with(75);
    assert!(status.output.contains("\"supervisor\""), "{status:#?}");
}

fn a_lockfile_keeps_the_supervisor_out_and_is_kept_out(device: &Device) {
    let lock = Lock::new();
    let attempt = || ours(device, &lock).args(["-r0", "updates.lock"]).end();
    attempt().succeeds();
    assert!(!peers::supervisor_takes(&lock));
    assert!(peers::host_may_reboot(&lock), "its help says so");
    fs::remove_file(lock.path()).expect("a file");
    assert!(peers::supervisor_takes(&lock));
    attempt().fails_on(73, "updates.lock");
    assert_eq!(lock.mode_and_user(), (0o444, peers::NOBODY));
}

fn a_lockfile_waits_for_procmails_and_procmails_for_it(device: &Device) {
    let lock = Lock::new();
    let (first, second) = (procmails(&lock), ours(device, &lock));
    expect_to_wait(&lock, first, second);
    let (first, second) = (ours(device, &lock), procmails(&lock));
    expect_to_wait(&lock, first, second);
}

/// The second waits for the first one's file. That it waits shows in the other file, which it has then.
#[track_caller]
fn expect_to_wait(lock: &Lock, first: Invocation, second: Invocation) {
    first.args(["-r0", "updates.lock"]).end().succeeds();
    let mut waiter = second.args(["-1", "other", "updates.lock"]).start();
    let other = lock.directory().join("other");
    wait::until("the other file", || other.exists());
    let inode = lock.inode();
    assert!(waiter.is_running());
    assert_eq!(lock.inode(), inode);
    fs::remove_file(lock.path()).expect("the first one's file");
    waiter.end().succeeds();
    for path in [lock.path(), &other] {
        fs::remove_file(path).expect("the second one's file");
    }
}

fn a_lockfile_is_foreign_to_run_and_run_to_it(device: &Device) {
    let lock = Lock::new();
    let attempt = || ours(device, &lock).args(["-r0", "updates.lock"]).end();
    attempt().succeeds();
    let inode = lock.inode();
    let status = device.at(&lock, ["status", "--json"]).end().exits_with(75);
    assert!(status.output.contains("\"foreign\""), "{status:#?}");
    let run = device.at(&lock, ["run", "--no-wait", "--", "touch", "ran"]);
    run.end().fails_on(75, lock.path());
    assert!(!lock.file("ran").exists());
    assert_eq!(lock.inode(), inode);
    fs::remove_file(lock.path()).expect("a file");
    let holder = Holder::start(device, &lock);
    attempt().fails_on(73, "updates.lock");
    holder.finish().succeeds();
    assert!(!lock.is_there());
}

fn a_lockfile_leaves_no_temporary_file_to_be_seen(device: &Device) {
    let lock = Lock::new();
    let run = ours(device, &lock).args(["-r0", lock.text()]);
    let mut run = run
        .directory(lock.scratch())
        .stopped_after(&lock, "openat", 1)
        .start();
    lock.until_stopped();
    assert_eq!(lock.names(), ["updates.lock"]);
    assert!(!peers::supervisor_takes(&lock));
    run.signal(Signal::SIGCONT);
    run.end().succeeds();
    assert_eq!(fs::read(lock.path()).expect("a file"), b"0");
}

/// One that has created `first` and `second`, and waits for the lock's file. Whoever started these tests may have had
/// signals ignored, as a shell does with INT for a job in the background.
#[track_caller]
fn waiting(lock: &Lock, program: Invocation) -> Process {
    let run = program.args(["-1", "first", "second", "updates.lock", "last"]);
    let process = run.through(["env", "--default-signal"]).start();
    let second = lock.directory().join("second");
    wait::until("the file before", || second.exists());
    process
}

fn signals_give_back_what_a_lockfile_has_taken(device: &Device) {
    let signals = [
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
    ];
    for signal in signals {
        let lock = Lock::new();
        assert!(peers::supervisor_takes(&lock));
        for program in [procmails(&lock), ours(device, &lock)] {
            let mut process = waiting(&lock, program);
            process.signal(signal);
            process.end().exits_with(75);
            assert_eq!(lock.names(), ["updates.lock"]);
        }
        assert_eq!(lock.mode_and_user(), (0o444, peers::NOBODY));
    }
}

fn signals_that_a_lockfile_is_to_ignore(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    for program in [procmails(&lock), ours(device, &lock)] {
        let run = program.args(["-1", "-r2", "first", "updates.lock"]);
        let mut process = run.through(["env", "--ignore-signal=HUP"]).start();
        let first = lock.directory().join("first");
        wait::until("the file before", || first.exists());
        process.signal(Signal::SIGHUP);
        process.end().exits_with(73);
        assert_eq!(lock.names(), ["updates.lock"]);
    }
}

fn a_lockfile_can_be_stopped_and_continued(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let mut process = waiting(&lock, ours(device, &lock));
    process.signal(Signal::SIGTSTP);
    proc_fs::until_state(process.pid(), &['T']);
    peers::supervisor_releases(&lock);
    process.signal(Signal::SIGCONT);
    process.end().succeeds();
    assert_eq!(lock.names().len(), 4);
}

/// As many of procmail's as of ours.
fn crowd(device: &Device, lock: &Lock, dress: impl Fn(Invocation) -> Invocation) -> Vec<Process> {
    let pairs = (0..3).flat_map(|_| [procmails(lock), ours(device, lock)]);
    pairs.map(|program| dress(program).start()).collect()
}

/// How many end with 0; the others end with 73.
#[track_caller]
fn successes(processes: Vec<Process>) -> usize {
    let codes = processes.into_iter().map(|mut process| process.end().code);
    let codes: Vec<_> = codes.collect();
    let has = |code| codes.iter().filter(|&&found| found == Some(code)).count();
    assert_eq!(has(0) + has(73), codes.len(), "{codes:?}");
    has(0)
}

fn of_a_crowd_of_both_kinds_one_takes_a_lockfile(device: &Device) {
    for _round in 0..5 {
        let lock = Lock::new();
        let crowd = crowd(device, &lock, |program| {
            program.args(["-r0", "updates.lock"])
        });
        assert_eq!(successes(crowd), 1);
        assert_eq!(lock.names(), ["updates.lock"]);
    }
}

fn a_crowd_of_both_kinds_takes_turns_with_a_lockfile(device: &Device) {
    const TURN: &str = "
        \"$@\" || exit
        mkdir busy || echo >>overlaps
        echo >>turns
        rmdir busy
        rm -f updates.lock";
    let lock = Lock::new();
    let crowd = crowd(device, &lock, |program| {
        let program = program.args(["-1", "updates.lock"]);
        program.through(["sh", "-c", TURN, "sh"])
    });
    let size = crowd.len();
    assert_eq!(successes(crowd), size);
    assert_eq!(listing(lock.directory()).len(), 1, "{:?}", lock.names());
    let turns = fs::read_to_string(lock.directory().join("turns")).expect("a file");
    assert_eq!(turns.lines().count(), size);
}

/// A file that is there, and an hour old.
fn age(path: &Path) {
    let hour = Duration::from_secs(3600);
    let file = File::open(path).expect("it can be opened");
    file.set_modified(SystemTime::now() - hour)
        .expect("its time");
}

/// One removes it; if another is there first while that one waits, the one finds a file that isn't old.
fn of_a_crowd_one_takes_an_old_lockfile(device: &Device) {
    for _round in 0..3 {
        let lock = Lock::new();
        fs::write(lock.path(), "0").expect("a file");
        age(lock.path());
        let attempt = || ours(device, &lock).args(["-r0", "-l60", "-s1", "updates.lock"]);
        let crowd = (0..5).map(|_| attempt().start()).collect();
        assert_eq!(successes(crowd), 1);
        assert_eq!(lock.names(), ["updates.lock"]);
        assert_eq!(lock.mode_and_user(), (0o444, 0));
    }
}

fn lockfile_unlike_procmails_a_name_that_is_too_long_is_an_error(device: &Device) {
    let name = long_name(256);
    let lock = Lock::new();
    let run = ours(device, &lock).args(["-r0", "a", &name]);
    run.end().fails_on(69, &name);
    assert_eq!(lock.names(), [""; 0]);
    let path = format!("{}/a", "d/..".repeat(1100));
    let run = ours(device, &lock).args(["-r0", "a", &path]);
    run.end().exits_with(69);
    assert_eq!(lock.names(), [""; 0]);
    procmails(&lock).args(["-r0", &name]).end().exits_with(0);
    assert_eq!(lock.names(), [long_name(255)], "it is cut");
}

/// Longer than the path of an update lock may be.
fn a_lockfile_with_a_long_path(device: &Device) {
    let name = long_name(255);
    let (prepare, line) = (format!("mkdir {name}"), format!("-r0 {name}/{name}"));
    expect_the_same(device, &[(&prepare, &line)]);
}

/// There is no mail on a device. procmail's isn't played: it would lock one of this machine.
fn lockfile_unlike_procmails_no_mailboxes(device: &Device) {
    for word in ["-ml", "-mu"] {
        let lock = Lock::new();
        let run = ours(device, &lock).args(["-r0", "a", word]);
        run.end().fails_on(64, word);
        assert_eq!(lock.names(), [""; 0]);
    }
}

fn lockfile_unlike_procmails_a_number_has_no_blanks(device: &Device) {
    for word in [" 1", "+1"] {
        let lock = Lock::new();
        let run = || ["-r", word, "a"];
        ours(device, &lock).args(run()).end().fails_with(64);
        assert_eq!(lock.names(), [""; 0]);
        procmails(&lock).args(run()).end().exits_with(0);
    }
}

/// procmail's takes the last 32 bits: here for a second, after which it would remove the file.
fn lockfile_unlike_procmails_a_number_has_no_end(device: &Device) {
    let lock = Lock::new();
    fs::write(lock.path(), "").expect("a file");
    age(lock.path());
    let run = || ["-r0", "-l4294967297", "-s0", "updates.lock"];
    ours(device, &lock).args(run()).end().fails_with(73);
    procmails(&lock).args(run()).end().exits_with(0);
}

/// procmail's finds out with its temporary file that there is nothing to wait for.
fn lockfile_unlike_procmails_a_file_comes_before_its_directorys_mode(device: &Device) {
    let lock = Lock::new();
    fs::write(lock.path(), "").expect("a file");
    fs::set_permissions(lock.directory(), Permissions::from_mode(0o755)).expect("chmod");
    for (program, code) in [(procmails(&lock), 69), (ours(device, &lock), 73)] {
        let run = program.args(["-r0", "updates.lock"]);
        run.by_user(1000).end().exits_with(code);
    }
    assert_eq!(lock.names(), ["updates.lock"]);
}

fn lockfile_unlike_procmails_a_living_holder_is_not_robbed(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    let inode = lock.inode();
    age(lock.path());
    let run = || ours(device, &lock).args(["-r0", "-l60", "-s0", "updates.lock"]);
    run().end().fails_on(73, "updates.lock");
    assert_eq!(lock.inode(), inode);
    holder.finish().succeeds();
    // What a dead holder leaves behind is another matter.
    lock.make_stale(0);
    age(lock.path());
    run().end().exits_with(0);
    assert_eq!(lock.mode_and_user(), (0o444, 0));
}

/// procmail's tries again for ever, whatever its retries.
fn lockfile_unlike_procmails_what_cannot_be_removed_counts_as_an_attempt(device: &Device) {
    let lock = Lock::new();
    fs::create_dir(lock.path()).expect("mkdir");
    age(lock.path());
    let run = || ours(device, &lock).args(["-0", "-r1", "-l60", "-s0", "updates.lock"]);
    let outcome = run().end().exits_with(73);
    assert!(outcome.errors.contains("cannot remove"), "{outcome:#?}");
    fs::remove_dir(lock.path()).expect("rmdir");
    fs::write(lock.path(), "x").expect("a file");
    age(lock.path());
    fs::set_permissions(lock.directory(), Permissions::from_mode(0o1777)).expect("chmod");
    let outcome = run().by_user(1000).end().exits_with(73);
    assert!(outcome.errors.contains("cannot remove"), "{outcome:#?}");
    assert_eq!(lock.mode_and_user().1, 0);
}

/// Each stays open, to be known again.
fn lockfile_unlike_procmails_more_files_than_descriptors_are_an_error(device: &Device) {
    let lock = Lock::new();
    let run = |program: Invocation| program.args(words(&many(30))).after("ulimit -n 20");
    let line = run(ours(device, &lock)).end().fails_with(69);
    assert!(line.contains("ulimit -n"), "{line}");
    assert_eq!(lock.names(), [""; 0]);
    run(procmails(&lock)).end().succeeds();
}

/// Somebody who took a file away by force has it now.
fn lockfile_unlike_procmails_only_its_own_files_are_given_back(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let mut process = waiting(&lock, ours(device, &lock));
    let first = lock.directory().join("first");
    fs::remove_file(&first).expect("its file");
    fs::write(&first, "another's").expect("a file");
    process.signal(Signal::SIGTERM);
    process.end().fails_on(75, "updates.lock");
    assert_eq!(fs::read_to_string(&first).expect("a file"), "another's");
    assert_eq!(lock.names().len(), 2, "{:?}", lock.names());
}

/// Of these procmail's dies at once, and leaves its files behind.
fn lockfile_unlike_procmails_every_fatal_signal_gives_back(device: &Device) {
    for signal in [Signal::SIGALRM, Signal::SIGUSR1, Signal::SIGUSR2] {
        let lock = Lock::new();
        assert!(peers::supervisor_takes(&lock));
        let mut process = waiting(&lock, ours(device, &lock));
        process.signal(signal);
        process.end().fails_on(75, "updates.lock");
        assert_eq!(lock.names(), ["updates.lock"]);
    }
}

/// What it says goes nowhere then, and not into a file that it has opened.
fn a_lockfile_without_standard_descriptors(device: &Device) {
    let lock = Lock::new();
    let path = |name| lock.directory().join(name);
    for name in ["a", "b"] {
        fs::write(path(name), "").expect("a file");
        age(&path(name));
    }
    let run = ours(device, &lock).args(["-r0", "-l60", "-s0", "a", "b"]);
    run.after("exec 0<&- 1>&- 2>&-").end().succeeds();
    for name in ["a", "b"] {
        assert_eq!(fs::read_to_string(path(name)).expect("a file"), "0");
    }
}

fn a_lockfile_explains_itself(device: &Device) {
    let lock = Lock::new();
    for word in ["-h", "-?"] {
        let outcome = ours(device, &lock).args(["-r0", "a", word]).end();
        let help = outcome.exits_with(64).output;
        for topic in ["-r N", "-l N", "-s N", "-!", "reboot", "crash", "73"] {
            assert!(help.contains(topic), "{topic}: {help}");
        }
        assert!(help.lines().all(|line| line.len() <= 80), "{help}");
    }
    let version = ours(device, &lock).args(["-v"]).end().exits_with(64);
    assert!(version.output.contains(env!("CARGO_PKG_VERSION")));
    let usage = ours(device, &lock).end().fails_with(64);
    assert!(usage.contains("lockfile -h"), "{usage}");
    assert_eq!(lock.names(), [""; 0]);
}
