//! The table: what a run has measured, as JSON for programs and as Markdown for people.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::rounds::Samples;
use crate::statistics::Summary;
use crate::{Outcome, complaint};

/// A whole run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Table {
    /// update-lock's version.
    pub(crate) version: String,
    /// Processor, kernel, file system.
    pub(crate) machine: BTreeMap<String, String>,
    /// The contenders' versions.
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) rows: Vec<Row>,
}

/// One question.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) title: String,
    /// `ns`, `calls`, `KiB`, `bytes`, `instructions`, or `times`.
    pub(crate) unit: String,
    /// The contender that does nothing but what has to be done.
    pub(crate) floor: Option<String>,
    /// The contender that is ours; without one all of them are.
    pub(crate) ours: Option<String>,
    /// Whether ours must not grow: what is counted, and the same in each run.
    pub(crate) is_gated: bool,
    pub(crate) cells: Vec<Cell>,
}

/// A contender's answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) contender: String,
    /// How many samples, one a round, the summary is of.
    pub(crate) rounds: usize,
    #[serde(skip)]
    samples: Vec<f64>,
    #[serde(flatten)]
    pub(crate) summary: Summary,
    /// Of the samples of the same rounds.
    pub(crate) over_floor: Option<Summary>,
    pub(crate) over_ours: Option<Summary>,
}

impl Row {
    /// From what the contenders have measured in each round. Those without samples aren't in it.
    pub(crate) fn new(id: &str, title: &str, unit: &str, samples: &[Samples]) -> Self {
        let cells = samples.iter().filter_map(|samples| {
            Some(Cell {
                contender: samples.name.clone(),
                rounds: samples.values.len(),
                samples: samples.values.clone(),
                summary: Summary::of(&samples.values)?,
                over_floor: None,
                over_ours: None,
            })
        });
        Self {
            id: id.into(),
            title: title.into(),
            unit: unit.into(),
            floor: None,
            ours: None,
            is_gated: false,
            cells: cells.collect(),
        }
    }

    /// With the ratios to two of the contenders.
    pub(crate) fn against(mut self, floor: &str, ours: &str) -> Self {
        let samples_of = |name: &str| {
            let cell = self.cells.iter().find(|cell| cell.contender == name)?;
            Some(cell.samples.clone())
        };
        let (floor_samples, our_samples) = (samples_of(floor), samples_of(ours));
        for cell in &mut self.cells {
            let over = |base: &Option<Vec<f64>>| Summary::of_ratios(&cell.samples, base.as_ref()?);
            (cell.over_floor, cell.over_ours) = (over(&floor_samples), over(&our_samples));
        }
        self.floor = floor_samples.map(|_| floor.into());
        self.ours = Some(ours.into());
        self
    }

    /// Whether the cell is of a contender that is ours.
    pub(crate) fn is_ours(&self, cell: &Cell) -> bool {
        let ours = self.ours.as_deref();
        ours.is_none_or(|ours| cell.contender.starts_with(ours))
    }

    /// Of figures that must not grow.
    pub(crate) fn gated(mut self) -> Self {
        self.is_gated = true;
        self
    }
}

impl Table {
    /// From what a run has written.
    ///
    /// # Errors
    ///
    /// Where the file isn't there, or is no table.
    pub(crate) fn read(file: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(file)
            .map_err(|error| complaint(&format!("{}: {error}", file.display())))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// For people.
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = format!(
            "# What update-lock {} costs, beside its peers\n\n",
            self.version
        );
        for (name, value) in &self.machine {
            let _ = writeln!(text, "- {name}: {value}");
        }
        for row in &self.rows {
            text += &row.to_markdown();
        }
        text += "\n## Versions\n\n| contender | version |\n|---|---|\n";
        for (name, version) in &self.versions {
            let _ = writeln!(text, "| {name} | {version} |");
        }
        text
    }
}

impl Row {
    fn to_markdown(&self) -> String {
        let mut text = format!("\n## {}\n\n", self.title);
        let over = |name: &Option<String>| {
            name.as_ref()
                .map_or(String::new(), |name| format!(" over {name} |"))
        };
        let _ = writeln!(
            text,
            "| | median | quartiles |{}{}",
            over(&self.floor),
            over(&self.ours)
        );
        let column = |name: &Option<String>| if name.is_some() { "---:|" } else { "" };
        let _ = writeln!(
            text,
            "|---|---:|---:|{}{}",
            column(&self.floor),
            column(&self.ours)
        );
        for cell in &self.cells {
            text += &cell.to_markdown(self);
        }
        text
    }
}

impl Cell {
    fn to_markdown(&self, row: &Row) -> String {
        let summary = self.summary;
        let [median, lower, upper] = [
            summary.median,
            summary.lower_quartile,
            summary.upper_quartile,
        ]
        .map(|value| shown(value, &row.unit));
        let spread = if self.rounds > 1 {
            format!("{lower} - {upper}")
        } else {
            String::new()
        };
        let over = |name: &Option<String>, over: Option<Summary>| match (name, over) {
            (None, _) => String::new(),
            (Some(_), None) => " - |".into(),
            (Some(_), Some(over)) => format!(" {} |", short(over.median)),
        };
        let (floor, ours) = (
            over(&row.floor, self.over_floor),
            over(&row.ours, self.over_ours),
        );
        format!(
            "| {} | {median} | {spread} |{floor}{ours}\n",
            self.contender
        )
    }
}

/// A figure with its unit, nanoseconds as whatever is shortest.
pub(crate) fn shown(value: f64, unit: &str) -> String {
    let (value, unit) = match (unit, value.abs()) {
        ("ns", 1e9..) => (value / 1e9, "s"),
        ("ns", 1e6..) => (value / 1e6, "ms"),
        ("ns", 1e3..) => (value / 1e3, "us"),
        _ => (value, unit),
    };
    format!("{} {unit}", short(value))
}

/// Three digits that count, and all those before the point.
pub(crate) fn short(value: f64) -> String {
    let digits = if value == 0.0 {
        0
    } else {
        value.abs().log10().floor() as i32
    };
    let decimals = (2 - digits).clamp(0, 6) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        text
    }
}
