//! The README's shell and Dockerfile examples, run as they stand there.

use std::fs;
use std::io::{Seek, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

const README: &str = include_str!("../README.md");

/// The commands that the examples protect: each says that it ran, and whether the lock was held then.
const STUBS: [&str; 4] = ["flash-modem", "collect-records", "upload-records", "server"];

/// A directory with the program, the stubs and the lock, as an example finds them.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
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
        self.0.path()
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
fn the_dockerfile_s_command_runs_under_the_lock() {
    let dockerfile = blocks("dockerfile").pop().unwrap();
    let words = |instruction: &str| -> Vec<String> {
        let line = dockerfile
            .lines()
            .find_map(|line| line.strip_prefix(instruction))
            .unwrap();
        serde_json::from_str(line.trim()).unwrap()
    };
    let place = Place::new();
    let server = place.path().join("server").display().to_string();
    let command = [words("ENTRYPOINT"), words("CMD")].concat();
    let command: Vec<_> = command
        .iter()
        .map(|word| word.replace("/app/server", &server))
        .collect();
    let output = place.run(Command::new(place.path().join(&command[0])).args(&command[1..]));
    let (stdout, stderr) = text(&output);
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(
        stdout.contains(r#""state":"held","holder":"app""#),
        "{stdout}{stderr}"
    );
    assert_eq!(stderr, "");
    place.assert_lock_is_gone();
}

#[test]
fn the_readme_names_every_option_and_variable_of_the_help() {
    let place = Place::new();
    for command in ["run", "acquire", "release", "status"] {
        let output =
            place.run(Command::new(place.path().join("update-lock")).args(["help", command]));
        let (help, _) = text(&output);
        let words = help
            .split_whitespace()
            .map(|word| word.trim_matches(['[', ']']));
        let names: Vec<_> = words
            .filter(|word| {
                word.starts_with("--") && word.len() > 2 || word.starts_with("UPDATE_LOCK_")
            })
            .collect();
        assert!(!names.is_empty());
        for name in names {
            assert!(
                ["", "status ", "release "]
                    .iter()
                    .any(|command| README.contains(&format!("`{command}{name}"))),
                "{name}"
            );
        }
    }
}
