//! What is left of many samples.

use serde::{Deserialize, Serialize};

/// Median and quartiles, of samples in whatever unit.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) lower_quartile: f64,
    pub(crate) upper_quartile: f64,
}

impl Summary {
    /// `None` of no samples.
    pub(crate) fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            median: quantile(&sorted, 0.5)?,
            lower_quartile: quantile(&sorted, 0.25)?,
            upper_quartile: quantile(&sorted, 0.75)?,
        })
    }

    /// Of what each round says about two contenders: what slows a round down slows both, and isn't in their ratio.
    pub(crate) fn of_ratios(samples: &[f64], base: &[f64]) -> Option<Self> {
        let ratios: Vec<_> = samples
            .iter()
            .zip(base)
            .map(|(sample, base)| sample / base)
            .collect();
        Self::of(&ratios)
    }
}

/// Between the two samples beside it, in proportion.
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = part * last as f64;
    let (below, above) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    Some(below + (above - below) * place.fract())
}
