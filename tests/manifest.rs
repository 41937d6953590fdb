//! The oldest compiler is one promise, wherever it stands, and the dependencies keep it.

use std::process::Command;

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const README: &str = include_str!("../README.md");
const CHANGELOG: &str = include_str!("../CHANGELOG.md");

/// The packages of the workspace and all that they depend on.
fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--all-features"])
        .current_dir(ROOT)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].take();
    serde_json::from_value(packages).unwrap()
}

/// `1.88` or `1.88.0`, as numbers.
fn numbers(version: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = version
        .split('.')
        .map(|part| part.parse().unwrap())
        .collect();
    numbers.resize(3, 0);
    numbers
}

#[test]
fn the_oldest_compiler_is_the_same_everywhere() {
    let promised = env!("CARGO_PKG_RUST_VERSION");
    let sentence = format!("Rust {promised} or later");
    assert!(
        README.contains(&sentence) && CHANGELOG.contains(&sentence),
        "{sentence}"
    );

    // Measurements may need what they measure: std's `File::lock`.
    let mut packages = packages();
    packages.retain(|package| package["name"] != "update-lock-bench");
    let own = packages
        .iter()
        .filter(|package| package["source"].is_null());
    for package in own {
        assert_eq!(package["rust_version"], promised, "{}", package["name"]);
    }
    let mut count = 0;
    for package in &packages {
        if let Some(needed) = package["rust_version"].as_str() {
            count += 1;
            assert!(
                numbers(needed) <= numbers(promised),
                "{}: {needed}",
                package["name"]
            );
        }
    }
    assert!(count > 20, "{count} of {}", packages.len());
}
