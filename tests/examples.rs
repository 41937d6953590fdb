//! The programs in `examples/`, which Cargo builds with the tests.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use update_lock::{LockPath, UpdateLock};

fn example(name: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let target: PathBuf = tests.ancestors().nth(2).unwrap().into();
    Command::new(target.join("examples").join(name))
}

#[test]
fn tokio_waits_and_does_something_else_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("updates.lock");
    let path = LockPath::try_from(file.as_path()).unwrap();
    let lock = UpdateLock::try_acquire(&path).unwrap();
    let mut program = example("tokio")
        .arg(&file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "meanwhile");
    drop(lock);
    let rest = lines
        .map(Result::unwrap)
        .skip_while(|line| line == "meanwhile");
    assert_eq!(rest.collect::<Vec<_>>(), ["locked", "released"]);
    assert!(program.wait().unwrap().success());
    assert!(!file.exists());
}
