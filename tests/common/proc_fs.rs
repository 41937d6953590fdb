//! What `/proc` says about a process.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::Pid;

use super::wait;

/// A process's state, `R`, `S`, `T`, `Z` and so on; `None` when it is gone.
pub(crate) fn state(pid: Pid) -> Option<char> {
    stat_field(pid, 0)?.chars().next()
}

/// Its parent, process group, session, controlling terminal and that terminal's foreground group follow its state.
/// See proc(5).
fn stat_field(pid: Pid, index: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(index).map(str::to_string)
}

fn stat_pid(pid: Pid, index: usize) -> Option<Pid> {
    stat_field(pid, index)?.parse().ok().map(Pid::from_raw)
}

/// The processes of a session.
pub(crate) fn of_session(leader: Pid) -> Vec<Pid> {
    all()
        .filter(|&pid| stat_pid(pid, 3) == Some(leader))
        .collect()
}

fn all() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").expect("/proc");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.map(Pid::from_raw)
}

/// The leader of its session.
pub(crate) fn session(pid: Pid) -> Option<Pid> {
    stat_pid(pid, 3)
}

/// The foreground process group of its terminal.
pub(crate) fn foreground(pid: Pid) -> Option<Pid> {
    stat_pid(pid, 5)
}

/// Whether it is there and no zombie. Of an emulator the first thread may be one while others still have its files.
pub(crate) fn is_alive(pid: Pid) -> bool {
    let threads = || fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    state(pid).is_some_and(|state| state != 'Z' || threads() > 1)
}

/// Waits until a process is in `state`.
#[track_caller]
pub(crate) fn until_state(pid: Pid, states: &[char]) {
    wait::until(&format!("process {pid} in state {states:?}"), || {
        state(pid).is_some_and(|state| states.contains(&state))
    });
}

/// Waits until a process is gone, or a zombie.
#[track_caller]
pub(crate) fn until_dead(pid: Pid) {
    wait::until(&format!("the end of process {pid}"), || !is_alive(pid));
}

/// The processes that have a file open.
pub(crate) fn with_open(path: &Path) -> Vec<Pid> {
    let has_it = |pid: &Pid| {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
            return false;
        };
        let mut targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        targets.any(|target| target == path)
    };
    all().filter(has_it).collect()
}

/// How many bytes of a file are locked, each by one descriptor.
pub(crate) fn locked_bytes(path: &Path) -> usize {
    let holders = with_open(path).into_iter();
    let texts = holders.flat_map(|pid| {
        let infos = fs::read_dir(format!("/proc/{pid}/fdinfo"))
            .into_iter()
            .flatten();
        infos.filter_map(|info| fs::read_to_string(info.ok()?.path()).ok())
    });
    texts.map(|text| text.matches("OFDLCK").count()).sum()
}

/// What its open descriptors are.
pub(crate) fn descriptors(pid: Pid) -> BTreeMap<u32, PathBuf> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors");
    let number = |path: &Path| path.file_name()?.to_str()?.parse().ok();
    let entries = entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        Some((number(&path)?, fs::read_link(path).ok()?))
    });
    entries.collect()
}

/// Its children.
pub(crate) fn children(pid: Pid) -> Vec<Pid> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let numbers = list.unwrap_or_default();
    let numbers = numbers.split_whitespace();
    numbers
        .filter_map(|number| number.parse().ok().map(Pid::from_raw))
        .collect()
}

/// A set of signals out of the text of `/proc/PID/status`: `SigBlk`, `SigIgn`, `SigCgt`.
pub(crate) fn signal_set(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let digits = line
        .expect("the line is there")
        .trim_start_matches(':')
        .trim();
    u64::from_str_radix(digits, 16).expect("a set of signals")
}
