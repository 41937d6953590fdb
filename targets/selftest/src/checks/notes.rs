//! What a lock says about its holder.

use update_lock::{Note, NoteText, Release, status};

use crate::bench::Bench;
use crate::failure::{Failure, Outcome, ensure};
use crate::other::Other;

checks![
    a_note_says_who_and_why,
    a_dead_holders_note_goes_with_the_adoption,
];

const NOTE: Note<'static> = Note {
    pid: 4711,
    program: b"selftest",
    since: Some(1_764_040_978),
    reason: b"to be read",
};

fn note(bench: &Bench) -> Result<NoteText, Failure> {
    match status(&bench.path)? {
        Some(status) => Ok(status.note(&bench.path)?),
        None => Ok(NoteText::default()),
    }
}

fn is_there(bench: &Bench) -> Outcome {
    ensure(note(bench)? == NOTE.to_text(), "the note is there")
}

fn a_note_says_who_and_why(bench: &Bench) -> Outcome {
    let lock = bench.acquire()?;
    ensure(
        note(bench)? == NoteText::default(),
        "at first there is none",
    )?;
    lock.write_note(&NOTE)?;
    is_there(bench)?;
    let note = note(bench)?;
    ensure(note.pid() == Some(4711), "it says which process")?;
    ensure(note.program() == Some(b"selftest"), "which program")?;
    ensure(note.since() == Some(b"2025-11-25T03:22:58Z"), "since when")?;
    ensure(note.reason() == Some(b"to be read"), "why")?;
    ensure(
        lock.release()? == Release::Released,
        "the lock is as good as without",
    )
}

fn a_dead_holders_note_goes_with_the_adoption(bench: &Bench) -> Outcome {
    let holder = Other::start(|cues| {
        let lock = bench.acquire()?;
        lock.write_note(&NOTE)?;
        cues.give()?;
        cues.wait()
    })?;
    holder.wait()?;
    holder.kill()?;
    is_there(bench)?;
    let lock = bench.acquire()?;
    ensure(
        note(bench)? == NoteText::default(),
        "the adopter's lock has none",
    )?;
    ensure(lock.release()? == Release::Released, "it is the adopter's")
}
