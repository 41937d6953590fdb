//! Too long, too many, not there.

use rustix::process::{Resource, Rlimit, setrlimit};
use update_lock::{Errno, Error, LockPath, Operation, PATH_CAPACITY, UpdateLock, status};

use crate::bench::Bench;
use crate::failure::{Outcome, ensure};

checks![
    a_path_has_at_most_255_bytes,
    a_path_names_a_file,
    a_missing_directory_is_an_error,
    without_a_descriptor_left_nothing_is_taken,
];

fn a_path_has_at_most_255_bytes(_: &Bench) -> Outcome {
    let path = [b'a'; PATH_CAPACITY];
    let longest = path.get(1..).unwrap_or_default();
    ensure(
        LockPath::new(longest)?.as_bytes() == longest,
        "as long as that",
    )?;
    ensure(
        LockPath::new(&path).err() == Some(Error::PathTooLong),
        "and not longer",
    )
}

fn a_path_names_a_file(_: &Bench) -> Outcome {
    let paths: [&[u8]; 3] = [b"", b"/tmp/", b"a\0b"];
    for path in paths {
        ensure(
            LockPath::new(path).err() == Some(Error::InvalidPath),
            "this one does not",
        )?;
    }
    Ok(())
}

fn fails_with(path: &LockPath, errno: Errno) -> Outcome {
    let operation = Operation::Create;
    let error = UpdateLock::try_acquire(path).err();
    ensure(
        error == Some(Error::System { operation, errno }),
        "the error says what is wrong",
    )
}

fn a_missing_directory_is_an_error(bench: &Bench) -> Outcome {
    let path = LockPath::in_directory(bench.other.as_bytes(), b"updates.lock")?;
    ensure(status(&path)?.is_none(), "there is no lock in it")?;
    fails_with(&path, Errno::NOENT)
}

fn without_a_descriptor_left_nothing_is_taken(bench: &Bench) -> Outcome {
    let limit = Some(3); // the standard ones
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit,
            maximum: limit,
        },
    )?;
    fails_with(&bench.path, Errno::MFILE)?;
    ensure(!bench.is_there()?, "no file is made")
}
