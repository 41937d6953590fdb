//! What `inotify(7)` has to say of one name in a directory.

/// The bytes of an event before its name: watch, mask, cookie, and the length of the name.
const HEAD: usize = 16;

/// The longest event: one with a name of 255 bytes and its NUL. Into less the kernel reads none.
pub(crate) const EVENTS: usize = HEAD + 256;

const ATTRIB: u32 = 0x4;
const MOVED_FROM: u32 = 0x40;
const MOVED_TO: u32 = 0x80;
const CREATE: u32 = 0x100;
const DELETE: u32 = 0x200;
/// There was more to say than fitted.
const OVERFLOW: u32 = 0x4000;

/// Which files have come to a name and gone, as far as it has been heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct History {
    /// How many have come.
    pub(crate) arrivals: u32,
    /// How many that nobody saw have gone, and weren't released: a release changes the mode last.
    pub(crate) doubts: u32,
    stranger: Stranger,
}

/// What is at the name, and hasn't been seen but only heard of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Stranger {
    #[default]
    None,
    Came,
    /// Its mode, or another attribute, was changed last.
    Changed,
}

impl History {
    /// Adds what `events` say of the file `name`; whether it is anything to look at.
    pub(crate) fn hear(&mut self, mut events: &[u8], name: &[u8]) -> bool {
        let mut is_news = false;
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
                self.arrivals = self.arrivals.wrapping_add(1);
                self.doubts = self.doubts.wrapping_add(1);
                is_news = true;
            } else if fill.is_some_and(|fill| fill.first() == Some(&0)) {
                self.add(mask);
                is_news |= mask & ATTRIB == 0;
            }
        }
        is_news
    }

    fn add(&mut self, mask: u32) {
        let has_come = mask & (CREATE | MOVED_TO) != 0;
        let has_gone = mask & (DELETE | MOVED_FROM) != 0;
        let is_over = match self.stranger {
            Stranger::None => false,
            Stranger::Came => has_come || has_gone,
            Stranger::Changed => has_come,
        };
        self.doubts = self.doubts.wrapping_add(is_over.into());
        self.arrivals = self.arrivals.wrapping_add(has_come.into());
        self.stranger = match self.stranger {
            _ if has_come => Stranger::Came,
            _ if has_gone => Stranger::None,
            Stranger::None => Stranger::None,
            _ if mask & ATTRIB != 0 => Stranger::Changed,
            _ => Stranger::Came,
        };
    }

    /// What is there now has been seen.
    pub(crate) fn see(&mut self) {
        self.stranger = Stranger::None;
    }

    /// What is there now, or was just now, won't be seen.
    pub(crate) fn miss(&mut self) {
        if self.stranger == Stranger::None {
            self.stranger = Stranger::Came;
        }
    }
}
