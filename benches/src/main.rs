//! What a lock costs, beside what a user would take instead: the program of `ci/bench`, which says how to call it.
//!
//! It is one of the contenders too: `lock NAME VERB PATH [COUNT]`, see `verbs.rs`.

mod command_line;
mod contender;
mod holder;
mod locks;
mod machine;
mod parties;
mod places;
mod repeated;
mod rounds;
mod rows;
mod settings;
mod statistics;
mod table;
mod verbs;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use places::Places;
use settings::Settings;
use table::Table;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn complaint(text: &str) -> Box<dyn Error> {
    text.into()
}

fn main() -> Outcome<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((first, rest)) if first == "lock" => verbs::obey(rest),
        Some((first, rest)) if first == "measure" => measure(rest),
        _ => Err(complaint(
            "lock NAME VERB PATH [COUNT], or measure DEVICE DIRECTORY [--quick]",
        )),
    }
}

/// Measures, from the repository's directory on, and writes the table.
fn measure(words: &[String]) -> Outcome<()> {
    let [device, directory, options @ ..] = words else {
        return Err(complaint("measure DEVICE DIRECTORY [--quick]"));
    };
    let is_quick = options.iter().any(|option| option == "--quick");
    let settings = if is_quick {
        Settings::QUICK
    } else {
        Settings::FULL
    };
    let places = Places::new(Path::new("."), device)?;
    let table = Table {
        version: env!("CARGO_PKG_VERSION").into(),
        machine: machine::describe()?,
        versions: BTreeMap::new(),
        rows: rows::measure(&places, &settings)?,
    };
    let directory = Path::new(directory);
    fs::create_dir_all(directory)?;
    fs::write(
        directory.join("table.json"),
        serde_json::to_string_pretty(&table)? + "\n",
    )?;
    fs::write(directory.join("table.md"), table.to_markdown())?;
    Ok(())
}
