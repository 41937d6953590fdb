//! Completion in bash: what a person types, what its readline makes of it, and what the program's help says.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What comes of each line where all completions of its last word are asked for. It is bash's own readline that does it.
fn complete<const N: usize>(lines: [&str; N]) -> [String; N] {
    let directory = tempfile::tempdir().unwrap();
    let program = format!("{ROOT}/target/devices/amd64");
    assert!(
        fs::exists(format!("{program}/update-lock")).unwrap(),
        "run ci/build"
    );
    fs::write(directory.path().join("record"), "").unwrap();
    // Ctrl-T notes the line.
    let setup = format!(
        r#"source {ROOT}/targets/cli/update-lock.bash
        bind -x '"\C-t": printf "%s\n" "$READLINE_LINE" >>lines'
        PATH={program}:$PATH"#
    );
    fs::write(directory.path().join("setup"), setup).unwrap();

    let mut bash = Command::new("bash")
        .args(["--noprofile", "--rcfile", "setup", "-i"])
        .env("HOME", directory.path())
        .current_dir(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut keys = bash.stdin.take().unwrap();
    for line in lines {
        // Alt-*: insert all completions. Ctrl-U: a new line.
        write!(keys, "{line}\x1b*\x14\x15").unwrap();
    }
    drop(keys);
    bash.wait().unwrap();

    let noted = fs::read_to_string(directory.path().join("lines")).unwrap();
    let noted: Vec<_> = noted.lines().map(|line| line.trim_end().into()).collect();
    noted.try_into().unwrap()
}

fn help(command: &str) -> String {
    let program = format!("{ROOT}/target/devices/amd64/update-lock");
    let output = Command::new(program)
        .args(["help", command])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Asserts that each line becomes the one beside it.
fn expect<const N: usize>(lines: [(&str, &str); N]) {
    let completed = complete(lines.map(|(typed, _)| typed));
    assert_eq!(completed, lines.map(|(_, expected)| expected));
}

#[test]
fn commands() {
    expect([
        (
            "update-lock ",
            "update-lock --help --lock --version acquire doctor help hold release run status update watch",
        ),
        ("update-lock r", "update-lock release run"),
        ("update-lock help ho", "update-lock help hold"),
        (
            "update-lock --lock /tmp/x st",
            "update-lock --lock /tmp/x status",
        ),
        (
            "update-lock --lock=/tmp/x st",
            "update-lock --lock=/tmp/x status",
        ),
        ("update-lock bogus ", "update-lock bogus"),
    ]);
}

#[test]
fn the_options_of_each_command() {
    let commands = [
        "run", "hold", "acquire", "release", "status", "watch", "update",
    ];
    let completed = complete(commands.map(|command| match command {
        "run" => "update-lock run -",
        "hold" => "update-lock hold ",
        "acquire" => "update-lock acquire -",
        "release" => "update-lock release ",
        "status" => "update-lock status -",
        "watch" => "update-lock watch ",
        _ => "update-lock update ",
    }));
    for (command, line) in commands.iter().zip(completed) {
        let mut options: Vec<_> = help(command)
            .lines()
            .filter_map(|line| line.strip_prefix("  -")?.split(' ').next())
            .map(|name| format!("-{name}"))
            .collect();
        options.sort();
        let mut offered: Vec<_> = line.split(' ').skip(2).map(str::to_owned).collect();
        offered.sort();
        assert_eq!(offered, options, "{command}");
    }
}

#[test]
fn what_an_override_does() {
    // The words that the help names, in the order of the alphabet.
    let help = help("run");
    let (_, words) = help.split_once("after an override: ").unwrap();
    let mut words: Vec<_> = words
        .split(['(', ' ', ',', ')', '\n', '['])
        .filter(|word| !word.is_empty() && *word != "default")
        .take(3)
        .collect();
    words.sort_unstable();
    let words = words.join(" ");
    assert_eq!(words, "ignore retake stop");
    expect([
        (
            "update-lock run --on-lost ",
            &format!("update-lock run --on-lost {words}"),
        ),
        (
            "update-lock hold --on-lost=",
            &format!("update-lock hold --on-lost={words}"),
        ),
        (
            "update-lock run --on-lost=s",
            "update-lock run --on-lost=stop",
        ),
        (
            "update-lock run --no-wait --on-lost r",
            "update-lock run --no-wait --on-lost retake",
        ),
    ]);
}

#[test]
fn the_command_that_is_run_and_its_arguments() {
    expect([
        ("update-lock run sha256su", "update-lock run sha256sum"),
        (
            "update-lock run -- sha256su",
            "update-lock run -- sha256sum",
        ),
        (
            "update-lock run --wait 5m --open=02:00-04:00 -- sha256su",
            "update-lock run --wait 5m --open=02:00-04:00 -- sha256sum",
        ),
        (
            "update-lock run -- cat rec",
            "update-lock run -- cat record",
        ),
        ("update-lock run cat --re", "update-lock run cat --re"),
        (
            "update-lock hold --while sha256su",
            "update-lock hold --while sha256sum",
        ),
        ("update-lock --lock rec", "update-lock --lock record"),
        ("update-lock --lock=rec", "update-lock --lock=record"),
        // A time is nothing that could be named.
        ("update-lock run --wait ", "update-lock run --wait"),
    ]);
}

#[test]
fn processes() {
    let own = format!("update-lock acquire --for {}", std::process::id());
    let [line] = complete([own.as_str()]);
    assert!(line.starts_with(&own), "{line}");
}
