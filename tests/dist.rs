//! What `ci/dist` has packed, and the examples that make images of it, built as an engine builds them and run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

#[path = "common/dockerfile.rs"]
mod dockerfile;

use dockerfile::{environment, words, zone_at_noon};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const README: &str = include_str!("../README.md");
const APP: &str = include_str!("../examples/app/app/Dockerfile.template");
const APP_OF_A_PI_3: &str = include_str!("../examples/app/app/Dockerfile");
const APP_COMPOSE: &str = include_str!("../examples/app/docker-compose.yml");
const WINDOW: &str = include_str!("../examples/window/window/Dockerfile.template");
const WINDOW_COMPOSE: &str = include_str!("../examples/window/docker-compose.yml");

/// A file of `dist/`.
fn packed(name: &str) -> PathBuf {
    let path = Path::new(ROOT).join("dist").join(name);
    assert!(path.exists(), "{} is missing: run ci/dist", path.display());
    path
}

fn archive(device: &str) -> String {
    concat!("update-lock-", env!("CARGO_PKG_VERSION"), "-").to_owned() + device
}

/// balena's names for the architectures.
fn devices() -> Vec<String> {
    let table = fs::read_to_string(Path::new(ROOT).join("ci/targets")).unwrap();
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| row.split(' ').next().unwrap().to_owned())
        .collect()
}

fn unpack(archive: &Path, directory: &Path) {
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(archive).arg("-C").arg(directory);
    assert!(tar.status().unwrap().success());
}

/// The files below a directory, by their paths from there.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![directory.to_path_buf()];
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().to_path_buf();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn an_archive_for_each_device_with_its_program_and_the_same_names() {
    let devices = devices();
    assert_eq!(devices.len(), 8, "{devices:?}");
    let contents = devices.iter().map(|device| {
        let directory = tempfile::tempdir().unwrap();
        let name = archive(device);
        unpack(&packed(&format!("{name}.tar.gz")), directory.path());
        let files = files(&directory.path().join(name));
        let program = format!("{ROOT}/target/devices/{device}/update-lock");
        assert!(
            files[Path::new("bin/update-lock")] == fs::read(program).unwrap(),
            "{device}: the program isn't the one that was built"
        );
        files.into_keys().collect::<Vec<_>>()
    });
    let contents: Vec<_> = contents.collect();
    assert!(contents.iter().all(|names| *names == contents[0]));
    for name in ["LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY"] {
        let name = Path::new("share/doc/update-lock").join(name);
        assert!(contents[0].contains(&name), "{contents:?}");
    }
}

#[test]
fn the_checksums_are_those_of_all_archives() {
    let sums = fs::read_to_string(packed("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), devices().len());
    let mut check = Command::new("sha256sum");
    check.args(["--check", "--strict", "--quiet", "SHA256SUMS"]);
    assert!(check.current_dir(packed("")).status().unwrap().success());
}

/// An image: its files, and the command of its container.
struct Image {
    /// The stages by their names; the last one is the image.
    stages: Vec<(String, TempDir)>,
    command: Vec<String>,
}

impl Image {
    /// Builds a Dockerfile's image for this machine, with what `ci/dist` has packed beside it.
    fn build(template: &str) -> Self {
        let dockerfile = template.replace("%%BALENA_ARCH%%", "amd64");
        let mut image = Self {
            stages: vec![],
            command: [words(&dockerfile, "ENTRYPOINT"), words(&dockerfile, "CMD")].concat(),
        };
        for line in dockerfile.lines() {
            image.obey(&line.split(' ').collect::<Vec<_>>());
        }
        image
    }

    fn obey(&mut self, instruction: &[&str]) {
        match instruction {
            ["" | "#" | "ENTRYPOINT" | "CMD", ..] => {}
            ["FROM", _base, name @ ..] => {
                let name = name.last().unwrap_or(&"").to_string();
                self.stages.push((name, tempfile::tempdir().unwrap()));
            }
            ["ADD", archive, "/"] => unpack(&packed(archive), self.root()),
            ["COPY", "server", to] => self.copy(&Path::new(ROOT).join("tests/readme/stub"), to),
            ["COPY", from, file, to] => {
                let name = from.strip_prefix("--from=").unwrap();
                let (_, stage) = self.stages.iter().find(|(stage, _)| stage == name).unwrap();
                self.copy(&stage.path().join(&file[1..]), to);
            }
            _ => panic!("this test doesn't know it: {instruction:?}"),
        }
    }

    fn root(&self) -> &Path {
        self.stages.last().unwrap().1.path()
    }

    fn copy(&self, file: &Path, to: &str) {
        let to = self.root().join(&to[1..]);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(file, to).unwrap();
    }

    /// Its container's command, in a directory that takes the place of `/`.
    fn command(&self) -> Command {
        let root = self.root().display();
        let mut words = self
            .command
            .iter()
            .map(|word| match word.strip_prefix('/') {
                Some(path) => format!("{root}/{path}"),
                None => word.clone(),
            });
        let program = words.next().unwrap();
        // The tests' own `PATH` isn't where a `Command` without one looks.
        let program = if program.contains('/') {
            program
        } else {
            format!("{root}/usr/bin/{program}")
        };
        let mut command = Command::new(program);
        command
            .args(words)
            .env("PATH", format!("{root}/usr/bin:/usr/bin:/bin"))
            .env("UPDATE_LOCK_PATH", self.lock())
            .env_remove("BALENA_SUPERVISOR_ADDRESS");
        command
    }

    fn lock(&self) -> PathBuf {
        self.root().join("updates.lock")
    }
}

#[test]
fn the_app_runs_under_the_lock_outside_of_its_window() {
    let image = Image::build(APP);
    let mut command = image.command();
    command
        .envs(environment(APP_COMPOSE))
        .env("TZ", zone_at_noon());
    let output = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(
        stdout.contains(r#""state":"held","holder":"app""#),
        "{output:?}"
    );
    assert!(!image.lock().exists());
}

#[test]
fn the_sidecar_s_image_is_one_file_and_holds_the_lock() {
    let image = Image::build(WINDOW);
    let names: Vec<_> = files(image.root()).into_keys().collect();
    assert_eq!(names, [Path::new("update-lock")]);

    let mut command = image.command();
    // On a day and at a time that are in no window.
    command
        .env("UPDATE_LOCK_OPEN", "02:00-04:00")
        .env("TZ", zone_at_noon());
    let mut hold = command.spawn().unwrap();
    while !image.lock().exists() {
        assert!(hold.try_wait().unwrap().is_none(), "it has ended");
        std::thread::sleep(Duration::from_millis(2));
    }
    kill(
        Pid::from_raw(hold.id().try_into().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    assert_eq!(hold.wait().unwrap().code(), Some(143));
    assert!(!image.lock().exists());
}

#[test]
fn what_the_compose_files_say_is_understood() {
    for compose in [APP_COMPOSE, WINDOW_COMPOSE] {
        assert!(compose.contains("\n      io.balena.features.supervisor-api: '1'\n"));
        let image = Image::build(WINDOW);
        let run = Command::new(image.root().join("update-lock"))
            .args(["run", "--open", "02:00-04:00", "--", "true"])
            .env("UPDATE_LOCK_PATH", image.lock())
            .envs(environment(compose))
            .output()
            .unwrap();
        assert!(run.status.success(), "{run:?}");
    }
}

#[test]
fn the_examples_are_the_readme_s() {
    let yaml = README.split("\n```yaml\n").nth(1).unwrap();
    let yaml = yaml.split("```").next().unwrap();
    assert!(WINDOW_COMPOSE.ends_with(yaml), "{yaml}");
}

/// The placeholders, as balena's builder replaces them.
#[test]
fn the_dockerfile_without_placeholders_is_the_template_s() {
    let replaced = APP
        .replace("%%BALENA_ARCH%%", "aarch64")
        .replace("%%BALENA_MACHINE_NAME%%", "raspberrypi3-64");
    assert_eq!(APP_OF_A_PI_3, replaced);
}
