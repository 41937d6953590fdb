//! What the figures are of.

use std::collections::BTreeMap;
use std::fs;

use nix::sys::utsname::uname;

use crate::Outcome;

/// Processor, kernel, file system of the locks, and what else the machine did at the start.
pub(crate) fn describe() -> Outcome<BTreeMap<String, String>> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let of_processor = |key: &str| {
        let line = processors.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_string())
    };
    let system = uname()?;
    let count = processors
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let name =
        of_processor("model name").unwrap_or_else(|| system.machine().to_string_lossy().into());
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    let facts = [
        ("processor", format!("{name}, {count} of them")),
        (
            "kernel",
            format!(
                "{} {}",
                system.sysname().to_string_lossy(),
                system.release().to_string_lossy()
            ),
        ),
        ("file system of the locks", "tmpfs".into()),
        ("load before", load.into()),
    ];
    Ok(facts.map(|(key, value)| (key.into(), value)).into())
}
