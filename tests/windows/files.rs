//! Zone files: the system's, and others that `zic` and the tests make.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::tz::TimeZone;
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;
use update_lock_window::Zone;

use crate::{LAST, by_file, reader, seconds, timestamp};

const SYSTEM: &str = "/usr/share/zoneinfo";

/// The zone files below `directory`, each content once, but for those with leap seconds.
fn all_files(directory: &Path) -> BTreeMap<Vec<u8>, PathBuf> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("zone files: run ci/install") {
        let path = entry.expect("an entry").path();
        if path.ends_with("right") {
            continue;
        }
        if path.is_dir() {
            files.extend(all_files(&path));
        } else {
            let bytes = fs::read(&path).expect("a file");
            if bytes.starts_with(b"TZif") {
                files.insert(bytes, path);
            }
        }
    }
    files
}

fn slim_zones(directory: &Path) {
    let source = Path::new(SYSTEM).join("tzdata.zi");
    let mut zic = Command::new("/usr/sbin/zic");
    let zic = zic.args(["-b", "slim", "-d"]).arg(directory).arg(source);
    let status = zic.status().expect("zic: run ci/install");
    assert!(status.success(), "{status}");
}

/// Compares before, at and after each change up to 2040, and somewhere between and behind.
fn compare(name: &Path, bytes: &[u8], theirs: &TimeZone) {
    let changes = theirs.following(timestamp(0));
    let changes = changes.map_while(|change| u32::try_from(change.timestamp().as_second()).ok());
    let end = seconds("2040-06-01T00:00Z");
    let around = changes
        .take_while(|&at| at < end)
        .flat_map(|at| [at - 1, at, at + 1, at + 50 * 86_400]);
    let spread = (0..=LAST).step_by(LAST as usize / 100);
    for utc in around.chain(spread).chain([LAST]) {
        let theirs = theirs.to_offset(timestamp(utc)).seconds();
        let ours = by_file(bytes, utc);
        assert_eq!(ours, Some(theirs), "{} at {utc}", name.display());
    }
}

fn berlin() -> Vec<u8> {
    fs::read(format!("{SYSTEM}/Europe/Berlin")).expect("zone files: run ci/install")
}

/// Where the newline before the rule is.
fn rule_at(bytes: &[u8]) -> usize {
    let [before @ .., b'\n'] = bytes else {
        panic!("no newline at the end");
    };
    let newline = before.iter().rposition(|&byte| byte == b'\n');
    newline.expect("a newline before the rule")
}

#[test]
fn the_systems_zones_are_somebody_elses() {
    let files = all_files(Path::new(SYSTEM));
    assert!(files.len() > 300, "{} zones", files.len());
    for (bytes, path) in &files {
        let zone = TimeZone::tzif("A/File", bytes).expect("a zone file");
        compare(path, bytes, &zone);
    }
}

/// As Alpine and others have them: what the rule at the end tells isn't written down.
///
/// Debian 12's `zic` makes a file or two that contradict themselves, which jiff refuses.
#[test]
fn slim_zones_are_somebody_elses() {
    let directory = TempDir::new().expect("a temporary directory");
    slim_zones(directory.path());
    let files = all_files(directory.path());
    let readable = files.iter().filter_map(|(bytes, path)| {
        let zone = TimeZone::tzif("A/File", bytes).ok()?;
        compare(path, bytes, &zone);
        Some(())
    });
    let count = readable.count();
    assert!(count > 300, "{count} zones");
    let slim = fs::read(directory.path().join("Europe/Berlin")).expect("Berlin");
    assert!(slim.len() < berlin().len());
}

/// The first block alone, with times of 4 bytes, as files were before 2005.
fn version_1(bytes: &[u8]) -> Vec<u8> {
    let second = bytes
        .windows(4)
        .skip(1)
        .position(|word| word == b"TZif")
        .expect("a second block")
        + 1;
    let mut bytes = bytes[..second].to_vec();
    bytes[4] = 0;
    bytes
}

#[test]
fn files_of_version_1() {
    for (bytes, path) in &all_files(Path::new(SYSTEM)) {
        let (old, last) = (version_1(bytes), seconds("2037-06-01T00:00Z"));
        for utc in (0..last).step_by(97 * 86_400) {
            assert_eq!(
                by_file(&old, utc),
                by_file(bytes, utc),
                "{} at {utc}",
                path.display()
            );
        }
    }
    let old = version_1(&berlin());
    let offset = |time| by_file(&old, seconds(time));
    assert_eq!(offset("2026-03-29T00:59:59Z"), Some(3600));
    assert_eq!(offset("2026-03-29T01:00:00Z"), Some(7200));
    assert_eq!(
        offset("2060-07-01T00:00Z"),
        Some(3600),
        "what the last change has left"
    );
}

/// A zone file of the tests' own: the first offset, then each change and its offset, and the rule.
///
/// The first block is an empty one, as files have it that only newer readers are meant to read. Both have leap seconds and
/// the flags that nobody needs.
fn zone_file(first: i32, changes: &[(i64, i32)], rule: &str) -> Vec<u8> {
    let types = changes.len() as u32 + 1;
    let header = |changes: u32, types: u32| {
        let counts = [types, types, 2, changes, types, 4].map(u32::to_be_bytes);
        [&b"TZif3"[..], &[0; 15], &counts.concat()].concat()
    };
    let kind = |offset: i32| [&offset.to_be_bytes()[..], &[0, 0]].concat();
    let flags = vec![0; 2 * types as usize];
    let mut bytes = header(0, 1);
    bytes.extend([kind(0), vec![0; 4], vec![0; 2 * 8 + 2]].concat());
    bytes.extend(header(types - 1, types));
    bytes.extend(changes.iter().flat_map(|(at, _)| at.to_be_bytes()));
    bytes.extend(1..=changes.len() as u8);
    bytes.extend(kind(first));
    bytes.extend(changes.iter().flat_map(|(_, offset)| kind(*offset)));
    bytes.extend([vec![0; 4], vec![0; 2 * 12], flags].concat());
    bytes.extend(format!("\n{rule}\n").bytes());
    bytes
}

#[test]
fn no_change_at_all() {
    for (bytes, offset) in [
        (zone_file(20_700, &[], "<+0545>-5:45"), 20_700),
        (zone_file(20_700, &[], ""), 20_700),
        (zone_file(0, &[], "<+0545>-5:45"), 20_700),
    ] {
        for utc in [0, seconds("2026-07-01T00:00Z"), LAST] {
            assert_eq!(by_file(&bytes, utc), Some(offset));
        }
    }
}

#[test]
fn before_between_and_behind_the_changes() {
    let [first, second] = ["2030-01-01T00:00Z", "2040-02-29T01:30Z"].map(seconds);
    let changes = [(-1 << 40, 1), (first.into(), -5400), (second.into(), 8100)];
    let bytes = zone_file(60, &changes, "NEW-2:15NEX,M3.5.0/0,M10.5.0/0");
    for (utc, offset) in [
        (0, 1),
        (first - 1, 1),
        (first, -5400),
        (second - 1, -5400),
        (second, 8100),
        (seconds("2040-03-24T21:44Z"), 8100),
        (seconds("2040-03-24T21:45Z"), 11_700),
        (LAST, 8100),
    ] {
        assert_eq!(by_file(&bytes, utc), Some(offset), "at {utc}");
    }
    assert_eq!(
        by_file(&zone_file(60, &changes[1..], "NEW-2:15"), 0),
        Some(60)
    );
}

/// Times that don't fit into 32 bits are behind all that do, whatever their lower half.
#[test]
fn changes_beyond_2106() {
    for change in [1 << 32, (1 << 32) + 1, (1 << 33) + 1, i64::MAX] {
        let bytes = zone_file(60, &[(0, 120), (change, 180)], "");
        for utc in [0, 1, 2, LAST] {
            assert_eq!(by_file(&bytes, utc), Some(120), "{change} at {utc}");
        }
    }
}

#[test]
fn a_change_to_a_type_that_is_not_there() {
    let mut bytes = zone_file(60, &[(1 << 20, 120)], "");
    let change = (1_i64 << 20).to_be_bytes();
    let place = bytes
        .windows(8)
        .position(|word| word == change)
        .expect("it");
    let number = bytes.get_mut(place + 8).expect("its type's number");
    assert_eq!(*number, 1);
    *number = 2;
    assert_eq!(by_file(&bytes, 0), Some(60));
    assert_eq!(by_file(&bytes, 1 << 20), None);
}

#[test]
fn as_many_changes_as_numbers_of_types() {
    let changes: Vec<_> = (1..256)
        .map(|place| (place * 1000, place as i32 * 60))
        .collect();
    let bytes = zone_file(0, &changes, "");
    for (at, offset) in changes {
        assert_eq!(by_file(&bytes, at as u32 - 1), Some(offset - 60));
        assert_eq!(by_file(&bytes, at as u32), Some(offset));
    }
}

/// Without a rule the last change counts for ever.
#[test]
fn an_empty_rule() {
    let bytes = berlin();
    let rule = rule_at(&bytes);
    let bytes = [&bytes[..rule], b"\n\n"].concat();
    assert_eq!(by_file(&bytes, seconds("2026-07-01T00:00Z")), Some(7200));
    assert_eq!(by_file(&bytes, seconds("2060-07-01T00:00Z")), Some(3600));
}

/// A rule that can't be read is noticed long before it is needed.
#[test]
fn a_damaged_rule() {
    let mut bytes = berlin();
    let place = bytes.len() - 3;
    bytes[place] = b'x';
    assert_eq!(by_file(&bytes, seconds("2026-07-01T00:00Z")), None);
}

/// Wherever the file ends too early, at whatever time.
#[test]
fn a_file_that_was_cut_off() {
    let small = zone_file(60, &[(1000, 120)], "CET-1CEST,M3.5.0,M10.5.0/3");
    for bytes in [berlin(), version_1(&berlin()), small] {
        for utc in [
            0,
            seconds("2026-07-01T00:00Z"),
            seconds("2060-07-01T00:00Z"),
        ] {
            assert!(by_file(&bytes, utc).is_some());
            for length in 0..bytes.len() {
                assert_eq!(
                    by_file(&bytes[..length], utc),
                    None,
                    "{length} of {} bytes",
                    bytes.len()
                );
            }
        }
    }
}

#[test]
fn what_is_no_zone_file() {
    let with = |place: usize, value: &[u8]| {
        let mut bytes = version_1(&berlin());
        bytes[place..place + value.len()].copy_from_slice(value);
        by_file(&bytes, seconds("2026-07-01T00:00Z"))
    };
    assert_eq!(with(0, b"TZif"), Some(7200));
    assert_eq!(with(0, b"TZIF"), None);
    assert_eq!(with(4, b"2"), None, "a second block is promised");
    assert_eq!(
        with(32, &u32::MAX.to_be_bytes()),
        None,
        "more changes than bytes"
    );
    assert_eq!(
        with(36, &1_u32.to_be_bytes()),
        None,
        "a change to a type that isn't there"
    );
    assert_eq!(with(36, &0_u32.to_be_bytes()), None, "no type");
    assert_eq!(by_file(b"", 0), None);
    assert_eq!(by_file(b"Europe/Berlin\n", 0), None);
}

#[test]
fn no_zone_is_further_than_26_hours_from_utc() {
    for offset in [93_600, -93_600] {
        assert_eq!(by_file(&zone_file(offset, &[], ""), 0), Some(offset));
    }
    for offset in [93_601, -93_601, i32::MAX, i32::MIN] {
        assert_eq!(by_file(&zone_file(offset, &[], ""), 0), None);
    }
}

#[test]
fn a_file_that_cannot_be_read() {
    let zone = Zone::parse(b"Europe/Berlin").expect("a name");
    assert_eq!(zone.offset(0, |_, _| None), None);
    let bytes = berlin();
    let rule = rule_at(&bytes);
    for end in 0..bytes.len() {
        let read = |at: u32, buffer: &mut [u8]| {
            let is_readable = (at as usize) < end;
            is_readable.then(|| reader(&bytes)(at, buffer))?
        };
        // The rule is read last of all.
        let expected = (end > rule).then_some(3600);
        assert_eq!(zone.offset(0, read), expected, "unreadable from {end} on");
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..300), utc: u32) {
        let _ = by_file(&bytes, utc);
        let _ = by_file(&[b"TZif2", &bytes[..]].concat(), utc);
    }

    /// A zone file in which some bytes are wrong gives some offset, or none.
    #[test]
    fn any_damage(damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..20), utc: u32) {
        let mut bytes = berlin();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let offset = by_file(&bytes, utc).unwrap_or_default();
        prop_assert!((-93_600..=93_600).contains(&offset));
    }

    /// Counts of all sizes.
    #[test]
    fn any_counts(counts in prop::array::uniform6(prop_oneof![0..9_u32, 0..0x1_0000_u32, any::<u32>()]), utc: u32) {
        let mut bytes = berlin();
        for (place, count) in (20..).step_by(4).zip(counts) {
            bytes[place..place + 4].copy_from_slice(&count.to_be_bytes());
        }
        let _ = by_file(&bytes, utc);
        let _ = by_file(&version_1(&berlin()), utc);
    }
}
