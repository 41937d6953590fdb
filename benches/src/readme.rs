//! What the README shows of a release's figures: a line for each contender, a column for each question.

use std::fs;
use std::path::Path;

use crate::contender::{CREATE_AND_UNLINK, OURS, SAME_CALLS, START_AND_WAIT};
use crate::parties::{self, OUR_RUN};
use crate::table::{Row, Table, shown};
use crate::{Outcome, complaint};

/// What is between these lines is written here.
const BEGIN: &str = "<!-- figures: written by ci/bench --record -->\n";
const END: &str = "<!-- end of the figures -->\n";

/// A line: what it is called, and its names in the rows, of which the first one that is there counts.
type Line = (&'static str, &'static [&'static str]);

/// A row's `id`, and what it is called here.
type Column = (&'static str, &'static str);

const LIBRARIES: [Line; 14] = [
    ("`update-lock`", &[OURS]),
    ("the same calls in C", &[SAME_CALLS, parties::FLOOR]),
    (
        "std `create_new`, `lock`",
        &["std create_new, lock, remove_file"],
    ),
    ("crate `fs4`", &["crate fs4"]),
    ("crate `fd-lock`", &["crate fd-lock"]),
    ("crate `fslock`", &["crate fslock"]),
    ("crate `named-lock`", &["crate named-lock"]),
    ("crate `pidlock`", &["crate pidlock"]),
    ("npm `lockfile`, sync", &["npm lockfile, sync"]),
    ("npm `lockfile`", &["npm lockfile"]),
    ("npm `proper-lockfile`", &["npm proper-lockfile"]),
    ("PyPI `lockfile`", &["PyPI lockfile"]),
    ("PyPI `filelock`", &["PyPI filelock"]),
    ("PyPI `portalocker`", &["PyPI portalocker"]),
];
const OF_LIBRARIES: [Column; 6] = [
    ("cycle", "acquire and release"),
    ("calls", "system calls"),
    ("fail", "a try at a held lock"),
    ("wake-1", "from a release to the waiter's lock"),
    ("wake-64", "the same with 64 waiters"),
    ("waiting-private", "own memory of a waiter"),
];

const PROGRAMS: [Line; 7] = [
    ("`update-lock`", &[OUR_RUN, OURS]),
    ("what it takes, in C", &[START_AND_WAIT, CREATE_AND_UNLINK]),
    ("`flock(1)`", &["flock(1)"]),
    ("procmail `lockfile`", &["procmail lockfile"]),
    ("`dotlockfile`", &["dotlockfile"]),
    ("tini", &["tini"]),
    ("dumb-init", &["dumb-init"]),
];
const OF_PROGRAMS: [Column; 6] = [
    ("run", "around a command, over the command alone"),
    ("shell", "acquire and release from a shell"),
    ("pid1", "as PID 1, over the command as PID 1"),
    ("wake-1", "from a release to the waiter's command"),
    ("waiting-private", "own memory of a waiter"),
    ("disk", "on disk, with what it needs"),
];

/// Puts a table's figures into the README.
///
/// # Errors
///
/// Where there is no place for them.
pub(crate) fn write(table: &Path, readme: &Path) -> Outcome<()> {
    let text = fs::read_to_string(readme)?;
    Ok(fs::write(readme, with_figures(&text, table)?)?)
}

/// Whether the README has a table's figures.
///
/// # Errors
///
/// Where it has others.
pub(crate) fn check(table: &Path, readme: &Path) -> Outcome<()> {
    let text = fs::read_to_string(readme)?;
    if with_figures(&text, table)? == text {
        return Ok(());
    }
    Err(complaint(&format!(
        "{} doesn't have the figures of {}",
        readme.display(),
        table.display()
    )))
}

fn with_figures(text: &str, table: &Path) -> Outcome<String> {
    let table = Table::read(table)?;
    let parts = text
        .split_once(BEGIN)
        .and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let (head, tail) = parts.ok_or_else(|| complaint("README: no place for figures"))?;
    let libraries = matrix(&table, "in a process", &LIBRARIES, &OF_LIBRARIES);
    let programs = matrix(&table, "a command", &PROGRAMS, &OF_PROGRAMS);
    Ok(format!(
        "{head}{BEGIN}\n{libraries}\n{programs}\n{END}{tail}"
    ))
}

fn matrix(table: &Table, title: &str, lines: &[Line], columns: &[Column]) -> String {
    let mut text = format!("| {title} |");
    for (_, name) in columns {
        text += &format!(" {name} |");
    }
    text += &format!("\n|---|{}\n", "---:|".repeat(columns.len()));
    for (title, names) in lines {
        text += &format!("| {title} |");
        for (id, _) in columns {
            let row = table.rows.iter().find(|row| row.id == *id);
            let figure = row.and_then(|row| figure(row, names));
            text += &format!(" {} |", figure.unwrap_or_else(|| "-".into()));
        }
        text += "\n";
    }
    text
}

fn figure(row: &Row, names: &[&str]) -> Option<String> {
    let mut cells = names.iter().filter_map(|name| {
        let mut cells = row.cells.iter();
        cells.find(|cell| cell.contender == *name)
    });
    Some(shown(cells.next()?.summary.median, &row.unit))
}
