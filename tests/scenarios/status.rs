//! `status`: who holds the lock, since when, why.

use std::fs;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::common::holder::Waiter;
use crate::common::peers;
use crate::common::{Device, Holder, Lock};

scenarios![
    a_free_lock,
    a_lock_held_by_a_run,
    a_lock_held_by_the_supervisor,
    a_lock_held_by_helios,
    a_foreign_file,
    a_stale_file_that_root_can_take_over,
    a_stale_file_that_the_user_cannot_take_over,
    a_lock_whose_note_cannot_be_read,
    a_hostile_note_is_escaped,
    a_note_that_is_no_text_is_escaped,
    a_look_changes_nothing,
    status_of_a_missing_directory,
];

/// The JSON of a status, as `user`.
#[track_caller]
fn json_as(device: &Device, lock: &Lock, user: u32) -> Value {
    let status = device.at(lock, ["status", "--json"]).by_user(user).end();
    let value: Value = serde_json::from_str(&status.output).expect("JSON");
    assert_eq!(status.errors, "");
    assert_eq!(status.output.lines().count(), 1, "one line: {status:#?}");
    let code = if value["state"] == "free" { 0 } else { 75 };
    status.exits_with(code);
    value
}

#[track_caller]
fn json(device: &Device, lock: &Lock) -> Value {
    json_as(device, lock, 0)
}

/// The line for a person.
#[track_caller]
fn line(device: &Device, lock: &Lock, code: i32) -> String {
    let status = device.at(lock, ["status"]).end().exits_with(code);
    assert_eq!(status.output.lines().count(), 1, "one line: {status:#?}");
    assert!(status.output.contains(lock.text()), "{status:#?}");
    assert_eq!(status.errors, "");
    status.output
}

fn a_free_lock(device: &Device) {
    let lock = Lock::new();
    assert_eq!(
        json(device, &lock),
        json!({"path": lock.text(), "state": "free", "adoptable": false})
    );
    assert!(line(device, &lock, 0).contains("free"));
    assert_eq!(lock.names(), [""; 0]);
}

fn a_lock_held_by_a_run(device: &Device) {
    let lock = Lock::new();
    let before = Timestamp::now().as_second();
    let options = ["--reason", "writing the day's \"records\" \u{e4}"];
    let holder = Waiter::start(device, &lock, &options).until_holds();
    let mut found = json(device, &lock);
    let since = found["since"].take();
    let since: Timestamp = since.as_str().expect("text").parse().expect("a time");
    assert!(
        (before..=Timestamp::now().as_second()).contains(&since.as_second()),
        "{since}"
    );
    assert_eq!(
        found,
        json!({
            "path": lock.text(),
            "state": "held",
            "holder": "app",
            "adoptable": false,
            "pid": holder.run.pid().as_raw(),
            "program": "sh",
            "since": null,
            "reason": options[1],
        })
    );
    let line = line(device, &lock, 75);
    for text in ["records", "sh", &holder.run.pid().to_string()] {
        assert!(line.contains(text), "{line}");
    }
    assert_eq!(
        json_as(device, &lock, 1000)["holder"],
        "app",
        "others see it, too"
    );
    holder.finish().succeeds();
}

fn a_lock_held_by_the_supervisor(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let expected = json!({
        "path": lock.text(), "state": "held", "holder": "supervisor", "adoptable": false,
    });
    assert_eq!(json(device, &lock), expected);
    assert_eq!(json_as(device, &lock, 1000), expected);
    assert!(line(device, &lock, 75).contains("Supervisor"));
}

fn a_lock_held_by_helios(device: &Device) {
    let lock = Lock::new();
    peers::helios_takes(&lock);
    assert_eq!(json(device, &lock)["holder"], "supervisor");
    // A user can't tell it from any other private file.
    let found = json_as(device, &lock, 1000);
    assert_eq!(
        (&found["holder"], &found["uid"]),
        (&json!("foreign"), &json!(0))
    );
}

fn a_foreign_file(device: &Device) {
    let lock = Lock::new();
    fs::write(lock.path(), "pid 7\nreason not ours\n").expect("a file");
    peers::give(lock.path(), 1000);
    assert_eq!(
        json(device, &lock),
        json!({
            "path": lock.text(), "state": "held", "holder": "foreign", "adoptable": false, "uid": 1000,
        })
    );
    assert!(line(device, &lock, 75).contains("1000"));
}

fn a_stale_file_that_root_can_take_over(device: &Device) {
    let lock = Lock::new();
    for owner in [0, 1000] {
        lock.make_stale(owner);
        assert_eq!(
            json(device, &lock),
            json!({"path": lock.text(), "state": "stale", "holder": "app", "adoptable": true})
        );
    }
    let line = line(device, &lock, 75);
    assert!(
        line.contains("died") && line.contains("takes it over"),
        "{line}"
    );
}

fn a_stale_file_that_the_user_cannot_take_over(device: &Device) {
    let lock = Lock::new();
    lock.make_stale(0);
    let found = json_as(device, &lock, 1000);
    assert_eq!(
        (&found["state"], &found["adoptable"]),
        (&json!("stale"), &json!(false))
    );
    lock.make_stale(1000);
    assert_eq!(json_as(device, &lock, 1000)["adoptable"], true);
}

fn a_lock_whose_note_cannot_be_read(device: &Device) {
    let lock = Lock::new();
    let holder = Waiter::start_as(device, &lock, &[], |run| run.after("umask 077")).until_holds();
    let expected = json!({
        "path": lock.text(), "state": "held", "holder": "app", "adoptable": false,
    });
    assert_eq!(json_as(device, &lock, 1000), expected);
    holder.finish().succeeds();
}

/// A stale file with the given content.
fn with_note(content: &[u8]) -> Lock {
    let lock = Lock::new();
    fs::write(lock.path(), content).expect("a note");
    lock.mark();
    lock
}

fn a_hostile_note_is_escaped(device: &Device) {
    let lock = with_note(b"pid 7\nprogram \x1b[2J\"}\\\xc2\x9b1m\nreason \x07\tend\x7f\"\r\n");
    let found = json(device, &lock);
    assert_eq!(found["pid"], 7);
    assert_eq!(found["program"], "\u{1b}[2J\"}\\\u{9b}1m");
    assert_eq!(found["reason"], "\u{7}\tend\u{7f}\"\r");
    let line = line(device, &lock, 75);
    let line = line.strip_suffix('\n').expect("one line");
    assert!(!line.contains(char::is_control), "{line:?}");
}

fn a_note_that_is_no_text_is_escaped(device: &Device) {
    let every_byte: Vec<u8> = (0..=255).filter(|&byte| byte != b'\n').collect();
    let lock = with_note(&[b"reason ", every_byte.as_slice()].concat());
    let found = json(device, &lock);
    let reason = found["reason"].as_str().expect("text");
    assert!(
        reason.starts_with("\0\u{1}\u{2}") && reason.contains("~\u{7f}"),
        "{reason:?}"
    );
    let line = line(device, &lock, 75);
    assert!(!line.trim_end().contains(char::is_control), "{line:?}");
    // Arbitrary numbers and an endless file do no harm.
    let lock = with_note(format!("pid {}\n{}", "9".repeat(50), "x".repeat(100_000)).as_bytes());
    assert!(json(device, &lock).get("pid").is_none());
}

fn a_look_changes_nothing(device: &Device) {
    let lock = Lock::new();
    lock.make_stale(0);
    let found = (lock.inode(), lock.mode_and_user());
    json(device, &lock);
    line(device, &lock, 75);
    assert_eq!((lock.inode(), lock.mode_and_user()), found);
    assert!(peers::host_may_reboot(&lock));
    let holder = Holder::start(device, &lock);
    json(device, &lock);
    assert!(!peers::host_may_reboot(&lock));
    holder.finish().succeeds();
}

fn status_of_a_missing_directory(device: &Device) {
    let lock = Lock::new();
    let path = lock.file("missing/updates.lock");
    let status = device
        .update_lock(["--lock"])
        .arg(&path)
        .arg("status")
        .end();
    // Nobody can hold what can't be there.
    let output = status.succeeds().output;
    let expected = format!("{}: free; its directory isn't there\n", path.display());
    assert_eq!(output, expected);
}
