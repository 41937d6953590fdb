//! What happens between real processes and real files, one topic a file.

use crate::common::Device;
use crate::common::old::Old;

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

mod acquire;
mod after;
mod anything;
mod api;
mod c_library;
mod container;
mod contention;
mod crash;
mod descriptors;
mod diagnosis;
mod environment;
mod exit_status;
mod help;
mod hold;
mod init;
mod interactive;
mod interleaving;
mod interpreters;
pub(crate) mod life;
mod lockfile;
mod loss;
mod nesting;
mod obstacles;
mod overrides;
mod peers;
mod pid1;
mod probes;
mod release;
mod resources;
mod selftest;
mod sharing;
mod signals;
mod status;
mod supervisor;
mod surroundings;
mod usage;
mod users;
mod waiting;
mod watch;
mod windows;

/// All scenarios.
pub(crate) fn all() -> impl Iterator<Item = &'static Scenario> {
    [
        acquire::SCENARIOS,
        after::SCENARIOS,
        anything::SCENARIOS,
        api::SCENARIOS,
        c_library::SCENARIOS,
        container::SCENARIOS,
        contention::SCENARIOS,
        crash::SCENARIOS,
        descriptors::SCENARIOS,
        diagnosis::SCENARIOS,
        environment::SCENARIOS,
        exit_status::SCENARIOS,
        help::SCENARIOS,
        hold::SCENARIOS,
        init::SCENARIOS,
        interactive::SCENARIOS,
        interleaving::SCENARIOS,
        interpreters::SCENARIOS,
        life::SCENARIOS,
        lockfile::SCENARIOS,
        loss::SCENARIOS,
        nesting::SCENARIOS,
        obstacles::SCENARIOS,
        overrides::SCENARIOS,
        peers::SCENARIOS,
        pid1::SCENARIOS,
        probes::SCENARIOS,
        release::SCENARIOS,
        resources::SCENARIOS,
        selftest::SCENARIOS,
        sharing::SCENARIOS,
        signals::SCENARIOS,
        status::SCENARIOS,
        supervisor::SCENARIOS,
        surroundings::SCENARIOS,
        usage::SCENARIOS,
        users::SCENARIOS,
        waiting::SCENARIOS,
        watch::SCENARIOS,
        windows::SCENARIOS,
    ]
    .into_iter()
    .flatten()
}

/// Whether it is left to `ci/prove`: an older kernel has the share here in which a lock has its day.
pub(crate) fn is_for_ci_prove(device: &Device, name: &str) -> bool {
    let is_share = surroundings::SCENARIOS
        .iter()
        .any(|scenario| scenario.name == name);
    matches!(device.old(), Some(Old::Kernel)) && !is_share
}
