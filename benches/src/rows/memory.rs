//! What a process takes that holds a lock, or waits for one: by `/proc/PID/smaps_rollup` (Linux 4.14).

use std::fs;
use std::path::Path;

use crate::contender::OURS;
use crate::parties::{self, FLOOR, Party};
use crate::places::Places;
use crate::rounds::Samples;
use crate::settings::Settings;
use crate::table::Row;
use crate::{Outcome, complaint};

/// KiB.
#[derive(Clone, Copy)]
struct Memory {
    /// Written pages that no other process has.
    private_dirty: f64,
    /// All pages, those of shared libraries too.
    resident: f64,
    /// The same, a page that some processes share divided by their number.
    proportional: f64,
}

impl Memory {
    fn of(pid: u32) -> Outcome<Self> {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let field = |name: &str| {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name));
            let value = line.and_then(|line| line.trim().strip_suffix("kB"));
            value
                .and_then(|value| value.trim().parse().ok())
                .ok_or_else(|| complaint(name))
        };
        Ok(Self {
            private_dirty: field("Private_Dirty:")?,
            resident: field("Rss:")?,
            proportional: field("Pss:")?,
        })
    }
}

/// A party's name and its process's memory.
type Named = (String, Memory);

pub(crate) fn measure(places: &Places, settings: &Settings) -> Outcome<Vec<Row>> {
    let mut parties = parties::all(places)?;
    parties.push(parties::acquire(places));
    let (mut holding, mut waiting, mut together) = (Vec::new(), Vec::new(), Vec::new());
    for party in &parties {
        holding.push((party.name.clone(), of_holder(party)?));
        if party.can_wait() {
            waiting.push((party.name.clone(), of_waiter(party)?));
        }
        let all = of_holders(party, settings.holders)?;
        together.push(Samples {
            name: party.name.clone(),
            values: vec![all],
        });
    }
    let title = format!(
        "Memory of {} holders of a lock each, together",
        settings.holders
    );
    Ok(vec![
        row(
            "holding-private",
            "Memory of a holder, private and dirty",
            &holding,
            |memory| memory.private_dirty,
        ),
        row(
            "holding-resident",
            "Memory of a holder, resident",
            &holding,
            |memory| memory.resident,
        ),
        row(
            "waiting-private",
            "Memory of a waiter, private and dirty",
            &waiting,
            |memory| memory.private_dirty,
        ),
        row(
            "waiting-resident",
            "Memory of a waiter, resident",
            &waiting,
            |memory| memory.resident,
        ),
        Row::new("holders", &title, "KiB", &together).against(FLOOR, OURS),
    ])
}

fn row(id: &str, title: &str, named: &[Named], figure: impl Fn(&Memory) -> f64) -> Row {
    let samples = named.iter().map(|(name, memory)| Samples {
        name: name.clone(),
        values: vec![figure(memory)],
    });
    Row::new(id, title, "KiB", &samples.collect::<Vec<_>>()).against(FLOOR, OURS)
}

fn of_holder(party: &Party) -> Outcome<Memory> {
    let holder = party.start_holder(&party.lock)?;
    let memory = Memory::of(holding_process(party, &party.lock, holder.pid())?)?;
    holder.release()?;
    Ok(memory)
}

fn of_waiter(party: &Party) -> Outcome<Memory> {
    let holder = party.start_holder(&party.lock)?;
    let waiter = party.start_waiter(0)?;
    parties::until_asleep(&[waiter.pid()])?;
    let memory = Memory::of(waiter.pid())?;
    holder.release()?;
    waiter.end()?;
    Ok(memory)
}

/// All of them at once, each with a lock of its own.
fn of_holders(party: &Party, count: usize) -> Outcome<f64> {
    let lock_of = |number: usize| party.lock.with_extension(number.to_string());
    let holders = (0..count).map(|number| party.start_holder(&lock_of(number)));
    let holders = holders.collect::<Outcome<Vec<_>>>()?;
    let mut sum = 0.0;
    for (number, holder) in holders.iter().enumerate() {
        sum += Memory::of(holding_process(party, &lock_of(number), holder.pid())?)?.proportional;
    }
    for holder in holders {
        holder.release()?;
    }
    Ok(sum)
}

/// The process that has been started, or the keeper that it has left the lock to.
fn holding_process(party: &Party, lock: &Path, started: u32) -> Outcome<u32> {
    if party.name != parties::OUR_ACQUIRE {
        return Ok(started);
    }
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        // It may have ended meanwhile.
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words: Vec<_> = words.split(|byte| *byte == 0).collect();
        if pid != started && words.get(2) == Some(&lock.as_os_str().as_encoded_bytes()) {
            return Ok(pid);
        }
    }
    Err(complaint("acquire has left no keeper"))
}
