//! What a cycle takes of a device's processor and of its stack, by QEMU's log of each instruction.
//!
//! ARM's processors aren't here, so it is instructions, not time. The kernel's own are not among them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::contender::{OURS, SAME_CALLS};
use crate::places::Places;
use crate::rounds::Samples;
use crate::settings::Settings;
use crate::table::Row;
use crate::{Outcome, complaint};

/// Devices that are emulated: balena's name, QEMU's program and the CPU of the oldest board, the stack pointer's name in its
/// log.
const DEVICES: [(&str, &str, &str, &str); 3] = [
    ("rpi", "qemu-arm", "arm1176", "R13="),
    ("armv7hf", "qemu-arm", "cortex-a7", "R13="),
    ("aarch64", "qemu-aarch64", "cortex-a53", " SP="),
];

/// What a program has done, from its first instruction to its last.
struct Run {
    instructions: f64,
    /// Bytes below where the kernel has left the stack.
    stack: f64,
}

pub(crate) fn measure(places: &Places, _: &Settings) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for device in &DEVICES {
        let (name, ..) = device;
        let cycle = run(places, device, &places.program_for(name, "cycle"), &[])?;
        let floor = places.floor_for(name, "same");
        let one = run(places, device, &floor, &["cycle", LOCK, "1"])?;
        let figures = |ours: f64, floor: f64| {
            [(SAME_CALLS, floor), (OURS, ours)].map(|(name, value)| Samples {
                name: name.into(),
                values: vec![value],
            })
        };
        let instructions = figures(cycle.instructions, one.instructions);
        let title =
            format!("Instructions of a program that does a cycle, outside of the kernel: {name}");
        rows.push(
            Row::new(
                &format!("instructions-{name}"),
                &title,
                "instructions",
                &instructions,
            )
            .against(SAME_CALLS, OURS),
        );
        let title = format!("Stack of a program that does a cycle: {name}");
        let stack = figures(cycle.stack, one.stack);
        rows.push(
            Row::new(&format!("stack-{name}"), &title, "bytes", &stack).against(SAME_CALLS, OURS),
        );
    }
    Ok(rows)
}

/// Where the program `cycle` has its lock.
const LOCK: &str = "/tmp/balena/updates.lock";

/// Runs a program in a mount namespace where the lock's directory is there.
fn run(
    places: &Places,
    device: &(&str, &str, &str, &str),
    program: &Path,
    arguments: &[&str],
) -> Outcome<Run> {
    let (_, qemu, cpu, stack_pointer) = device;
    // The repository may be below /tmp: what is needed is elsewhere.
    let copy = places.lock("program");
    let _ = fs::remove_file(&copy);
    fs::copy(program, &copy)?;
    let log = places.lock("log");
    let script = "mount -t tmpfs tmpfs /tmp && mkdir /tmp/balena && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args([
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
        qemu,
        "-cpu",
        cpu,
        one_by_one(qemu)?,
    ]);
    command
        .args(["-d", "exec,cpu,nochain", "-D"])
        .arg(&log)
        .arg(&copy)
        .args(arguments);
    let output = command.output()?;
    if !output.status.success() {
        return Err(complaint(&format!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        )));
    }
    read(&log, stack_pointer)
}

/// What QEMU's option for one instruction in a block is called.
fn one_by_one(qemu: &str) -> Outcome<&'static str> {
    let help = Command::new(qemu).arg("--help").output()?;
    let is_new = String::from_utf8_lossy(&help.stdout).contains("one-insn-per-tb");
    Ok(if is_new {
        "-one-insn-per-tb"
    } else {
        "-singlestep"
    })
}

fn read(log: &PathBuf, stack_pointer: &str) -> Outcome<Run> {
    let (mut instructions, mut first, mut lowest) = (0.0, None, u64::MAX);
    for line in BufReader::new(File::open(log)?).lines() {
        let line = line?;
        if line.starts_with("Trace ") {
            instructions += 1.0;
        } else if let Some((_, rest)) = line.split_once(stack_pointer) {
            let digits = rest.split_whitespace().next().unwrap_or_default();
            let pointer = u64::from_str_radix(digits, 16)?;
            first.get_or_insert(pointer);
            lowest = lowest.min(pointer);
        }
    }
    let first = first.ok_or_else(|| complaint("QEMU has logged no stack pointer"))?;
    Ok(Run {
        instructions,
        stack: (first - lowest) as f64,
    })
}
