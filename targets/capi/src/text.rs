//! What an error means, in a few words.

use core::ffi::{c_char, c_int};

use update_lock::Errno;

use crate::code::Code;

const TEXTS: [(Code, &str); 19] = [
    (
        Code::BUSY,
        "somebody holds the lock, or something else is in its place",
    ),
    (
        Code::TIMED_OUT,
        "somebody still holds the lock, or something else is in its place",
    ),
    (Code::NOT_HELD, "the lock is not held"),
    (Code::NULL, "a pointer is NULL"),
    (
        Code::TOO_LONG,
        "the path is longer than 255 bytes, or than there is room for",
    ),
    (Code::INVALID, "the path is empty or ends in a slash"),
    (
        Code::NO_LOCATION,
        "no update lock here: this does not look like a balena device",
    ),
    (
        Code::NOT_PERMITTED,
        "not permitted; user 65534 (nobody) has no protection by a lock",
    ),
    (Code::of(Errno::ACCESS), "permission denied"),
    (Code::of(Errno::NOENT), "no such file or directory"),
    (
        Code::of(Errno::NOTDIR),
        "a part of the path is not a directory",
    ),
    (Code::of(Errno::ROFS), "read-only file system"),
    (Code::of(Errno::NOSPC), "no space left"),
    (Code::of(Errno::LOOP), "too many symbolic links"),
    (
        Code::of(Errno::MFILE),
        "this process has too many open files",
    ),
    (Code::of(Errno::NFILE), "the system has too many open files"),
    (Code::of(Errno::NOMEM), "out of memory"),
    (Code::of(Errno::NOLCK), "out of locks"),
    (Code::of(Errno::IO), "I/O error"),
];

static UNKNOWN: [u8; 14] = *b"unknown error\0";

/// Each error's number, its text and a NUL. Pointers to texts would have to be relocated at the start of a program that
/// is loaded anywhere, and linkers keep literals together that only some programs need.
static PACKED: [u8; packed_length()] = packed();

const fn packed_length() -> usize {
    let (mut length, mut i) = (0, 0);
    while i < TEXTS.len() {
        length += TEXTS[i].1.len() + 2;
        i += 1;
    }
    length
}

const fn packed() -> [u8; packed_length()] {
    let mut packed = [0; packed_length()];
    let (mut at, mut i) = (0, 0);
    while i < TEXTS.len() {
        let (code, text) = TEXTS[i];
        packed[at] = code.number();
        let (_, rest) = packed.split_at_mut(at + 1);
        rest.split_at_mut(text.len())
            .0
            .copy_from_slice(text.as_bytes());
        at += text.len() + 2;
        i += 1;
    }
    packed
}

/// What the negative errno that a function of this library has returned means, in a few words and without a newline.
///
/// Returns a string that is there for ever; never `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn update_lock_error_text(error: c_int) -> *const c_char {
    text(error).as_ptr().cast()
}

/// The text of the error, and what follows its NUL.
fn text(error: c_int) -> &'static [u8] {
    let mut rest = &PACKED[..];
    while let [number, text @ ..] = rest {
        if error == -c_int::from(*number) {
            return text;
        }
        let end = text.iter().position(|&byte| byte == 0);
        rest = end.and_then(|end| text.get(end + 1..)).unwrap_or_default();
    }
    &UNKNOWN
}
