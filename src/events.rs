//! What `inotify(7)` has to say.

/// The bytes of an event before its name: watch, mask, cookie, and the length of the name.
const HEAD: usize = 16;

/// The longest event: one with a name of 255 bytes and its NUL. Into less the kernel reads none.
pub(crate) const EVENTS: usize = HEAD + 256;

const MOVED_TO: u32 = 0x80;
const CREATE: u32 = 0x100;
/// There was more to say than fitted.
const OVERFLOW: u32 = 0x4000;

/// What has happened to one file.
#[derive(Clone, Copy, Default)]
pub(crate) struct News {
    /// Whether anything has.
    pub(crate) is_any: bool,
    /// How many files have come to its name. After an overflow, many.
    pub(crate) arrivals: u32,
}

impl News {
    /// Adds what `events` say of the file `name`.
    pub(crate) fn read(&mut self, mut events: &[u8], name: &[u8]) {
        while let Some((head, rest)) = events.split_at_checked(HEAD) {
            let word = |at| {
                let bytes = head.get(at..).and_then(<[u8]>::first_chunk);
                u32::from_ne_bytes(bytes.copied().unwrap_or_default())
            };
            let (mask, length) = (word(4), word(12) as usize);
            let (named, rest) = rest.split_at_checked(length).unwrap_or_default();
            events = rest;
            // NULs fill the name up.
            let fill = named.strip_prefix(name);
            if mask & OVERFLOW != 0 {
                self.is_any = true;
                self.arrivals += 2;
            } else if fill.is_some_and(|fill| fill.first() == Some(&0)) {
                self.is_any = true;
                self.arrivals += u32::from(mask & (CREATE | MOVED_TO) != 0);
            }
        }
    }
}
