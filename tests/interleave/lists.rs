//! Which scenarios are explored, and how many preemptions at most: as much as `ci/test` has time for, or all that `ci/prove` has.

use crate::scenario::{PEERS, PROCESSES, Run, Scenario, Waiting};

/// Each of ours with each of all others, on a free path and on a dead holder's, with a crash at any step; and how many
/// preemptions at most.
pub(crate) fn pairs(is_thorough: bool) -> Vec<(Scenario, Option<u32>)> {
    let ours = [
        "Exclusive! Exclusive",
        "Exclusive! Shared",
        "Shared! Exclusive",
        "Shared! Shared",
        "Exclusive! Waiting",
        "Waiting! Exclusive",
        "Shared! Waiting",
        "Waiting! Shared",
        "Waiting! Waiting",
        "Run! Run",
        "Run! Exclusive",
        "Run! Shared",
        "Acquire! Release",
        "Acquire! Exclusive",
        "Exclusive! Acquire",
        "Acquire! Shared",
        "Acquire! Run",
        "Acquire! Acquire",
        "AcquireShared! Release",
        "AcquireShared! Exclusive",
        "Exclusive! AcquireShared",
        "AcquireShared! Shared",
        "Shared! AcquireShared",
        "AcquireShared! Acquire",
        "AcquireShared! AcquireShared",
        "AcquireShared! Run",
        "AcquireShared! Lockfile",
        "Run! Waiting",
        "Acquire! Waiting",
        "AcquireShared! Waiting",
        "Release! Waiting",
        "Release! Run",
        "Release! Lockfile",
        "Lockfile! Waiting",
        "Release! Acquire",
        "Release! AcquireShared",
        "Release! Release",
        "Release! Exclusive",
        "Release! Shared",
        "Lockfile! Exclusive",
        "Exclusive! Lockfile",
        "Shared! Lockfile",
        "Run! Lockfile",
        "Acquire! Lockfile",
        "Lockfile! Lockfile",
    ];
    let mut casts: Vec<_> = ours.map(String::from).to_vec();
    for first in PROCESSES {
        casts.extend(PEERS.map(|peer| format!("{first:?}! {peer:?}")));
    }
    let scenarios = casts.iter().flat_map(|cast| {
        let waits = ["Waiting", "Run", "Acquire"]
            .iter()
            .any(|role| cast.contains(role));
        let has_peer = PEERS
            .iter()
            .any(|peer| cast.ends_with(&format!("{peer:?}")));
        let starts: &[_] = match (waits, has_peer || is_thorough) {
            (false, true) => &["free", "stale", "released"],
            (false, false) | (true, true) => &["free", "stale"],
            (true, false) => &["free"],
        };
        starts
            .iter()
            .map(move |start| Scenario::parse(&format!("{start}: {cast}")))
    });
    scenarios
        .map(|scenario| {
            let cast = &scenario.cast;
            let keeps = cast.iter().any(|role| role.leaves_keeper());
            let waiters = cast.iter().filter(|role| [Run, Waiting].contains(role));
            let waiters = waiters.count() + usize::from(keeps);
            let is_of_two = cast.iter().all(|role| role.is_process());
            let limit = match (waiters, is_thorough) {
                (0, _) => None,
                (1, _) if !is_of_two => None,
                (_, false) => Some(2),
                // Each end of who has a watch takes milliseconds.
                (1, true) if !keeps && cast[0] != Waiting => None,
                _ => Some(3),
            };
            (scenario, limit)
        })
        .collect()
}

/// Three, with two preemptions at most, or three.
pub(crate) fn triples(is_thorough: bool) -> Vec<(Scenario, Option<u32>)> {
    let casts = [
        "free: Exclusive! Exclusive Exclusive",
        "stale: Exclusive! Exclusive Exclusive",
        "free: Exclusive* Exclusive Supervisor",
        "free: Exclusive* Exclusive ForcedSupervisor",
        "free: Exclusive* Exclusive ForcedHelios",
        "free: Exclusive! Exclusive Host",
        "stale: Exclusive! Exclusive Host",
        "free: Exclusive! Exclusive Person",
        "free: Exclusive* Person Supervisor",
        "free: Exclusive* ForcedSupervisor Host",
        "free: Exclusive Host Host",
        "free: Exclusive* Waiting ForcedSupervisor",
        "free: Exclusive* Waiting Supervisor",
        "free: Exclusive*! Waiting Host",
        // A lock that the waiter hears of but hasn't seen.
        "free: Exclusive* Exclusive Waiting",
        "free: Shared* Shared* Supervisor",
        "free: Shared* Shared* Exclusive",
        "free: Shared*! Shared* Shared",
        "free: Shared* Shared* Host",
        "free: Shared* Shared* ForcedSupervisor",
        "free: Shared* Host Host",
        "free: Shared* Exclusive Host",
    ];
    // Each takes minutes: a keeper's end does, and old files have many orders.
    let long = [
        "free: Acquire* Release Person",
        "free: Acquire*! Release Exclusive",
        "free: Acquire* Release ForcedSupervisor",
        "free: Acquire*! Release Host",
        "free: Acquire* Release Release",
        "free: AcquireShared* Release Person",
        "free: AcquireShared*! Release Shared",
        "free: AcquireShared*! Release Exclusive",
        "free: AcquireShared* Release ForcedSupervisor",
        "free: AcquireShared* Release! Release",
        "stale: Lockfile! Exclusive Exclusive",
        "stale: Lockfile! Lockfile Exclusive",
    ];
    let (limit, long) = match is_thorough {
        true => (3, &long[..]),
        false => (2, &[][..]),
    };
    let casts = casts.iter().map(|cast| (cast, limit));
    let casts = casts.chain(long.iter().map(|cast| (cast, 2)));
    casts
        .map(|(cast, limit)| (Scenario::parse(cast), Some(limit)))
        .collect()
}
