//! What a Dockerfile has started, and when.

use std::time::{SystemTime, UNIX_EPOCH};

/// The words of a Dockerfile's instruction; none where it isn't there.
pub(crate) fn words(dockerfile: &str, instruction: &str) -> Vec<String> {
    let mut lines = dockerfile.lines();
    let line = lines.find_map(|line| line.strip_prefix(instruction));
    line.map_or(vec![], |line| serde_json::from_str(line.trim()).unwrap())
}

/// The variables that a compose file gives its only service.
pub(crate) fn environment(compose: &str) -> Vec<(&str, &str)> {
    let (_, variables) = compose.split_once("environment:\n").unwrap();
    let variables = variables.lines().map(str::trim);
    variables
        .map(|line| line.split_once(": ").unwrap())
        .collect()
}

/// A zone in which it is noon now.
pub(crate) fn zone_at_noon() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let behind = (now.as_secs() + 12 * 3600) % (24 * 3600);
    let (sign, seconds) = match behind.checked_sub(12 * 3600) {
        Some(more) => ("-", 12 * 3600 - more),
        None => ("", behind),
    };
    format!("NOON{sign}{}:{}", seconds / 3600, seconds / 60 % 60)
}
