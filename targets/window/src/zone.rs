//! What the variable `TZ` says.

use crate::file::File;
use crate::rule;

/// Where systems keep the zone files.
const DIRECTORY: &[u8] = b"/usr/share/zoneinfo";

/// The names of UTC, which need no file. The first one is empty.
const UTC: &[u8] = b" UTC GMT Etc/UTC Etc/GMT";

/// A time zone, by its rule or by the file that has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Zone<'a> {
    /// A rule as POSIX has them, such as `CET-1CEST,M3.5.0,M10.5.0/3`.
    Rule(&'a [u8]),
    /// A zone file, such as `Europe/Berlin`. Its path is the directory, a `/` and the name.
    File {
        /// Empty where the name is an absolute path.
        directory: &'static [u8],
        /// The zone's name.
        name: &'a [u8],
    },
}

impl<'a> Zone<'a> {
    /// The zone that `tz` means; `None` where it can be neither a rule nor a name.
    ///
    /// - Nothing means UTC, and so do `UTC`, `GMT`, `Etc/UTC` and `Etc/GMT`: none of them needs a file.
    /// - A rule is one even if there is a file of that name. `EST5EDT` without dates means those of the United States.
    /// - What is left, or follows a `:`, is a name or an absolute path. No name has a `.`, `,` or `<`.
    #[must_use]
    pub fn parse(tz: &'a [u8]) -> Option<Self> {
        let name = match tz.strip_prefix(b":") {
            Some(name) => name,
            None if rule::offset(tz, 0).is_some() => return Some(Self::Rule(tz)),
            None => tz,
        };
        if UTC.split(|&byte| byte == b' ').any(|known| known == name) {
            return Some(Self::Rule(b"UTC0"));
        }
        let is_path = name.first() == Some(&b'/');
        if !is_path && name.iter().any(|byte| matches!(byte, b'.' | b',' | b'<')) {
            return None;
        }
        let (directory, name) = match name.strip_prefix(b"/") {
            Some(name) => (&b""[..], name),
            None => (DIRECTORY, name),
        };
        Some(Self::File { directory, name })
    }

    /// How many seconds the zone's clocks are ahead of UTC at `utc`, in seconds since 1970.
    ///
    /// A file is read through `read_at`, which fills a buffer from a position on and says how many bytes there were. `None`
    /// where it can't be read, is no zone file, or has an end missing. For a rule `read_at` isn't called, and there is always
    /// an offset.
    ///
    /// Leap seconds count for nothing, since the kernel's clock has none.
    #[must_use]
    pub fn offset(
        &self,
        utc: u32,
        read_at: impl Fn(u32, &mut [u8]) -> Option<usize>,
    ) -> Option<i32> {
        match self {
            Self::Rule(rule) => rule::offset(rule, utc),
            Self::File { .. } => File(read_at).offset(utc),
        }
    }
}
