//! The table: what a run has measured, as JSON for programs and as Markdown for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::rounds::Samples;
use crate::statistics::Summary;

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
    /// `ns`, `calls`, `KiB`, `bytes`, `instructions`.
    pub(crate) unit: String,
    /// The contender that does nothing but what has to be done.
    pub(crate) floor: String,
    /// The contender that is ours.
    pub(crate) ours: String,
    pub(crate) cells: Vec<Cell>,
}

/// A contender's answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) contender: String,
    pub(crate) samples: usize,
    #[serde(flatten)]
    pub(crate) summary: Summary,
    /// Of the samples of the same rounds.
    pub(crate) over_floor: Option<Summary>,
    pub(crate) over_ours: Option<Summary>,
}

impl Row {
    /// From what the contenders have measured in each round. Those without samples aren't in it.
    pub(crate) fn new(
        id: &str,
        title: &str,
        unit: &str,
        floor: &str,
        ours: &str,
        samples: &[Samples],
    ) -> Self {
        let base = |name: &str| {
            samples
                .iter()
                .find(|samples| samples.name == name)
                .map(|samples| &samples.values)
        };
        let (floor_values, our_values) = (base(floor), base(ours));
        let cells = samples.iter().filter_map(|samples| {
            let over = |base: Option<&Vec<f64>>| Summary::of_ratios(&samples.values, base?);
            Some(Cell {
                contender: samples.name.clone(),
                samples: samples.values.len(),
                summary: Summary::of(&samples.values)?,
                over_floor: over(floor_values),
                over_ours: over(our_values),
            })
        });
        Self {
            id: id.into(),
            title: title.into(),
            unit: unit.into(),
            floor: floor.into(),
            ours: ours.into(),
            cells: cells.collect(),
        }
    }
}

impl Table {
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
        let _ = writeln!(
            text,
            "| contender | {} | quartiles | over {} | over {} |",
            self.unit, self.floor, self.ours
        );
        text += "|---|---:|---:|---:|---:|\n";
        for cell in &self.cells {
            let summary = cell.summary;
            let _ = writeln!(
                text,
                "| {} | {} | {} - {} | {} | {} |",
                cell.contender,
                short(summary.median),
                short(summary.lower_quartile),
                short(summary.upper_quartile),
                ratio(cell.over_floor),
                ratio(cell.over_ours),
            );
        }
        text
    }
}

/// Three digits that count, and all those before the point.
pub(crate) fn short(value: f64) -> String {
    let digits = if value == 0.0 {
        0
    } else {
        value.abs().log10().floor() as i32
    };
    let decimals = (2 - digits).clamp(0, 3) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        text
    }
}

fn ratio(over: Option<Summary>) -> String {
    over.map_or_else(|| "-".into(), |over| format!("{:.2}", over.median))
}
