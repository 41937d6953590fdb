//! The README's shell and Dockerfile examples, run as they stand there.

use std::fs;
use std::io::{Seek, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

#[path = "common/api.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod api;
#[path = "common/dockerfile.rs"]
mod dockerfile;

use api::{Api, KEY, State};
use dockerfile::{environment, words, zone_at_noon};

const README: &str = include_str!("../README.md");

/// The commands that the examples protect: each says that it ran, and whether the lock was held then.
const STUBS: [&str; 4] = ["flash-modem", "collect-records", "upload-records", "server"];

/// A directory with the program, the stubs and the lock, as an example finds them.
struct Place {
    directory: tempfile::TempDir,
    supervisor: Api,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            directory: tempfile::tempdir().unwrap(),
            supervisor: Api::start(State::default()),
        };
        let program =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("target/devices/amd64/update-lock");
        assert!(
            program.exists(),
            "{} is missing: run ci/build",
            program.display()
        );
        symlink(program, place.path().join("update-lock")).unwrap();
        for stub in STUBS {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/readme/stub");
            symlink(script, place.path().join(stub)).unwrap();
        }
        place
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn run(&self, command: &mut Command) -> Output {
        let path = format!(
            "{}:{}",
            self.path().display(),
            std::env::var("PATH").unwrap()
        );
        command
            .env("PATH", path)
            .env("TMPDIR", self.path())
            .env("BALENA_SUPERVISOR_ADDRESS", self.supervisor.address())
            .env("BALENA_SUPERVISOR_API_KEY", KEY)
            .env("UPDATE_LOCK_PATH", self.path().join("updates.lock"))
            .current_dir(self.path())
            .output()
            .unwrap()
    }

    fn assert_lock_is_gone(&self) {
        assert!(!self.path().join("updates.lock").exists());
    }
}

/// The README's code blocks in `language`.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("\n```{language}\n");
    let blocks = README.split(&fence).skip(1);
    blocks
        .map(|rest| rest.split("\n```").next().unwrap())
        .collect()
}

fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn every_shell_example_succeeds_and_leaves_no_lock() {
    let examples = blocks("sh");
    assert!(examples.len() >= 3, "the README has shell examples");
    for example in examples {
        let place = Place::new();
        let output = place.run(Command::new("sh").args(["-euc", example]));
        let (stdout, stderr) = text(&output);
        assert!(output.status.success(), "{example}\n{stdout}{stderr}");
        assert!(
            stdout.contains(r#""state":"held""#) || stdout.contains("held by"),
            "{example}\n{stdout}"
        );
        assert!(!stdout.contains(r#""state":"free""#), "{example}\n{stdout}");
        assert_eq!(stderr, "", "{example}");
        place.assert_lock_is_gone();
    }
}

/// Plays an example of another language under its interpreter.
fn expect_held_and_released(language: &str, interpreter: &str) {
    let example = blocks(language).pop().unwrap();
    let place = Place::new();
    let output = place.run(Command::new(interpreter).arg("-").stdin(script(example)));
    let (stdout, stderr) = text(&output);
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(
        stdout.contains(r#""state":"held""#) && stdout.contains(r#""kept":true"#),
        "{stdout}{stderr}"
    );
    assert_eq!(stderr, "");
    place.assert_lock_is_gone();
}

fn script(text: &str) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    file
}

#[test]
fn the_example_for_node() {
    expect_held_and_released("js", "node");
}

#[test]
fn the_example_for_python() {
    expect_held_and_released("python", "python3");
}

#[test]
fn the_example_for_a_busy_lock_notices_it() {
    let example = blocks("sh")
        .into_iter()
        .find(|block| block.contains("-E 200"))
        .unwrap();
    let (_, example) = example.split_once("\n\n").unwrap();
    let place = Place::new();
    fs::write(place.path().join("updates.lock"), "0").unwrap();
    let output = place.run(Command::new("sh").args(["-euc", example]));
    let (stdout, stderr) = text(&output);
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(stdout.contains("next time"), "{stdout}{stderr}");
    assert!(
        !stdout.contains("upload-records"),
        "it ran without the lock"
    );
}

#[test]
fn the_dockerfiles_commands_run_as_they_say() {
    let mut count = 0;
    for dockerfile in blocks("dockerfile") {
        let command = [words(dockerfile, "ENTRYPOINT"), words(dockerfile, "CMD")].concat();
        if command.contains(&"hold".into()) {
            continue; // a test of its own
        }
        count += 1;
        let place = Place::new();
        let server = place.path().join("server").display().to_string();
        let command: Vec<_> = command
            .iter()
            .map(|word| word.replace("/app/server", &server))
            .collect();
        let output = place.run(
            Command::new(place.path().join(&command[0]))
                .args(&command[1..])
                .env("TZ", zone_at_noon()),
        );
        let (stdout, stderr) = text(&output);
        assert!(output.status.success(), "{stdout}{stderr}");
        // An app that hasn't been up for a minute isn't protected yet.
        let state = if command.contains(&"--after".into()) {
            r#""state":"free""#
        } else {
            r#""state":"held","holder":"app""#
        };
        assert!(stdout.contains(state), "{dockerfile}\n{stdout}{stderr}");
        place.assert_lock_is_gone();
    }
    assert_eq!(count, 3);
}

#[test]
fn the_sidecar_holds_the_lock() {
    let dockerfile = blocks("dockerfile").into_iter().next_back().unwrap();
    let command = words(dockerfile, "ENTRYPOINT");
    let place = Place::new();
    let lock = place.path().join("updates.lock");
    // On a day and at a time that are in no window.
    let mut hold = Command::new(place.path().join("update-lock"))
        .args(&command[1..])
        .env("UPDATE_LOCK_PATH", &lock)
        .env("UPDATE_LOCK_OPEN", "02:00-04:00")
        .env("TZ", zone_at_noon())
        .spawn()
        .unwrap();
    while !lock.exists() {
        assert!(hold.try_wait().unwrap().is_none(), "it has ended");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let pid = nix::unistd::Pid::from_raw(hold.id().try_into().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(hold.wait().unwrap().code(), Some(143));
    place.assert_lock_is_gone();
}

/// What the sidecar's example says of its windows and its zone is understood.
#[test]
fn the_sidecar_s_variables_are_understood() {
    let yaml = blocks("yaml").pop().unwrap();
    let place = Place::new();
    let run = Command::new(place.path().join("update-lock"))
        .args(["run", "--", "true"])
        .env("UPDATE_LOCK_PATH", place.path().join("updates.lock"))
        .envs(environment(yaml))
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
}

#[test]
fn the_readme_names_every_option_and_variable_of_the_help() {
    let place = Place::new();
    for command in [
        "run", "hold", "acquire", "release", "status", "watch", "update",
    ] {
        let output =
            place.run(Command::new(place.path().join("update-lock")).args(["help", command]));
        let (help, _) = text(&output);
        let words = help
            .split_whitespace()
            .map(|word| word.trim_matches(['[', ']', '.']));
        let names: Vec<_> = words
            .filter(|word| {
                word.starts_with("--") && word.len() > 2 || word.starts_with("UPDATE_LOCK_")
            })
            .collect();
        assert!(!names.is_empty());
        for name in names {
            assert!(
                ["", "status ", "update "]
                    .iter()
                    .any(|command| README.contains(&format!("`{command}{name}"))),
                "{name}"
            );
        }
    }
}
