//! The environment: the value of each variable that says where the lock and the Supervisor are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use update_lock::{Location, Origin, Supervisor};

fuzz_target!(|values: [&[u8]; 8]| {
    const NAMES: [&str; 8] = [
        "UPDATE_LOCK_PATH",
        "BALENA_APP_LOCK_PATH",
        "RESIN_APP_LOCK_PATH",
        "BALENA_SUPERVISOR_VERSION",
        "RESIN_SUPERVISOR_VERSION",
        "BALENA_SUPERVISOR_ADDRESS",
        "RESIN_SUPERVISOR_ADDRESS",
        "BALENA_SUPERVISOR_API_KEY",
    ];
    let variable = |name: &'static str| {
        let place = NAMES.iter().position(|&known| known == name)?;
        Some(values[place]).filter(|value| !value.is_empty())
    };
    if let Ok(location) = Location::find(variable)
        && matches!(
            location.origin(),
            Origin::UserVariable | Origin::SupervisorVariable
        )
    {
        assert!(values[..3].contains(&location.path().as_bytes()));
    }
    let _ = Supervisor::find(variable).map(|supervisor| supervisor.address());
});
