//! Rounds: each contender once in each, so that what else the machine does meets all of them.

use crate::Outcome;

/// What the contenders of a row have measured in each round.
pub(crate) struct Samples {
    pub(crate) name: String,
    pub(crate) values: Vec<f64>,
}

/// Has each contender measure once a round. Each round begins with another one: none always follows the same.
pub(crate) fn interleave<C>(
    contenders: &[C],
    name: impl Fn(&C) -> &str,
    rounds: usize,
    mut measure: impl FnMut(&C) -> Outcome<f64>,
) -> Outcome<Vec<Samples>> {
    let mut samples: Vec<_> = contenders
        .iter()
        .map(|contender| Samples {
            name: name(contender).into(),
            values: Vec::with_capacity(rounds),
        })
        .collect();
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            let index = (round + turn) % contenders.len();
            let value = measure(&contenders[index])
                .map_err(|error| format!("{}: {error}", samples[index].name))?;
            samples[index].values.push(value);
        }
    }
    Ok(samples)
}
