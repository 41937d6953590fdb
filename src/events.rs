//! What `inotify(7)` has to say.

/// The bytes of an event before its name: watch, mask, cookie, and the length of the name.
const HEAD: usize = 16;

/// `IN_Q_OVERFLOW`: there was more to say than fitted.
const OVERFLOW: u32 = 0x4000;

/// Whether one of the events is about the file `name`, or may be.
pub(crate) fn name(mut events: &[u8], name: &[u8]) -> bool {
    while let Some((head, rest)) = events.split_at_checked(HEAD) {
        let word = |at| {
            let bytes = head.get(at..).and_then(<[u8]>::first_chunk);
            u32::from_ne_bytes(bytes.copied().unwrap_or_default())
        };
        let (mask, length) = (word(4), word(12) as usize);
        let (named, rest) = rest.split_at_checked(length).unwrap_or_default();
        // NULs fill the name up.
        let is_same = named
            .strip_prefix(name)
            .is_some_and(|fill| fill.first() == Some(&0));
        if is_same || mask & OVERFLOW != 0 {
            return true;
        }
        events = rest;
    }
    false
}
