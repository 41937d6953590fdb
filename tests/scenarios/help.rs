//! `help` and `--version`.

use crate::common::Device;

scenarios![
    help_for_each_command,
    help_names_each_option_and_its_variable,
    the_version_is_the_manifests,
    help_fits_a_terminal,
];

fn help<const N: usize>(device: &Device, words: [&str; N]) -> String {
    let output = device.update_lock(words).end().succeeds().output;
    assert!(output.ends_with('\n'), "{output:?}");
    output
}

fn help_for_each_command(device: &Device) {
    let all = help(device, ["help"]);
    assert_eq!(help(device, ["--help"]), all);
    assert_eq!(help(device, ["-h"]), all);
    for command in [
        "run", "hold", "acquire", "release", "status", "watch", "update", "doctor",
    ] {
        let mut lines = all.lines();
        lines
            .find(|line| {
                line.starts_with("  update-lock ") && line.split(' ').any(|word| word == command)
            })
            .unwrap_or_else(|| panic!("no line for {command}: {all}"));
        let phrase = lines.next().expect("what it does");
        assert!(phrase.starts_with("        "), "{command}: {all}");
        let one = help(device, ["help", command]);
        assert!(one.contains(&format!("update-lock {command}")), "{one}");
        assert_eq!(help(device, [command, "--help"]), one);
    }
}

fn help_names_each_option_and_its_variable(device: &Device) {
    let run = help(device, ["help", "run"]);
    for (option, variable) in [
        ("--no-wait", "UPDATE_LOCK_NO_WAIT"),
        ("--wait", "UPDATE_LOCK_WAIT"),
        ("--or-run", "UPDATE_LOCK_OR_RUN"),
        ("--require", "UPDATE_LOCK_REQUIRE"),
        ("--reason", "UPDATE_LOCK_REASON"),
        ("--on-lost", "UPDATE_LOCK_ON_LOST"),
        ("--after", "UPDATE_LOCK_AFTER"),
        ("--open", "UPDATE_LOCK_OPEN"),
        ("--trust-clock", "UPDATE_LOCK_TRUST_CLOCK"),
        ("--group", "UPDATE_LOCK_GROUP"),
        ("-E", "UPDATE_LOCK_EXIT_CODE"),
    ] {
        assert!(
            run.contains(option) && run.contains(variable),
            "{option}: {run}"
        );
    }
    for (command, option, variable) in [
        ("release", "--update", "UPDATE_LOCK_UPDATE"),
        ("release", "--for", "UPDATE_LOCK_FOR"),
        ("acquire", "--shared", "UPDATE_LOCK_SHARED"),
        ("update", "--cancel", "UPDATE_LOCK_CANCEL"),
        ("watch", "--json", "UPDATE_LOCK_JSON"),
        ("hold", "--while", "UPDATE_LOCK_WHILE"),
        ("hold", "--every", "UPDATE_LOCK_EVERY"),
        ("acquire", "--for", "UPDATE_LOCK_FOR"),
        ("acquire", "--wait", "UPDATE_LOCK_WAIT"),
        ("status", "--json", "UPDATE_LOCK_JSON"),
    ] {
        let help = help(device, ["help", command]);
        assert!(help.contains(option) && help.contains(variable), "{help}");
    }
    for command in ["release", "update"] {
        let help = help(device, ["help", command]);
        let (_, force) = help.split_once("\n  --force\n").expect("the option");
        let line = force.lines().next().expect("what it does");
        assert!(!line.contains('['), "it has no variable: {line}");
    }
    let all = help(device, ["help"]);
    assert!(
        all.contains("--lock") && all.contains("UPDATE_LOCK_PATH"),
        "{all}"
    );
}

fn the_version_is_the_manifests(device: &Device) {
    let version = concat!("update-lock ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(help(device, ["--version"]), version);
}

fn help_fits_a_terminal(device: &Device) {
    for command in [
        "run", "hold", "acquire", "release", "status", "watch", "update", "doctor",
    ] {
        let text = help(device, ["help", command]);
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }
}
