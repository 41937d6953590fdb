//! `acquire` out of Python and Node, whose children are often started by a shell that is gone at once.

use std::fs;

use super::acquire::until_free;
use crate::common::{Device, Invocation, Lock, Process, peers};

scenarios![
    python_os_system,
    python_subprocess,
    node_exec_sync,
    node_exec_file,
    a_shell_in_between_is_whose_life_counts,
];

/// What follows the acquire in each of them: says so, and waits for the gate.
const PYTHON_REST: &str = "
open('held', 'w').write('held\\n')
gate.read()
";
const NODE_REST: &str = "
fs.writeFileSync('held', 'held\\n');
fs.readFileSync(gate);
";

/// Starts a program whose first lines acquire the lock, and sees that it is held until the program ends.
#[track_caller]
fn expect_held_until_the_end(device: &Device, program: &str, name: &str, script: &str) {
    let lock = Lock::new();
    let gate = lock.gate("gate");
    fs::write(lock.file(name), script).expect("a script");
    let interpreter = Invocation::of([program, name]);
    let mut process = device.in_sight_of(&lock, interpreter).start();
    expect_held(&lock, &mut process);
    drop(gate);
    process.end().exits_with(0);
    until_free(&lock);
}

#[track_caller]
fn expect_held(lock: &Lock, process: &mut Process) {
    crate::common::wait::until("the script is done or goes on", || {
        !process.is_running() || lock.lines("held") == 1
    });
    assert!(process.is_running(), "{:#?}", process.end());
    assert!(!peers::supervisor_takes(lock), "{}", process.errors());
    assert!(!peers::host_may_reboot(lock));
}

fn python(acquire: &str) -> String {
    format!("import os, subprocess\ngate = open('gate')\n{acquire}\n{PYTHON_REST}")
}

fn node(acquire: &str) -> String {
    format!(
        "const fs = require('fs');
         const {{ execFileSync, execSync }} = require('child_process');
         const gate = fs.openSync('gate', 'r');
         {acquire}
         {NODE_REST}"
    )
}

fn python_os_system(device: &Device) {
    let script = python("assert os.system(f'update-lock acquire --for {os.getpid()}; exit') == 0");
    expect_held_until_the_end(device, "python3", "script.py", &script);
}

fn python_subprocess(device: &Device) {
    // `--for` may be left out: there is no shell in between.
    let script = python("subprocess.run(['update-lock', 'acquire'], check=True)");
    expect_held_until_the_end(device, "python3", "script.py", &script);
}

fn node_exec_sync(device: &Device) {
    let script = node("execSync(`update-lock acquire --for ${process.pid}; exit`);");
    expect_held_until_the_end(device, "node", "script.js", &script);
}

fn node_exec_file(device: &Device) {
    let script = node("execFileSync('update-lock', ['acquire']);");
    expect_held_until_the_end(device, "node", "script.js", &script);
}

/// Without `--for`, the lock ends with the shell, and `acquire` has said that it would.
fn a_shell_in_between_is_whose_life_counts(device: &Device) {
    let lock = Lock::new();
    let script = "import os, subprocess
said = subprocess.run('update-lock acquire; echo $$', shell=True, capture_output=True, text=True).stdout
line, shell = said.splitlines()
assert line.endswith(f'the end of process {shell} (sh)'), said
assert int(shell) != os.getpid()
";
    fs::write(lock.file("script.py"), script).expect("a script");
    let interpreter = Invocation::of(["python3", "script.py"]);
    device.in_sight_of(&lock, interpreter).end().exits_with(0);
    until_free(&lock);
}
