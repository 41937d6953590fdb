//! `watch`: a line for each change.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::common::{Device, Holder, Invocation, Lock, Process, peers, wait};

scenarios![
    a_watch_says_who_has_the_lock_and_what_becomes_of_it,
    a_watch_prints_json,
    a_watch_tells_an_override_in_its_order,
    a_watch_tells_of_helios_and_of_a_persons_rm,
    a_watch_tells_of_a_holder_that_died,
    a_watch_ends_with_its_reader,
    a_watch_ends_with_a_signal,
    a_watch_takes_nothing,
    a_watch_of_a_missing_directory_says_so,
];

/// A watch, and how much of what it said has been seen.
struct Watching {
    process: Process,
    seen: usize,
}

impl Watching {
    fn start(watch: Invocation) -> Self {
        Self {
            process: watch.start(),
            seen: 0,
        }
    }

    /// The next line.
    #[track_caller]
    fn next(&mut self) -> String {
        let line = wait::until_some("a line of the watch", || {
            let output = self.process.output();
            let (whole, _) = output.rsplit_once('\n')?;
            whole.lines().nth(self.seen).map(String::from)
        });
        self.seen += 1;
        line
    }

    /// Ends it, when it has said no more.
    #[track_caller]
    fn end(mut self) {
        self.process.signal(Signal::SIGTERM);
        let outcome = self.process.end().exits_with(143);
        assert_eq!(outcome.output.lines().count(), self.seen, "{outcome:?}");
        assert_eq!(outcome.errors, "");
    }
}

fn a_watch_says_who_has_the_lock_and_what_becomes_of_it(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let mut watch = Watching::start(device.at(&lock, ["watch"]));
    assert!(watch.next().starts_with("taken: held by the Supervisor"));
    peers::supervisor_releases(&lock);
    assert_eq!(watch.next(), "freed");
    let holder = Holder::start(device, &lock);
    assert_eq!(watch.next(), "taken: held by an application");
    holder.finish().succeeds();
    assert_eq!(watch.next(), "freed");
    watch.end();
}

fn a_watch_prints_json(device: &Device) {
    let lock = Lock::new();
    let watch = device.at(&lock, ["watch"]).env("UPDATE_LOCK_JSON", "1");
    let mut watch = Watching::start(watch);
    // In one step, so that it isn't seen before it has its owner.
    let file = lock.file("file");
    fs::write(&file, "").expect("another tool's file");
    peers::give(&file, 1234);
    fs::rename(&file, lock.path()).expect("to its place");
    let mut next = || serde_json::from_str::<Value>(&watch.next()).expect("JSON");
    let foreign = json!({"event": "taken", "state": "held", "holder": "foreign", "uid": 1234});
    assert_eq!(next(), foreign);
    fs::remove_file(lock.path()).expect("the file");
    assert_eq!(next(), json!({"event": "freed"}));
    assert!(peers::supervisor_takes(&lock));
    let taken = json!({"event": "taken", "state": "held", "holder": "supervisor"});
    assert_eq!(next(), taken);
    watch.end();
}

fn a_watch_tells_an_override_in_its_order(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    let mut watch = Watching::start(device.at(&lock, ["watch"]));
    assert_eq!(watch.next(), "taken: held by an application");
    for _ in 0..3 {
        peers::supervisor_forces(&lock);
        assert!(watch.next().starts_with("lost"));
        assert!(watch.next().starts_with("taken: held by the Supervisor"));
        holder.run.until_says("it will be taken again");
        peers::supervisor_releases(&lock);
        assert_eq!(watch.next(), "freed");
        assert_eq!(watch.next(), "taken: held by an application");
    }
    holder.finish().exits_with(0);
    assert_eq!(watch.next(), "freed");
    watch.end();
}

fn a_watch_tells_of_helios_and_of_a_persons_rm(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    let mut watch = Watching::start(device.at(&lock, ["watch"]));
    assert_eq!(watch.next(), "taken: held by an application");
    peers::helios_forces(&lock);
    assert!(watch.next().starts_with("lost"));
    assert!(watch.next().starts_with("taken: held by the Supervisor"));
    fs::remove_file(lock.path()).expect("helios's file");
    assert_eq!(watch.next(), "freed");
    assert_eq!(watch.next(), "taken: held by an application");
    fs::remove_file(lock.path()).expect("our file");
    assert!(watch.next().starts_with("lost"));
    drop(holder);
}

fn a_watch_tells_of_a_holder_that_died(device: &Device) {
    let lock = Lock::new();
    // A first look may fall between the two calls of a maker.
    assert!(peers::supervisor_takes(&lock));
    let mut watch = Watching::start(device.at(&lock, ["watch"]));
    assert!(watch.next().starts_with("taken: held by the Supervisor"));
    peers::supervisor_releases(&lock);
    assert_eq!(watch.next(), "freed");
    let mut holder = device.at(&lock, ["hold"]).start();
    assert_eq!(watch.next(), "taken: held by an application");
    holder.signal(Signal::SIGKILL);
    holder.end();
    assert!(watch.next().starts_with("taken: left behind"));
    let adopter = Holder::start(device, &lock);
    assert_eq!(watch.next(), "taken: held by an application");
    adopter.finish().succeeds();
    assert_eq!(watch.next(), "freed");
    watch.end();
}

fn a_watch_ends_with_its_reader(device: &Device) {
    let lock = Lock::new();
    let mut pipe = device
        .script(
            &lock,
            "update-lock watch | { read -r line; echo \"$line\"; }; echo over",
        )
        .start();
    let holder = Holder::start(device, &lock);
    wait::until("the reader has read", || pipe.output().contains("taken"));
    holder.finish().succeeds();
    let outcome = pipe.end().exits_with(0);
    assert!(outcome.output.ends_with("over\n"), "{outcome:?}");
}

fn a_watch_ends_with_a_signal(device: &Device) {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let lock = Lock::new();
        assert!(peers::supervisor_takes(&lock));
        let mut watch = Watching::start(device.at(&lock, ["watch"]));
        watch.next();
        watch.process.signal(signal);
        watch.process.end().exits_with(128 + signal as i32);
    }
}

/// Beside it everybody takes the lock as without it.
fn a_watch_takes_nothing(device: &Device) {
    let lock = Lock::new();
    let mut watch = Watching::start(device.at(&lock, ["watch"]));
    for _ in 0..20 {
        assert!(peers::supervisor_takes(&lock));
        peers::supervisor_releases(&lock);
        let run = device.at(&lock, ["run", "--no-wait", "--", "true"]);
        run.end().succeeds();
    }
    assert!(!lock.is_there());
    watch.process.signal(Signal::SIGTERM);
    watch.process.end().exits_with(143);
}

fn a_watch_of_a_missing_directory_says_so(device: &Device) {
    let lock = Lock::new();
    let path = lock.file("missing/updates.lock");
    let watch = device.update_lock(["--lock"]).arg(&path).arg("watch");
    let mut watch = Watching::start(watch);
    let line = watch.process.until_says("no such file or directory");
    assert!(line.contains(path.to_str().expect("text")), "{line}");
    // It may come.
    fs::create_dir(lock.file("missing")).expect("mkdir");
    fs::write(&path, "").expect("another tool's file");
    assert!(watch.next().starts_with("taken: another tool's file"));
}
