//! `defmt::Format` for the types that can't derive it.

use defmt::{Format, Formatter, write};

use crate::{LockPath, NoteText, UpdateLock};

impl Format for LockPath {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "{=[u8]:a}", self.as_bytes());
    }
}

impl Format for NoteText {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "{=[u8]:a}", self.as_bytes());
    }
}

impl Format for UpdateLock {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "UpdateLock({})", self.path());
    }
}
