//! What contenders do many times in one process: the time of each.

use crate::contender::Contender;
use crate::rounds::{self, Named, Samples};
use crate::settings::Settings;
use crate::{Outcome, complaint};

/// A contender, and how often it does it in a turn.
struct Repeated {
    contender: Contender,
    count: u64,
}

impl Named for Repeated {
    fn name(&self) -> &str {
        &self.contender.name
    }
}

impl Repeated {
    /// So often that a turn takes about as long as the settings say.
    fn new(contender: Contender, verb: &str, settings: &Settings) -> Outcome<Self> {
        let each = contender.time(verb, 20);
        let each = each.map_err(|error| complaint(&format!("{}: {error}", contender.name)))?;
        let count = ((settings.turn / each) as u64).clamp(10, 1_000_000);
        Ok(Self { contender, count })
    }
}

/// Nanoseconds for each.
pub(crate) fn measure(
    contenders: Vec<Contender>,
    verb: &str,
    settings: &Settings,
) -> Outcome<Vec<Samples>> {
    let repeated = contenders
        .into_iter()
        .map(|contender| Repeated::new(contender, verb, settings));
    let repeated = repeated.collect::<Outcome<Vec<_>>>()?;
    rounds::interleave(&repeated, settings.rounds, |repeated| {
        repeated.contender.time(verb, repeated.count)
    })
}
