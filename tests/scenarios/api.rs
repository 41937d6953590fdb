//! The Supervisor's HTTP API, as the commands use it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::mpsc;

use nix::sys::signal::Signal;
use serde_json::Value;
use update_lock::{ANSWER_CAPACITY, ApiError};

use super::windows::{clock_at, under};
use crate::common::api::{Api, Asked, KEY, State};
use crate::common::holder::Waiter;
use crate::common::{Device, Holder, Invocation, Lock, lock, peers, wait};

scenarios![
    update_asks_the_supervisor,
    update_takes_its_options_from_variables,
    update_without_the_api,
    update_with_a_key_that_is_not_taken,
    update_where_nobody_listens,
    update_of_a_supervisor_that_answers_otherwise,
    update_of_a_supervisor_that_is_silent,
    update_where_instant_updates_are_off,
    update_by_the_old_variables,
    release_asks_for_an_update_when_the_lock_is_free,
    release_succeeds_without_an_answer,
    a_window_that_opens_asks_for_an_update,
    a_windows_update_is_held_up_by_nobody,
    a_window_without_the_api_says_so,
    a_condition_that_ends_asks_for_an_update,
    a_forced_update_overrides_a_run,
    status_says_what_is_pending,
    status_where_the_supervisor_cannot_be_asked,
    doctor_tries_the_api,
    what_a_dead_holder_left_asks_for_an_update,
    a_window_asks_when_the_last_job_is_out,
    a_status_that_is_no_word_is_cut,
];

/// With access to the API.
fn with(api: &Api, invocation: Invocation) -> Invocation {
    at(&api.address(), KEY, invocation)
}

fn at(address: &str, key: &str, invocation: Invocation) -> Invocation {
    invocation
        .env("BALENA_SUPERVISOR_ADDRESS", address)
        .env("BALENA_SUPERVISOR_API_KEY", key)
}

/// An address at which nobody listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("http://{}", listener.local_addr().expect("its address"))
}

fn update_request(force: bool, cancel: bool) -> Asked {
    Asked {
        method: "POST".into(),
        path: "/v1/update".into(),
        has_key: true,
        body: format!("{{\"force\":{force},\"cancel\":{cancel}}}"),
    }
}

/// Tells whether the lock was there when an update was asked for.
fn watch_updates(api: &Api, lock: &Lock) -> mpsc::Receiver<bool> {
    let (tell, told) = mpsc::channel();
    let path = lock.path().to_path_buf();
    api.on_update(move |_| tell.send(lock::is_there(&path)).expect("somebody listens"));
    told
}

fn update_asks_the_supervisor(device: &Device) {
    let api = Api::start(State::default());
    let mut expected = vec![];
    for options in [
        &[][..],
        &["--force"],
        &["--cancel"],
        &["--force", "--cancel"],
    ] {
        let update = device.update_lock(["update"]).args(options);
        let outcome = with(&api, update).end().succeeds();
        assert_eq!(outcome.output, "the Supervisor looks for an update now\n");
        let has = |option| options.contains(&option);
        expected.push(update_request(has("--force"), has("--cancel")));
    }
    assert_eq!(api.asked(), expected);
}

fn update_takes_its_options_from_variables(device: &Device) {
    let api = Api::start(State::default());
    let update = device
        .update_lock(["update"])
        .env("UPDATE_LOCK_FORCE", "1") // not that one
        .env("UPDATE_LOCK_CANCEL", "yes");
    with(&api, update).end().succeeds();
    assert_eq!(api.asked(), [update_request(false, true)]);
}

fn update_without_the_api(device: &Device) {
    let line = device.update_lock(["update"]).end().fails_with(69);
    let label = "io.balena.features.supervisor-api";
    assert_eq!(line.matches(label).count(), 1, "{line}");
    assert!(line.contains("no BALENA_SUPERVISOR_ADDRESS"), "{line}");
}

fn update_with_a_key_that_is_not_taken(device: &Device) {
    let api = Api::start(State::default());
    for (key, code) in [("secretsecret", 77), ("secret secret", 64), ("", 77)] {
        let update = device.update_lock(["update"]);
        let line = at(&api.address(), key, update).end().fails_with(code);
        assert!(line.contains("API key"), "{line}");
        assert!(!line.contains("doctor"), "{line}");
        assert!(!line.contains("secret"), "{line}");
    }
}

fn update_where_nobody_listens(device: &Device) {
    let update = device.update_lock(["update"]);
    let line = at(&nowhere(), KEY, update).end().fails_with(74);
    assert!(line.contains("connection refused"), "{line}");
    let update = device.update_lock(["update"]);
    let line = at("http://localhost", KEY, update).end().fails_with(64);
    assert!(line.contains("http://IP:PORT"), "{line}");
    assert!(line.ends_with("; see BALENA_SUPERVISOR_ADDRESS"), "{line}");
}

/// The program has the library's words, each in a text of its own.
fn update_of_a_supervisor_that_answers_otherwise(device: &Device) {
    let too_long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(ANSWER_CAPACITY));
    let http = |status| format!("HTTP/1.1 {status} -\r\nContent-Length: 0\r\n\r\n");
    for (answer, error, code) in [
        (http(301), ApiError::Status(301), 74),
        (http(403), ApiError::Status(403), 77),
        (http(404), ApiError::Status(404), 74),
        (http(423), ApiError::Status(423), 75),
        (http(500), ApiError::Status(500), 74),
        ("SSH-2.0-OpenSSH\r\n\r\n".into(), ApiError::NotHttp, 74),
        ("HTTP/1.1 200 OK\r\nContent-Le".into(), ApiError::CutOff, 74),
        (too_long, ApiError::TooLong, 74),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("its address"));
        let mut update = at(&address, KEY, device.update_lock(["update"])).start();
        let (mut stream, _) = listener.accept().expect("the request");
        let _asked = stream.read(&mut [0; 1024]).expect("the request");
        stream.write_all(answer.as_bytes()).expect("it listens");
        // Who has read enough may have closed it already.
        let _ = stream.shutdown(Shutdown::Write);
        let line = update.end().fails_with(code);
        let expected = format!("update-lock: {}", error.as_str());
        assert!(line.starts_with(&expected), "{line:?}: {expected:?}");
    }
}

fn update_of_a_supervisor_that_is_silent(device: &Device) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("its address"));
    let update = device.update_lock(["update"]);
    let line = at(&address, KEY, update).end().fails_with(74);
    assert!(line.contains("did not answer in time"), "{line}");
}

fn update_where_instant_updates_are_off(device: &Device) {
    let api = Api::start(State {
        instant_updates: false,
        ..State::default()
    });
    let update = device.update_lock(["update"]);
    let line = with(&api, update).end().fails_with(75);
    assert!(line.contains("instant updates are off"), "{line}");
    let update = device.update_lock(["update", "--force"]);
    with(&api, update).end().succeeds();
}

fn update_by_the_old_variables(device: &Device) {
    let api = Api::start(State::default());
    let update = device
        .update_lock(["update"])
        .env("RESIN_SUPERVISOR_ADDRESS", api.address())
        .env("RESIN_SUPERVISOR_API_KEY", KEY);
    update.end().succeeds();
    assert_eq!(api.asked(), [update_request(false, false)]);
}

fn release_asks_for_an_update_when_the_lock_is_free(device: &Device) {
    let lock = Lock::new();
    let api = Api::start(State::default());
    let updates = watch_updates(&api, &lock);
    let script = "update-lock acquire && update-lock release --update";
    with(&api, device.script(&lock, script)).end().succeeds();
    assert_eq!(updates.try_iter().collect::<Vec<_>>(), [false]);
    assert_eq!(api.asked(), [update_request(false, false)]);
    // Not of its own accord.
    let script = "update-lock acquire && update-lock release";
    with(&api, device.script(&lock, script)).end().succeeds();
    assert_eq!(api.asked().len(), 1);
}

/// The lock is free: that is what it was called for.
fn release_succeeds_without_an_answer(device: &Device) {
    let lock = Lock::new();
    let script = "update-lock acquire && update-lock release --update";
    let script = at(&nowhere(), KEY, device.script(&lock, script));
    let outcome = script.end().exits_with(0);
    assert!(outcome.one_line().contains("connection refused"));
    assert!(!lock.is_there());
}

fn a_window_that_opens_asks_for_an_update(device: &Device) {
    let lock = Lock::new();
    let api = Api::start(State::default());
    let updates = watch_updates(&api, &lock);
    let clock = clock_at(1, 59, 54);
    let hold = under(device, &lock, &clock, &["hold", "--open", "02:00-04:00"]);
    let mut hold = with(&api, hold).start();
    hold.until_says("locked now");
    assert_eq!(api.asked(), []);
    hold.until_says("given back");
    let was_there = wait::until_some("the request", || updates.try_recv().ok());
    assert!(!was_there, "the lock was free by then");
    assert_eq!(api.asked(), [update_request(false, false)]);
    hold.signal(Signal::SIGTERM);
    let outcome = hold.end().exits_with(143);
    assert_eq!(outcome.errors.lines().count(), 2, "{outcome:?}");
}

/// What asks is a process of its own: the command gets its signals, and its end is the end of `run`.
fn a_windows_update_is_held_up_by_nobody(device: &Device) {
    let lock = Lock::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("its address"));
    let clock = clock_at(1, 59, 54);
    let run = Waiter::start_as(
        device,
        &lock,
        &["--trust-clock", "--open", "02:00-04:00"],
        |run| at(&address, KEY, run.env("TZ", &clock)),
    );
    let holder = run.until_holds();
    holder.run.until_says("given back");
    let _silent = listener.accept().expect("the request");
    let outcome = holder.finish().exits_with(0);
    assert!(!outcome.errors.contains("in time"), "{outcome:?}");
}

fn a_window_without_the_api_says_so(device: &Device) {
    let lock = Lock::new();
    let words = ["run", "--open", "00:00-24:00", "--", "true"];
    let run = under(device, &lock, "", &words).end().exits_with(0);
    assert!(run.one_line().contains("io.balena.features.supervisor-api"));
    let api = Api::start(State::default());
    with(&api, under(device, &lock, "", &words))
        .end()
        .succeeds();
}

fn a_condition_that_ends_asks_for_an_update(device: &Device) {
    let lock = Lock::new();
    let api = Api::start(State::default());
    let updates = watch_updates(&api, &lock);
    let condition = "[ ! -e asked ] && echo >asked";
    let hold = device.at(&lock, ["hold", "--every", "1s", "--while", condition]);
    let hold = with(&api, hold).start();
    hold.until_says("given back");
    let was_there = wait::until_some("the request", || updates.try_recv().ok());
    assert!(!was_there, "the lock was free by then");
}

fn a_forced_update_overrides_a_run(device: &Device) {
    let lock = Lock::new();
    let api = Api::start(State::default());
    let holder = Holder::start(device, &lock);
    let path = lock.path().to_path_buf();
    api.on_update(move |force| {
        assert!(force);
        std::fs::remove_file(&path).expect("the lock");
        let lockfile = Invocation::of(["lockfile", "-r", "0"]).arg(&path);
        lockfile.by_user(peers::NOBODY).end().succeeds();
    });
    let update = device.update_lock(["update", "--force"]);
    with(&api, update).end().succeeds();
    holder.run.until_says("the lock was taken away");
    assert_eq!(lock.mode_and_user(), (0o444, peers::NOBODY));
    peers::supervisor_releases(&lock);
    holder.run.until_says("locked now");
    holder.finish().exits_with(0);
}

/// What `status --json` prints, and its complaints.
fn status(
    device: &Device,
    lock: &Lock,
    dress: impl FnOnce(Invocation) -> Invocation,
) -> (Value, String) {
    let outcome = dress(device.at(lock, ["status", "--json"])).end();
    let outcome = outcome.exits_with(0);
    let json = serde_json::from_str(&outcome.output).expect("JSON");
    (json, outcome.errors)
}

fn status_says_what_is_pending(device: &Device) {
    let lock = Lock::new();
    let api = Api::start(State::default());
    for (pending, downloaded, failed, status_word) in [
        (false, false, false, Some("Idle")),
        (true, false, false, Some("Downloading")),
        (true, true, true, Some("Stopping (1 of 2)")),
        (true, true, false, None),
    ] {
        api.set(State {
            status: status_word,
            pending,
            downloaded,
            failed,
            ..State::default()
        });
        let (json, errors) = status(device, &lock, |status| with(&api, status));
        assert_eq!(errors, "");
        let update = &json["update"];
        assert_eq!(update["status"], status_word.unwrap_or_default());
        assert_eq!(update["pending"], pending);
        assert_eq!(update["downloaded"], downloaded);
        assert_eq!(update["failed"], failed);
    }
    let (json, errors) = status(device, &lock, |status| status);
    assert_eq!((json.get("update"), errors.as_str()), (None, ""));
}

fn status_where_the_supervisor_cannot_be_asked(device: &Device) {
    let lock = Lock::new();
    let (json, errors) = status(device, &lock, |status| at(&nowhere(), KEY, status));
    assert_eq!(json["update"], Value::Null);
    assert_eq!(json["state"], "free");
    assert!(errors.contains("connection refused"), "{errors}");
}

fn doctor_tries_the_api(device: &Device) {
    let lock = Lock::new();
    let api = Api::start(State::default());
    let says = |dress: &dyn Fn(Invocation) -> Invocation, what: &str| {
        let outcome = dress(device.at(&lock, ["doctor"])).end().succeeds();
        let line = outcome.output.lines().find(|line| line.contains(" API: "));
        let line = line.unwrap_or_else(|| panic!("no such line: {outcome:?}"));
        assert!(line.contains(what), "{what}: {line}");
        assert!(!outcome.output.contains(KEY), "{outcome:?}");
        assert!(!line.contains("update-lock doctor"), "{line}");
    };
    says(&|doctor| with(&api, doctor), "accepts the key");
    says(
        &|doctor| at(&api.address(), "f00", doctor),
        "does not accept",
    );
    says(&|doctor| at(&nowhere(), KEY, doctor), "connection refused");
    says(
        &|doctor| at("http://localhost", KEY, doctor),
        "see BALENA_SUPERVISOR_ADDRESS",
    );
    says(&|doctor| doctor, "io.balena.features.supervisor-api");
}

/// A crash loop is free of its lock for so short a time that the Supervisor wouldn't find out.
fn what_a_dead_holder_left_asks_for_an_update(device: &Device) {
    for words in [
        &["run", "--after", "1h", "--", "sleep", "1000"][..],
        &["hold", "--while", "false"],
        &["hold", "--trust-clock", "--open", "00:00-24:00"],
    ] {
        let lock = Lock::new();
        let api = Api::start(State::default());
        let updates = watch_updates(&api, &lock);
        lock.make_stale(0);
        let process = with(&api, device.at(&lock, []).args(words)).start();
        let was_there = wait::until_some("the request", || updates.try_recv().ok());
        assert!(!was_there, "the lock was free by then");
        assert_eq!(api.asked(), [update_request(false, false)]);
        assert_eq!(process.errors(), "");
    }
}

fn a_window_asks_when_the_last_job_is_out(device: &Device) {
    let lock = Lock::new();
    let api = Api::start(State::default());
    let updates = watch_updates(&api, &lock);
    let clock = clock_at(1, 59, 54);
    let run = Waiter::start_as(
        device,
        &lock,
        &["--shared", "--trust-clock", "--open", "02:00-04:00"],
        |run| with(&api, run.env("TZ", &clock)),
    );
    let run = run.until_holds();
    let job = Waiter::start(device, &lock, &["--shared"]).until_holds();
    run.run.until_says("left to those who share it");
    assert_eq!(api.asked(), []);
    job.finish().succeeds();
    let was_there = wait::until_some("the request", || updates.try_recv().ok());
    assert!(!was_there, "the lock was free by then");
    run.finish().exits_with(0);
    assert_eq!(api.asked(), [update_request(false, false)]);
}

fn a_status_that_is_no_word_is_cut(device: &Device) {
    let lock = Lock::new();
    let api = Api::start(State::default());
    for (status_word, shown) in [
        ("Stop\"ped", "Stop"),
        ("Bell\u{7}", "Bell"),
        ("\u{e9}", ""),
        (
            "1234567890123456789012345678901\"",
            "1234567890123456789012345678901",
        ),
        (
            "123456789012345678901234567890123",
            "12345678901234567890123456789012",
        ),
    ] {
        api.set(State {
            status: Some(status_word),
            ..State::default()
        });
        let (json, errors) = status(device, &lock, |status| with(&api, status));
        assert_eq!(
            (&json["update"]["status"], errors.as_str()),
            (&shown.into(), "")
        );
    }
}
