//! The man page says what the program's help says: the same options in the same order, their variables, the exit codes.

use std::collections::BTreeSet;
use std::process::Command;

const PAGE: &str = include_str!("../targets/cli/update-lock.1");
const README: &str = include_str!("../README.md");
const CODES: &str = include_str!("../targets/cli/src/report.rs");

/// What the program says of a command; of itself, where that's empty.
fn help(command: &str) -> String {
    let program = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/target/devices/amd64/update-lock"
    );
    let mut help = Command::new(program);
    help.arg("help")
        .args(Some(command).filter(|command| !command.is_empty()));
    let output = help
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; run ci/build"));
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands of which the help knows more than their names.
fn commands() -> Vec<String> {
    let help = help("");
    let lines = help.lines().filter_map(|line| {
        let line = line.strip_prefix("  update-lock ")?;
        line.strip_prefix("[--lock PATH] ").or(Some(line))
    });
    let words = lines.map(|line| line.split(' ').next().unwrap());
    words
        .filter(|word| !["help", "--version"].contains(word))
        .map(str::to_owned)
        .collect()
}

/// `--wait T`, for each option of a command.
fn options(command: &str) -> Vec<String> {
    let help = help(command);
    let lines = help.lines().filter_map(|line| line.strip_prefix("  "));
    lines
        .filter(|line| line.starts_with('-'))
        .map(str::to_owned)
        .collect()
}

/// What the page has between the heading and the next one of its kind.
fn section(macro_name: &str, title: &str) -> &'static str {
    let heading = format!("\n.{macro_name} {title}\n");
    let (_, rest) = PAGE
        .split_once(&heading)
        .unwrap_or_else(|| panic!("the page has no {heading:?}"));
    let end = [".Sh ", ".Ss "].map(|next| rest.find(&format!("\n{next}")).unwrap_or(rest.len()));
    &rest[..end.into_iter().min().unwrap()]
}

/// The terms of a section's list.
fn terms(section: &'static str) -> impl Iterator<Item = &'static str> {
    section.lines().filter_map(|line| line.strip_prefix(".It "))
}

/// The numbers in a text, as far as they stand for exit codes.
fn codes(text: &str) -> BTreeSet<String> {
    let words = text.split(|byte: char| !byte.is_ascii_alphanumeric() && byte != '+');
    words
        .filter(|word| word.starts_with(|first: char| first.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_command_has_its_options_in_the_help_s_order() {
    let commands = commands();
    assert!(commands.len() >= 8, "{commands:?}");
    for command in &commands {
        let on_page = terms(section("Ss", command)).map(|term| {
            let name = term.strip_prefix("Fl ").expect("an option");
            format!("-{}", name.replace(" Ar ", " "))
        });
        assert_eq!(on_page.collect::<Vec<_>>(), options(command), "{command}");
    }
    let on_page = PAGE.lines().filter_map(|line| line.strip_prefix(".Ss "));
    assert_eq!(on_page.collect::<Vec<_>>(), commands);
}

#[test]
fn each_option_has_its_variable() {
    let variables = |text: &str| {
        let words = text.split(|byte: char| !byte.is_ascii_uppercase() && byte != '_');
        let words = words.filter(|word| word.starts_with("UPDATE_LOCK_"));
        words.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let mut help: BTreeSet<_> = commands()
        .iter()
        .flat_map(|command| variables(&help(command)))
        .collect();
    assert!(help.len() > 10, "{help:?}");
    // Those that belong to no option.
    help.extend(["PATH", "HELD", "HOLDER"].map(|name| format!("UPDATE_LOCK_{name}")));
    assert_eq!(variables(section("Sh", "ENVIRONMENT")), help);
}

#[test]
fn the_exit_codes_are_the_program_s_and_the_readme_s() {
    let on_page: BTreeSet<_> = terms(section("Sh", "EXIT STATUS"))
        .map(str::to_owned)
        .collect();

    let constants = CODES.lines().filter(|line| line.contains(": i32 = "));
    let constants = codes(
        &constants
            .map(|line| line.split(" = ").nth(1).unwrap())
            .collect::<Vec<_>>()
            .join(" "),
    );
    assert_eq!(constants.len(), 6, "{constants:?}");
    assert!(constants.is_subset(&on_page), "{constants:?} {on_page:?}");

    for command in commands() {
        let help = help(&command);
        if let Some((_, said)) = help.split_once("Exit code: ") {
            let said = codes(said.split("\n\n").next().unwrap());
            assert!(said.is_subset(&on_page), "{command}: {said:?}");
        }
    }

    let (_, table) = README.split_once("\n| code | meaning ").unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut in_readme = codes(
        &rows
            .map(|row| row.split('|').nth(1).unwrap())
            .collect::<String>(),
    );
    in_readme.insert("73".into()); // of `lockfile`, in a table of its own
    assert_eq!(in_readme, on_page);
}

#[test]
fn the_page_is_clean_and_both_formatters_show_it() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/targets/cli/update-lock.1");
    let lint = Command::new("mandoc")
        .args(["-T", "lint", "-W", "warning", page])
        .output()
        .unwrap();
    assert!(lint.status.success() && lint.stdout.is_empty(), "{lint:?}");

    for (formatter, arguments) in [
        ("mandoc", &["-T", "ascii"][..]),
        ("groff", &["-man", "-T", "ascii", "-P-c"]),
    ] {
        let shown = Command::new(formatter)
            .args(arguments)
            .arg(page)
            .output()
            .unwrap();
        assert!(shown.status.success(), "{shown:?}");
        assert!(shown.stderr.is_empty(), "{formatter}: {shown:?}");
        assert!(String::from_utf8_lossy(&shown.stdout).contains("signal N ended it"));
    }
}
