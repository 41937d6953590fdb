//! What happens between real processes and real files, one topic a file.

use crate::common::Device;

/// Something that happens, to be seen on every device.
pub(crate) struct Scenario {
    /// What happens.
    pub(crate) name: &'static str,
    /// Makes it happen; panics where it comes out otherwise.
    pub(crate) play: fn(&Device),
}

/// Lists a file's scenarios, by the names of their functions.
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        /// The scenarios of this file.
        pub(crate) const SCENARIOS: &[crate::scenarios::Scenario] = &[$(crate::scenarios::Scenario {
            name: stringify!($name),
            play: $name,
        }),*];
    };
}

mod container;
mod contention;
mod crash;
mod descriptors;
mod diagnosis;
mod environment;
mod exit_status;
mod help;
mod interactive;
mod interleaving;
mod lockfile;
mod loss;
mod obstacles;
mod pid1;
mod probes;
mod resources;
mod signals;
mod status;
mod supervisor;
mod usage;
mod users;
mod waiting;

/// All scenarios.
pub(crate) fn all() -> impl Iterator<Item = &'static Scenario> {
    [
        container::SCENARIOS,
        contention::SCENARIOS,
        crash::SCENARIOS,
        descriptors::SCENARIOS,
        diagnosis::SCENARIOS,
        environment::SCENARIOS,
        exit_status::SCENARIOS,
        help::SCENARIOS,
        interactive::SCENARIOS,
        interleaving::SCENARIOS,
        lockfile::SCENARIOS,
        loss::SCENARIOS,
        obstacles::SCENARIOS,
        pid1::SCENARIOS,
        probes::SCENARIOS,
        resources::SCENARIOS,
        signals::SCENARIOS,
        status::SCENARIOS,
        supervisor::SCENARIOS,
        usage::SCENARIOS,
        users::SCENARIOS,
        waiting::SCENARIOS,
    ]
    .into_iter()
    .flatten()
}
