//! The driver: as the library is, and as it would be with one of its precautions left out.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

/// The devices that this machine runs by itself, and their triples.
pub(crate) const DEVICES: [(&str, &str); 2] = [
    ("amd64", "x86_64-unknown-linux-gnu"),
    ("i386", "i686-unknown-linux-gnu"),
];

/// A change of the library's source that takes a precaution away.
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    /// Where that is fatal.
    pub(crate) scenario: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "no_identity_check_in_a_release",
        scenario: "free: Exclusive ForcedSupervisor",
        file: "src/lock.rs",
        from: "    if !hold.is_at(path)? {\n",
        to: "    if false {\n",
    },
    Mutant {
        name: "no_identity_check_in_an_adoption",
        scenario: "stale: Exclusive ForcedSupervisor",
        file: "src/adopt.rs",
        from: "Ok(now) if now.inode() == facts.inode() => now,",
        to: "Ok(now) => now,",
    },
    Mutant {
        name: "no_link_check",
        scenario: "free: Exclusive Person",
        file: "src/lock.rs",
        from: "        0 => false,\n",
        to: "        0 => true,\n",
    },
    Mutant {
        name: "close_before_unlink",
        scenario: "free: Exclusive Exclusive",
        file: "src/lock.rs",
        from: "    match rustix::fs::unlinkat(",
        to: "    let _ = rustix::fs::flock(file, FlockOperation::Unlock);\n    match rustix::fs::unlinkat(",
    },
    Mutant {
        name: "adopt_without_mark",
        scenario: "free: Exclusive Tool",
        file: "src/holder.rs",
        from: "    if !facts.is_marked() {\n",
        to: "    if false {\n",
    },
    Mutant {
        name: "no_retry",
        scenario: "free: Exclusive Host",
        file: "src/flock.rs",
        from: "        if waited == PROBE_MS {\n",
        to: "        if waited == 0 {\n",
    },
    Mutant {
        name: "no_release_mark",
        scenario: "free: Exclusive* Waiting",
        file: "src/lock.rs",
        from: "mark::HELD.union(mark::RELEASED)",
        to: "mark::HELD",
    },
    Mutant {
        name: "trust_in_the_unseen",
        scenario: "free: Exclusive* Exclusive Waiting ForcedSupervisor",
        file: "src/events.rs",
        from: "            Stranger::Came => has_come || has_gone,\n",
        to: "            Stranger::Came => has_come,\n",
    },
    Mutant {
        name: "no_trust_in_a_release",
        scenario: "free: Exclusive* Exclusive Waiting",
        file: "src/events.rs",
        from: "            Stranger::Changed => has_come,\n",
        to: "            Stranger::Changed => has_come || has_gone,\n",
    },
    Mutant {
        name: "no_comparison_after_the_conversion",
        scenario: "free: Shared* Shared* Supervisor",
        file: "src/shared.rs",
        from: "    let is_last = is_last(file)?;\n    if !hold.is_at(path)? {\n",
        to: "    let is_held = hold.is_at(path)?;\n    let is_last = is_last(file)?;\n    if !is_held {\n",
    },
];

/// The driver for a device of this machine's.
pub(crate) fn driver(device: &str) -> PathBuf {
    static BUILD: OnceLock<()> = OnceLock::new();
    let program = |device| Path::new("target/interleave").join(device);
    BUILD.get_or_init(|| {
        build("amd64 i386", Path::new("Cargo.toml"), "target/cross");
        fs::create_dir_all("target/interleave").expect("a directory");
        for (device, triple) in DEVICES {
            put("target/cross", triple, &program(device));
        }
    });
    program(device)
}

/// The driver for amd64 without one precaution, from a copy of the sources.
///
/// # Panics
///
/// If the source that it changes isn't there exactly once.
pub(crate) fn mutant(mutant: &Mutant) -> PathBuf {
    // Cargo tells two copies of one workspace apart by nothing but the times of their files: so there is one, which is changed
    // and changed back.
    static COPY: Mutex<()> = Mutex::new(());
    let _guard = COPY.lock();
    let copy = Path::new("target/interleave/copy");
    let program = Path::new("target/interleave").join(mutant.name);
    let mut hasher = DefaultHasher::new();
    fs::create_dir_all(copy).expect("a directory");
    for part in [
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "src",
        "targets",
        "tests",
        "examples",
        "benches",
    ] {
        copy_changed(Path::new(part), &copy.join(part), mutant, &mut hasher);
    }
    let (hash, known) = (
        hasher.finish().to_string(),
        program.with_extension("source"),
    );
    if fs::read_to_string(&known).ok().as_ref() != Some(&hash) {
        build("amd64", &copy.join("Cargo.toml"), "target/interleave/cross");
        let [(_, triple), _] = DEVICES;
        put("target/interleave/cross", triple, &program);
        fs::write(known, hash).expect("a file");
    }
    program
}

/// Puts what has been built there, where an older one may be, and be running.
fn put(target: &str, triple: &str, program: &Path) {
    let built = Path::new(target).join(triple).join("release/driver");
    let new = program.with_extension(std::process::id().to_string());
    fs::copy(built, &new).expect("a copy");
    fs::rename(new, program).expect("the same directory");
}

fn build(devices: &str, manifest: &Path, target: &str) {
    let output = Command::new("ci/cargo")
        .env("TARGET_DIRECTORY", target)
        .args([devices, "build", "--release", "-p", "update-lock-driver"])
        .arg("--manifest-path")
        .arg(manifest)
        .output()
        .expect("ci/cargo is there");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", manifest.display());
}

/// Copies what isn't there in this way yet, so that nothing is built twice.
fn copy_changed(from: &Path, to: &Path, mutant: &Mutant, hasher: &mut DefaultHasher) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("a directory");
        for entry in fs::read_dir(from).expect("it is there") {
            let name = entry.expect("it is there").file_name();
            copy_changed(&from.join(&name), &to.join(&name), mutant, hasher);
        }
        return;
    }
    let mut content = fs::read(from).expect("it is there");
    if from == Path::new(mutant.file) {
        let text = String::from_utf8(content).expect("text");
        let count = text.matches(mutant.from).count();
        assert_eq!(count, 1, "{}: {:?}", mutant.file, mutant.from);
        content = text.replace(mutant.from, mutant.to).into_bytes();
    }
    content.hash(hasher);
    if fs::read(to).ok().as_ref() != Some(&content) {
        fs::write(to, content).expect("a copy");
    }
}
