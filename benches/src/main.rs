//! What a lock costs, beside what a user would take instead: the program of `ci/bench`, which says how to call it.
//!
//! It is one of the contenders too: `lock NAME VERB PATH [COUNT]`, see `verbs.rs`.

mod command_line;
mod contender;
mod holder;
mod ledger;
mod locks;
mod machine;
mod parties;
mod places;
mod plot;
mod readme;
mod repeated;
mod rounds;
mod rows;
mod settings;
mod statistics;
mod table;
mod verbs;
mod versions;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use places::Places;
use settings::Settings;
use table::Table;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn complaint(text: &str) -> Box<dyn Error> {
    text.into()
}

const USAGE: &str = "lock NAME VERB PATH [COUNT]; measure DEVICE DIRECTORY [--quick] [NAME...]; compare TABLE TABLE; readme|check TABLE README";

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["lock", ref rest @ ..] => verbs::obey(rest),
        ["measure", device, directory, "--quick", ref names @ ..] => {
            measure(device, Path::new(directory), &Settings::QUICK, names)
        }
        ["measure", device, directory, ref names @ ..] => {
            measure(device, Path::new(directory), &Settings::FULL, names)
        }
        ["readme", table, readme] => readme::write(Path::new(table), Path::new(readme)),
        ["check", table, readme] => readme::check(Path::new(table), Path::new(readme)),
        ["compare", then, now] => ledger::compare(Path::new(then), Path::new(now)),
        _ => Err(complaint(USAGE)),
    };
    let Err(error) = outcome else {
        return ExitCode::SUCCESS;
    };
    eprintln!("update-lock-bench: {error}");
    ExitCode::FAILURE
}

/// Measures, from the repository's directory on, and writes the table and its plots.
fn measure(device: &str, directory: &Path, settings: &Settings, names: &[&str]) -> Outcome<()> {
    let places = Places::new(Path::new("."), device)?;
    let table = Table {
        version: env!("CARGO_PKG_VERSION").into(),
        machine: machine::describe()?,
        versions: versions::all(&places)?,
        rows: rows::measure(names, &places, settings)?,
    };
    fs::create_dir_all(directory)?;
    fs::write(
        directory.join("table.json"),
        serde_json::to_string_pretty(&table)? + "\n",
    )?;
    fs::write(directory.join("table.md"), table.to_markdown())?;
    plot::write_all(&table.rows, &directory.join("plots"))
}
