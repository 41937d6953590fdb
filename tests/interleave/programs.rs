//! The driver and the program, as they are, and as they would be with one of their precautions left out.
//!
//! Those of one build are in one directory: `driver`, `update-lock`, and the command `empty`.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use crate::scenario::Scenario;

/// The devices that this machine runs by itself, and their triples.
pub(crate) const DEVICES: [(&str, &str); 2] = [
    ("amd64", "x86_64-unknown-linux-gnu"),
    ("i386", "i686-unknown-linux-gnu"),
];

const PROGRAMS: &str = "target/interleave/programs";

/// A change of the sources that takes a precaution away.
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
    Mutant {
        name: "a_release_that_does_not_wait_for_its_keeper",
        scenario: "free: Acquire* Release",
        file: "src/keeper.rs",
        from: "        let is_free = try_flock(&self.file, EXCLUSIVE)?;\n",
        to: "        let is_free = true;\n",
    },
    Mutant {
        name: "a_release_that_does_not_wait_for_the_keeper_of_a_share",
        scenario: "free: AcquireShared* Release",
        file: "targets/cli/src/shared_keeper.rs",
        from: "    while is_byte_locked(file.as_fd(), byte).map_err(error)? {\n",
        to: "    while !has_asked {\n",
    },
    Mutant {
        name: "no_look_whether_the_keeper_has_gone",
        scenario: "free: AcquireShared* Release Person",
        file: "targets/cli/src/shared_keeper.rs",
        from: "        Err(_) if !is_kept(path, byte) => return",
        to: "        Err(_) if false => return",
    },
    Mutant {
        name: "no_patience_with_another_who_asks",
        scenario: "free: AcquireShared* Release! Release",
        file: "targets/cli/src/shared_keeper.rs",
        from: "        Err(Errno::AGAIN) => return Ok(false),\n",
        to: "        Err(Errno::AGAIN) if false => return Ok(false),\n",
    },
    Mutant {
        name: "no_second_request_where_who_asked_is_killed",
        scenario: "free: AcquireShared* Release! Release",
        file: "targets/cli/src/shared_keeper.rs",
        from: "Err(Errno::AGAIN) => return Ok(false)",
        to: "Err(Errno::AGAIN) => return Ok(true)",
    },
    Mutant {
        name: "no_flock_before_an_old_file_is_removed",
        scenario: "stale: Lockfile Exclusive",
        file: "targets/cli/src/semaphore.rs",
        from: "flock(file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK)",
        to: "flock(file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::BADF)",
    },
    Mutant {
        name: "no_second_look_before_an_old_file_is_removed",
        scenario: "stale: Lockfile Lockfile",
        file: "targets/cli/src/semaphore.rs",
        from: "    if !is_older(path, limit) {\n        return Ok(false);\n    }\n    unlinkat",
        to: "    unlinkat",
    },
];

/// The directory of the programs for a device of this machine's.
pub(crate) fn of_device(device: &str) -> PathBuf {
    static BUILD: OnceLock<()> = OnceLock::new();
    let directory = |device| Path::new(PROGRAMS).join(device);
    BUILD.get_or_init(|| {
        let manifest = Path::new("Cargo.toml");
        build("amd64 i386", "update-lock-driver", manifest, "target/cross");
        for (device, triple) in DEVICES {
            let (built, own) = (built("target/cross", triple), directory(device));
            fs::create_dir_all(&own).expect("a directory");
            put(&built.join("driver"), &own);
            let built = Path::new("target/devices").join(device);
            put(&built.join("update-lock"), &own);
            put(&built.join("empty"), &own);
        }
    });
    directory(device)
}

/// The directory of the programs for amd64 without one precaution, from a copy of the sources. The program is there if the
/// mutant's scenario needs it.
///
/// # Panics
///
/// If the source that it changes isn't there exactly once.
pub(crate) fn of_mutant(mutant: &Mutant) -> PathBuf {
    // Cargo tells two copies of one workspace apart by nothing but the times of their files: so there is one, which is changed
    // and changed back.
    static COPY: Mutex<()> = Mutex::new(());
    let _guard = COPY.lock();
    let copy = Path::new("target/interleave/copy");
    let own = Path::new(PROGRAMS).join(mutant.name);
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
    let (hash, known) = (hasher.finish().to_string(), own.join("source"));
    if fs::read_to_string(&known).ok().as_ref() != Some(&hash) {
        fs::create_dir_all(&own).expect("a directory");
        let [(_, triple), _] = DEVICES;
        let (manifest, target) = (copy.join("Cargo.toml"), "target/interleave/cross");
        let built = built(target, triple);
        build("amd64", "update-lock-driver", &manifest, target);
        put(&built.join("driver"), &own);
        let cast = Scenario::parse(mutant.scenario).cast;
        if cast.iter().any(|role| role.is_program()) {
            build("amd64", "update-lock-cli", &manifest, target);
            put(&built.join("update-lock"), &own);
        }
        fs::write(known, hash).expect("a file");
    }
    own
}

fn built(target: &str, triple: &str) -> PathBuf {
    Path::new(target).join(triple).join("release")
}

/// Copies what has been built into a directory, where an older one may be, and be running.
fn put(built: &Path, directory: &Path) {
    let program = directory.join(built.file_name().expect("a program"));
    let new = program.with_extension(std::process::id().to_string());
    fs::copy(built, &new).expect("ci/build has built it");
    fs::rename(new, program).expect("the same directory");
}

fn build(devices: &str, package: &str, manifest: &Path, target: &str) {
    let output = Command::new("ci/cargo")
        .env("TARGET_DIRECTORY", target)
        .args([devices, "build", "--release", "-p", package])
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
