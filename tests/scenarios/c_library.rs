//! Programs in C that take the lock by the library.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;

use nix::sys::signal::Signal;
use nix::unistd::pipe;

use crate::common::{Device, Holder, Invocation, Lock, Process, peers, wait};

scenarios![
    a_c_program_without_a_libc_takes_the_lock_and_gives_it_back,
    everybody_sees_the_lock_of_a_c_program,
    a_c_program_sees_who_holds_the_lock,
    a_c_program_waits_for_a_run,
    a_c_program_s_wait_ends_with_its_time,
    a_c_program_takes_over_a_dead_holder_s_lock,
    a_c_program_learns_of_an_override_and_removes_nothing,
    a_waiting_c_program_gives_way_to_an_override,
    a_c_program_takes_a_lost_lock_again_after_the_override,
    a_c_program_s_retake_leaves_the_lock_to_an_override_that_is_late,
    a_c_program_that_has_lost_nothing_keeps_what_it_has,
    a_c_program_finds_the_lock,
    a_c_program_as_nobody_is_refused,
    a_c_program_learns_what_the_kernel_refuses,
    a_c_program_may_pass_null_and_paths_of_nothing,
    a_c_program_gives_back_what_it_holds_only_once,
    a_c_program_s_own_functions_stay_its_own,
];

/// `UPDATE_LOCK_...` of the header.
const SUPERVISOR: &str = "1";
const APP: &str = "2";
const STALE: &str = "3";
const FOREIGN: &str = "4";

/// A C program that does what it is told.
struct Client {
    process: Process,
    input: File,
    answers: usize,
}

impl Client {
    fn start(device: &Device, lock: &Lock) -> Self {
        Self::start_as(device, lock, |client| client)
    }

    fn start_as(
        device: &Device,
        lock: &Lock,
        dress: impl FnOnce(Invocation) -> Invocation,
    ) -> Self {
        let (reader, writer) = pipe().expect("a pipe");
        let client = device.c_program("c-client").directory(lock.scratch());
        Self {
            process: dress(client).start_with(reader.into()),
            input: writer.into(),
            answers: 0,
        }
    }

    /// Says what to do.
    fn tell(&mut self, command: &str) {
        writeln!(self.input, "{command}").expect("it listens");
        self.answers += 1;
    }

    /// The answer to what was told last, if there is one yet.
    fn answer(&self) -> Option<String> {
        let output = self.process.output();
        let (lines, _unfinished) = output.rsplit_once('\n')?;
        lines.lines().nth(self.answers - 1).map(str::to_string)
    }

    #[track_caller]
    fn until_answer(&self) -> String {
        wait::until_some("an answer", || self.answer())
    }

    /// Says what to do, and waits for the answer.
    #[track_caller]
    fn ask(&mut self, command: &str) -> String {
        self.tell(command);
        self.until_answer()
    }

    #[track_caller]
    fn ask_at(&mut self, command: &str, lock: &Lock) -> String {
        self.ask(&format!("{command} {}", lock.text()))
    }

    /// Waits until it waits for the lock: by its watch on the directory.
    #[track_caller]
    fn until_waits(&self) {
        let descriptors = format!("/proc/{}/fdinfo", self.process.pid());
        wait::until("the wait", || {
            let infos = fs::read_dir(&descriptors).expect("/proc");
            let mut infos = infos.filter_map(|info| fs::read_to_string(info.ok()?.path()).ok());
            infos.any(|info| info.contains("inotify wd:"))
        });
    }
}

fn a_c_program_without_a_libc_takes_the_lock_and_gives_it_back(device: &Device) {
    let lock = Lock::new();
    // As it is on a device.
    let mount = format!(
        "mkdir -p /tmp/balena && mount --bind '{}' /tmp/balena",
        lock.directory().display()
    );
    let run = || {
        let cycle = device.c_program("c-cycle").after(&mount);
        cycle.through(["unshare", "-m"]).end()
    };
    run().succeeds();
    assert!(!lock.is_there());
    lock.make_stale(0);
    run().succeeds();
    assert!(!lock.is_there());
    let busy = 16;
    fs::write(lock.path(), "").expect("another tool's file");
    run().exits_with(busy);
    assert!(lock.is_there());
}

fn everybody_sees_the_lock_of_a_c_program(device: &Device) {
    let lock = Lock::new();
    let mut client = Client::start(device, &lock);
    assert_eq!(client.ask_at("try", &lock), "0");
    assert_eq!(client.ask("held"), "1");
    assert_eq!(lock.mode_and_user(), (0o1644, 0));
    assert!(!peers::supervisor_takes(&lock));
    assert!(!peers::host_may_reboot(&lock));
    let run = device.at(&lock, ["run", "--no-wait", "--", "true"]);
    run.end().fails_on(75, lock.path());
    assert_eq!(client.ask("release"), "0");
    assert!(!lock.is_there());
    let run = device.at(&lock, ["run", "--no-wait", "--", "true"]);
    run.end().succeeds();
}

fn a_c_program_sees_who_holds_the_lock(device: &Device) {
    let lock = Lock::new();
    let mut client = Client::start(device, &lock);
    assert_eq!(client.ask_at("holder", &lock), "0");
    let holder = Holder::start(device, &lock);
    assert_eq!(client.ask_at("holder", &lock), APP);
    holder.finish().succeeds();
    lock.make_stale(0);
    assert_eq!(client.ask_at("holder", &lock), STALE);
    fs::remove_file(lock.path()).expect("a stale file");
    assert!(peers::supervisor_takes(&lock));
    assert_eq!(client.ask_at("holder", &lock), SUPERVISOR);
    peers::supervisor_releases(&lock);
    symlink("nowhere", lock.path()).expect("symlink");
    assert_eq!(client.ask_at("holder", &lock), FOREIGN);
    assert_eq!(client.ask_at("try", &lock), "-16");
    assert!(lock.is_there());
}

fn a_c_program_waits_for_a_run(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    let mut client = Client::start(device, &lock);
    assert_eq!(client.ask_at("try", &lock), "-16");
    client.tell(&format!("acquire {}", lock.text()));
    client.until_waits();
    assert_eq!(client.answer(), None);
    holder.finish().succeeds();
    assert_eq!(client.until_answer(), "0");
    assert_eq!(lock.mode_and_user(), (0o1644, 0));
    assert_eq!(client.ask("release"), "0");
    assert!(!lock.is_there());
}

fn a_c_program_s_wait_ends_with_its_time(device: &Device) {
    let lock = Lock::new();
    let holder = Holder::start(device, &lock);
    let mut client = Client::start(device, &lock);
    assert_eq!(client.ask_at("timeout", &lock), "-110");
    assert_eq!(client.ask("held"), "-9");
    holder.finish().succeeds();
    assert_eq!(client.ask_at("timeout", &lock), "0");
    assert_eq!(client.ask("release"), "0");
    assert!(!lock.is_there());
}

fn a_c_program_takes_over_a_dead_holder_s_lock(device: &Device) {
    let lock = Lock::new();
    let mut first = Client::start(device, &lock);
    assert_eq!(first.ask_at("try", &lock), "0");
    let inode = lock.inode();
    first.process.signal(Signal::SIGKILL);
    first.process.end();
    assert!(lock.is_there());
    let mut second = Client::start(device, &lock);
    assert_eq!(second.ask_at("holder", &lock), STALE);
    assert_eq!(second.ask_at("acquire", &lock), "0");
    assert_eq!(lock.inode(), inode, "the file stayed in place");
    assert_eq!(second.ask("release"), "0");
    assert!(!lock.is_there());
}

fn a_c_program_learns_of_an_override_and_removes_nothing(device: &Device) {
    for force in [peers::supervisor_forces, peers::helios_forces] {
        let lock = Lock::new();
        let mut client = Client::start(device, &lock);
        assert_eq!(client.ask_at("try", &lock), "0");
        force(&lock);
        let inode = lock.inode();
        assert_eq!(client.ask("held"), "0");
        assert_eq!(client.ask("release"), "1");
        assert_eq!(lock.inode(), inode, "the Supervisor's file stays");
    }
}

fn a_waiting_c_program_gives_way_to_an_override(device: &Device) {
    let lock = Lock::new();
    let mut holder = Client::start(device, &lock);
    assert_eq!(holder.ask_at("try", &lock), "0");
    let mut client = Client::start(device, &lock);
    client.tell(&format!("acquire {}", lock.text()));
    client.until_waits();
    peers::supervisor_forces(&lock);
    assert_eq!(client.answer(), None);
    peers::supervisor_releases(&lock);
    assert_eq!(client.until_answer(), "0");
    assert_eq!(client.ask("release"), "0");
    assert_eq!(holder.ask("release"), "1");
}

/// The Supervisor's own file comes after the removal of ours: an acquire would be there first.
fn a_c_program_takes_a_lost_lock_again_after_the_override(device: &Device) {
    let lock = Lock::new();
    let mut client = Client::start(device, &lock);
    assert_eq!(client.ask_at("try", &lock), "0");
    fs::remove_file(lock.path()).expect("our file");
    client.tell("retake 60000");
    client.until_waits();
    assert!(peers::supervisor_takes(&lock));
    let inode = lock.inode();
    assert_eq!(client.answer(), None);
    assert_eq!(lock.inode(), inode);
    peers::supervisor_releases(&lock);
    assert_eq!(client.until_answer(), "0");
    assert_eq!(lock.mode_and_user(), (0o1644, 0));
    assert_eq!(client.ask("held"), "1");
    assert_eq!(client.ask("release"), "0");
    assert!(!lock.is_there());
}

fn a_c_program_s_retake_leaves_the_lock_to_an_override_that_is_late(device: &Device) {
    let lock = Lock::new();
    let mut client = Client::start(device, &lock);
    assert_eq!(client.ask_at("acquire", &lock), "0");
    fs::remove_file(lock.path()).expect("our file");
    for (command, answer) in [
        ("retake 0", "-110"),
        ("retake 0", "-9"),
        ("held", "-9"),
        ("release", "-9"),
    ] {
        assert_eq!(client.ask(command), answer);
    }
    assert!(!lock.is_there());
    assert!(peers::supervisor_takes(&lock));
}

fn a_c_program_that_has_lost_nothing_keeps_what_it_has(device: &Device) {
    let lock = Lock::new();
    let mut client = Client::start(device, &lock);
    assert_eq!(client.ask("retake 0"), "-9");
    assert_eq!(client.ask_at("try", &lock), "0");
    let inode = lock.inode();
    assert_eq!(client.ask("retake 0"), "0");
    assert_eq!(lock.inode(), inode);
    assert!(!peers::host_may_reboot(&lock));
    assert_eq!(client.ask("release"), "0");
    assert!(!lock.is_there());
}

fn a_c_program_finds_the_lock(device: &Device) {
    let lock = Lock::new();
    let text = lock.text();
    let ask = |name: &str, value: &str, command: &str| {
        Client::start_as(device, &lock, |client| client.env(name, value)).ask(command)
    };
    let [user, supervisor, version] = [
        "UPDATE_LOCK_PATH",
        "BALENA_APP_LOCK_PATH",
        "RESIN_SUPERVISOR_VERSION",
    ];
    assert_eq!(ask(user, text, "location"), format!("0 {text}"));
    // Nothing is mounted there.
    assert_eq!(ask(supervisor, text, "location"), format!("1 {text}"));
    assert_eq!(ask(supervisor, "a.lock", "location"), "1 a.lock");
    let path = "/tmp/resin/resin-updates.lock";
    assert_eq!(ask(version, "v6.4.2", "location"), format!("1 {path}"));
    let mount = format!("mount -t tmpfs tmpfs '{}'", lock.directory().display());
    let mut client = Client::start_as(device, &lock, |client| {
        let client = client.env(supervisor, text).after(&mount);
        client.through(["unshare", "-m"])
    });
    assert_eq!(client.ask("location"), format!("0 {text}"));
    let room = |size: usize| ask(user, text, &format!("short {size}"));
    assert_eq!(room(text.len() + 1), format!("0 {text}"));
    let too_long = "-36 the path is longer than 255 bytes, or than there is room for";
    for size in [text.len(), 1, 0] {
        assert_eq!(room(size), too_long);
    }
    let long = format!("/{}", "n".repeat(255));
    assert_eq!(ask(user, &long, "location"), too_long);
    assert!(ask(user, "/tmp/", "location").starts_with("-22 "));
}

fn a_c_program_as_nobody_is_refused(device: &Device) {
    let lock = Lock::new();
    let mut client = Client::start_as(device, &lock, |client| client.by_user(peers::NOBODY));
    for command in ["try", "timeout", "acquire"] {
        assert_eq!(client.ask_at(command, &lock), "-1");
    }
    assert!(client.ask("text -1").contains("nobody"));
    assert!(!lock.is_there());
}

fn a_c_program_learns_what_the_kernel_refuses(device: &Device) {
    let lock = Lock::new();
    let mut client = Client::start(device, &lock);
    for (path, outcome) in [("missing/updates.lock", "-2"), ("/proc/version/x", "-20")] {
        for command in ["try", "timeout", "acquire"] {
            assert_eq!(client.ask(&format!("{command} {path}")), outcome);
        }
    }
    assert_eq!(client.ask("holder missing/updates.lock"), "0");
    assert_eq!(client.ask("holder /proc/version/x"), "-20");
    assert_eq!(client.ask("text -2"), "no such file or directory");
    assert_eq!(client.ask("text 2"), "unknown error");
    assert_eq!(client.ask("text -2147483648"), "unknown error");
}

fn a_c_program_may_pass_null_and_paths_of_nothing(device: &Device) {
    let lock = Lock::new();
    let mut client = Client::start(device, &lock);
    assert_eq!(client.ask("null"), ["-14"; 11].join(" "));
    let (longest, too_long) = ("n".repeat(255), "n".repeat(256));
    for command in ["try", "timeout", "acquire", "holder"] {
        for (path, outcome) in [("", "-22"), ("lock/", "-22"), (&too_long, "-36")] {
            // Whatever was in the memory of the lock.
            client.ask("scribble");
            assert_eq!(client.ask(&format!("{command} {path}")), outcome);
            if command != "holder" {
                assert_eq!(client.ask("held"), "-9");
            }
        }
    }
    assert_eq!(client.ask(&format!("try {longest}")), "0");
    assert_eq!(client.ask("release"), "0");
}

fn a_c_program_gives_back_what_it_holds_only_once(device: &Device) {
    let lock = Lock::new();
    let mut client = Client::start(device, &lock);
    assert_eq!(client.ask("release"), "-9");
    assert_eq!(client.ask("held"), "-9");
    assert_eq!(client.ask_at("try", &lock), "0");
    assert_eq!(client.ask("release"), "0");
    let mut other = Client::start(device, &lock);
    assert_eq!(other.ask_at("try", &lock), "0");
    assert_eq!(client.ask("release"), "-9");
    assert_eq!(other.ask("held"), "1");
    assert_eq!(client.ask_at("try", &lock), "-16");
    assert_eq!(client.ask("held"), "-9");
}

/// Its `memcpy`, its `_start`, its panic.
fn a_c_program_s_own_functions_stay_its_own(device: &Device) {
    let lock = Lock::new();
    let collisions = device.c_program("c-collisions").directory(lock.directory());
    collisions.end().succeeds();
    assert!(!lock.is_there());
}
