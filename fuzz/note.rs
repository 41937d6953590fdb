//! A note: any file's content, and any reason.
#![no_main]

use libfuzzer_sys::fuzz_target;
use update_lock::{NOTE_CAPACITY, Note, NoteText};

fuzz_target!(|bytes: &[u8]| {
    let text = NoteText::read_from(&mut &*bytes).expect("a slice has no errors");
    assert_eq!(text.as_bytes(), &bytes[..bytes.len().min(NOTE_CAPACITY)]);
    let _ = (text.pid(), text.since());
    let written = Note {
        pid: text.pid().unwrap_or(1),
        program: text.program().unwrap_or(b"program"),
        since: Some(bytes.len() as u64),
        reason: bytes,
    };
    let written = written.to_text();
    assert!(written.as_bytes().len() <= NOTE_CAPACITY);
    assert!(written.as_bytes().ends_with(b"\n"));
    assert_eq!(written.pid(), Some(text.pid().unwrap_or(1)));
    assert!(
        written
            .as_bytes()
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
            <= 4
    );
});
