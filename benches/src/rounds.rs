//! Rounds: each contender once in each, so that what else the machine does meets all of them.

use crate::Outcome;

/// What a contender has measured in each round.
pub(crate) struct Samples<T = f64> {
    pub(crate) name: String,
    pub(crate) values: Vec<T>,
}

impl<T> Samples<T> {
    /// One figure of each.
    pub(crate) fn map(&self, figure: impl Fn(&T) -> f64) -> Samples {
        Samples {
            name: self.name.clone(),
            values: self.values.iter().map(figure).collect(),
        }
    }
}

/// Something that takes part.
pub(crate) trait Named {
    /// As the table names it.
    fn name(&self) -> &str;

    /// In how many of the rounds it takes part.
    fn rounds_of(&self, all: usize) -> usize {
        all
    }
}

/// Has each contender measure once a round. Each round begins with another one: none always follows the same.
pub(crate) fn interleave<C: Named, T>(
    contenders: &[C],
    rounds: usize,
    mut measure: impl FnMut(&C) -> Outcome<T>,
) -> Outcome<Vec<Samples<T>>> {
    let none = |contender: &C| Samples {
        name: contender.name().into(),
        values: Vec::with_capacity(rounds),
    };
    let mut samples: Vec<_> = contenders.iter().map(none).collect();
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            let index = (round + turn) % contenders.len();
            let contender = &contenders[index];
            if round < contender.rounds_of(rounds) {
                let value = measure(contender);
                let value = value.map_err(|error| format!("{}: {error}", contender.name()))?;
                samples[index].values.push(value);
            }
        }
    }
    Ok(samples)
}
