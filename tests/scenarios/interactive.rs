//! `run` at a terminal: Ctrl-C once, Ctrl-Z and back.

use std::collections::BTreeMap;
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::terminal::{CTRL_C, CTRL_D, CTRL_Z, Terminal};
use crate::common::{Device, Invocation, Lock, listener, peers, proc_fs, wait};

scenarios![
    a_shell_under_a_session_leader,
    a_shell_under_a_run_in_a_shell,
    ctrl_c_reaches_the_command_once_under_a_session_leader,
    ctrl_c_reaches_the_command_once_in_a_shell,
    ctrl_c_reaches_the_command_once_with_group,
    ctrl_z_stops_the_job_and_fg_continues_it,
    ctrl_z_stops_the_job_and_fg_continues_it_with_group,
    ctrl_z_under_a_session_leader_stops_nothing,
    ctrl_z_during_the_wait,
    a_job_in_the_background_stops_when_it_reads_the_terminal,
];

/// An interactive shell without a person's settings.
const SHELL: [&str; 5] = ["bash", "--norc", "--noprofile", "--noediting", "-i"];
const PROMPT: &str = "outer> ";

/// A terminal with a shell in it, where `sh go` is `run OPTIONS -- COMMAND`.
fn shell_with(device: &Device, lock: &Lock, options: &[&str], command: &[String]) -> Terminal {
    let run = device
        .at(lock, ["run"])
        .args(options)
        .arg("--")
        .args(command);
    let script = format!("PS1='inner> ' exec {}\n", run.to_shell());
    fs::write(lock.file("go"), script).expect("a script");
    let shell = Invocation::of(SHELL)
        .env("PS1", PROMPT)
        .directory(lock.scratch());
    let mut terminal = Terminal::start(shell);
    terminal.until_shows(PROMPT);
    terminal
}

/// A terminal whose session a `run` leads.
fn leading(device: &Device, lock: &Lock, command: &[String]) -> Terminal {
    let run = device.at(lock, ["run", "--"]).args(command);
    Terminal::start(run.env("PS1", "inner> "))
}

fn shell() -> Vec<String> {
    SHELL.map(String::from).to_vec()
}

fn cat() -> Vec<String> {
    vec!["cat".into()]
}

fn heard(lock: &Lock) -> BTreeMap<i32, usize> {
    let mut counts = BTreeMap::new();
    for line in lock.read("heard").lines().skip(1) {
        let (number, _) = line.split_once(' ').expect("a number and a code");
        *counts.entry(number.parse().expect("a number")).or_default() += 1;
    }
    counts
}

/// Types Ctrl-C again and again, for a second one of the same to come would be overlooked while the first is pending.
#[track_caller]
fn expect_ctrl_c_once(terminal: &mut Terminal, lock: &Lock, run: Pid) {
    const TIMES: usize = 5;
    let interrupt = Signal::SIGINT as i32;
    for time in 1..=TIMES {
        terminal.types(CTRL_C);
        wait::until("Ctrl-C", || heard(lock).get(&interrupt) >= Some(&time));
    }
    // `run` takes signals in order, so that this one comes behind whatever it would have sent.
    kill(run, Signal::SIGUSR1).expect("kill");
    let last = Signal::SIGUSR1 as i32;
    wait::until("a last signal", || heard(lock).contains_key(&last));
    assert_eq!(heard(lock), BTreeMap::from([(interrupt, TIMES), (last, 1)]));
}

fn ctrl_c_reaches_the_command_once_under_a_session_leader(device: &Device) {
    let lock = Lock::new();
    let mut terminal = leading(
        device,
        &lock,
        &listener::words(lock.file("heard").to_str().expect("text")),
    );
    lock.until_line("heard");
    let run = terminal.leader();
    expect_ctrl_c_once(&mut terminal, &lock, run);
}

fn ctrl_c_reaches_the_command_once_in_a_shell(device: &Device) {
    ctrl_c_in_a_shell(device, &[]);
}

fn ctrl_c_reaches_the_command_once_with_group(device: &Device) {
    ctrl_c_in_a_shell(device, &["--group"]);
}

fn ctrl_c_in_a_shell(device: &Device, options: &[&str]) {
    let lock = Lock::new();
    let mut terminal = shell_with(device, &lock, options, &listener::words("heard"));
    terminal.types("sh go\n");
    lock.until_line("heard");
    let run = only_child(terminal.leader());
    expect_ctrl_c_once(&mut terminal, &lock, run);
}

#[track_caller]
fn only_child(parent: Pid) -> Pid {
    let children = proc_fs::children(parent);
    assert_eq!(children.len(), 1, "{children:?}");
    children[0]
}

fn a_shell_under_a_session_leader(device: &Device) {
    let lock = Lock::new();
    let run = device
        .at(&lock, ["run", "--"])
        .args(SHELL)
        .env("PS1", "inner> ");
    let mut terminal = Terminal::start(run);
    work_in_inner_shell(&mut terminal, &lock);
    terminal.types("exit 5\n");
    assert_eq!(terminal.end().code(), Some(5));
    assert!(!lock.is_there());
}

fn a_shell_under_a_run_in_a_shell(device: &Device) {
    let lock = Lock::new();
    let mut terminal = shell_with(device, &lock, &[], &shell());
    terminal.types("sh go\n");
    work_in_inner_shell(&mut terminal, &lock);
    terminal.types("exit 5\n");
    terminal.until_shows(PROMPT);
    terminal.types("echo code=$?\n");
    terminal.until_shows("code=5");
    assert!(!lock.is_there());
    terminal.types("exit\n");
    terminal.end();
}

/// Job control as a person expects it, under the lock.
#[track_caller]
fn work_in_inner_shell(terminal: &mut Terminal, lock: &Lock) {
    terminal.until_shows("inner> ");
    assert!(
        !terminal.screen().contains("job control"),
        "{}",
        terminal.screen()
    );
    let words = listener::words(lock.file("heard").to_str().expect("text"));
    terminal.types(&format!("{}\n", words.join(" ")));
    lock.until_line("heard");
    terminal.types(CTRL_C);
    wait::until("Ctrl-C", || !heard(lock).is_empty());
    terminal.types("\x1c");
    wait::until("Ctrl-\\", || heard(lock).len() == 2);
    assert_eq!(heard(lock), BTreeMap::from([(2, 1), (3, 1)]));
    let listener = foreground(terminal);
    kill(listener, Signal::SIGKILL).expect("kill");
    terminal.until_shows("inner> ");
    expect_stop_and_continue(terminal, "inner> ", "cat");
    assert!(!peers::host_may_reboot(lock));
}

/// The leader of the terminal's foreground process group.
fn foreground(terminal: &Terminal) -> Pid {
    proc_fs::foreground(terminal.leader()).expect("a foreground group")
}

/// `command` is a `cat`: it is stopped by Ctrl-Z, goes on with `fg`, and ends with Ctrl-D.
#[track_caller]
fn expect_stop_and_continue(terminal: &mut Terminal, prompt: &str, command: &str) {
    terminal.types(&format!("{command}\n"));
    expect_echo(terminal, "before");
    terminal.types(CTRL_Z);
    terminal.until_shows("Stopped");
    terminal.until_shows(prompt);
    terminal.types("fg\n");
    expect_echo(terminal, "after");
    terminal.types(CTRL_D);
    terminal.until_shows(prompt);
}

/// The terminal shows the word as it is typed, and `cat` repeats it.
#[track_caller]
fn expect_echo(terminal: &mut Terminal, word: &str) {
    terminal.types(&format!("{word}\n"));
    terminal.until_shows(word);
    terminal.until_shows(word);
}

fn ctrl_z_stops_the_job_and_fg_continues_it(device: &Device) {
    ctrl_z_and_fg(device, &[]);
}

fn ctrl_z_stops_the_job_and_fg_continues_it_with_group(device: &Device) {
    ctrl_z_and_fg(device, &["--group"]);
}

fn ctrl_z_and_fg(device: &Device, options: &[&str]) {
    let lock = Lock::new();
    let mut terminal = shell_with(device, &lock, options, &cat());
    terminal.types("sh go\n");
    expect_echo(&mut terminal, "before");
    let run = only_child(terminal.leader());
    let cat = only_child(run);
    terminal.types(CTRL_Z);
    terminal.until_shows("Stopped");
    terminal.until_shows(PROMPT);
    proc_fs::until_state(run, &['T']);
    proc_fs::until_state(cat, &['T']);
    assert!(!peers::host_may_reboot(&lock), "a stopped job is protected");
    terminal.types("fg\n");
    expect_echo(&mut terminal, "after");
    terminal.types(CTRL_D);
    terminal.until_shows(PROMPT);
    terminal.types("echo code=$?\n");
    terminal.until_shows("code=0");
    assert!(!lock.is_there());
}

/// There is no shell that could continue it.
fn ctrl_z_under_a_session_leader_stops_nothing(device: &Device) {
    let lock = Lock::new();
    // The shell waits for its `cat`: both are stopped, and both have to go on.
    let command = ["sh", "-c", "cat; exit 5"].map(String::from);
    let mut terminal = leading(device, &lock, &command);
    expect_echo(&mut terminal, "before");
    terminal.types(CTRL_Z);
    terminal.until_shows("^Z");
    expect_echo(&mut terminal, "after");
    terminal.types(CTRL_D);
    assert_eq!(terminal.end().code(), Some(5));
    assert!(!lock.is_there());
}

/// While it waits for the lock, too, it can be stopped and continued.
fn ctrl_z_during_the_wait(device: &Device) {
    let lock = Lock::new();
    assert!(peers::supervisor_takes(&lock));
    let mut terminal = shell_with(device, &lock, &[], &cat());
    terminal.types("sh go\n");
    terminal.until_shows("waiting for ");
    let run = only_child(terminal.leader());
    terminal.types(CTRL_Z);
    terminal.until_shows("Stopped");
    terminal.until_shows(PROMPT);
    proc_fs::until_state(run, &['T']);
    terminal.types("fg\n");
    terminal.until_shows("sh go");
    peers::supervisor_releases(&lock);
    expect_echo(&mut terminal, "after");
    terminal.types(CTRL_D);
    terminal.until_shows(PROMPT);
    assert!(!lock.is_there());
}

fn a_job_in_the_background_stops_when_it_reads_the_terminal(device: &Device) {
    let lock = Lock::new();
    let mut terminal = shell_with(device, &lock, &[], &cat());
    // The shell says at once what becomes of a job. What it doesn't know to be stopped, its `fg` doesn't continue.
    terminal.types("set -b\n");
    terminal.until_shows(PROMPT);
    terminal.types("sh go &\n");
    terminal.until_shows("Stopped");
    let run = only_child(terminal.leader());
    proc_fs::until_state(run, &['T']);
    assert!(!peers::host_may_reboot(&lock), "a stopped job is protected");
    terminal.types("fg\n");
    expect_echo(&mut terminal, "after");
    terminal.types(CTRL_D);
    terminal.until_shows(PROMPT);
    assert!(!lock.is_there());
}
