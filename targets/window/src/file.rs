//! Zone files in the format TZif, RFC 9636.
//!
//! A header of six counts, then for each change its time (4 bytes in the first block), the number of the new type (a byte),
//! and the types, whose first 4 bytes are the offset. From version 2 on a second block follows with times of 8 bytes, and
//! the rule for what comes after the last change, between newlines.
//!
//! Read in words of 4 bytes, wherever they are needed: a file may have 2 KiB, and is looked into once a minute.

use crate::rule;

const MAGIC: u32 = u32::from_be_bytes(*b"TZif");
/// The bytes of a header.
const HEADER: u32 = 44;
/// More of anything than a file has, and few enough for sums in 32 bits.
const MOST: u32 = 0xffff;
/// The bytes of the longest rule, with its newlines: those of today have up to 45.
const RULE: usize = 80;

/// A zone file, by what reads it: from a position into a buffer; how many bytes there were, `None` if that fails.
pub(crate) struct File<R>(pub(crate) R);

/// Where what is.
struct Block {
    /// The bytes of a time.
    width: u32,
    changes: u32,
    types: u32,
    times_at: u32,
    types_at: u32,
    end: u32,
}

impl<R: Fn(u32, &mut [u8]) -> Option<usize>> File<R> {
    /// How many seconds clocks are ahead of UTC at `utc`, in seconds since 1970; `None` where this is no zone file, or only
    /// a part of one.
    pub(crate) fn offset(&self, utc: u32) -> Option<i32> {
        let block = self.block()?;
        // All of it is looked at, whatever the time: a damaged file shows at the start, not years later.
        let by_rule = if block.width == 8 {
            self.rule(block.end, utc)?
        } else {
            self.word(block.end - 4)?;
            None
        };
        let past = self.past(&block, utc)?;
        if past == block.changes && by_rule.is_some() {
            return by_rule;
        }
        self.by_type(&block, past)
    }

    /// 4 bytes, big-endian.
    fn word(&self, at: u32) -> Option<u32> {
        let mut bytes = [0; 4];
        let length = (self.0)(at, &mut bytes)?;
        (length == bytes.len()).then_some(u32::from_be_bytes(bytes))
    }

    /// The last block.
    fn block(&self) -> Option<Block> {
        let (mut at, mut width) = (0, 4);
        loop {
            if self.word(at)? != MAGIC {
                return None;
            }
            let mut counts = [0; 6];
            let mut count_at = at + 20;
            for count in &mut counts {
                *count = self.word(count_at)?;
                if *count > MOST {
                    return None;
                }
                count_at += 4;
            }
            let [utc_flags, standard_flags, leaps, changes, types, letters] = counts;
            let times_at = at + HEADER;
            let types_at = times_at + (width + 1) * changes;
            let end =
                types_at + 6 * types + letters + (width + 4) * leaps + standard_flags + utc_flags;
            let version = self.word(at + 4)? >> 24;
            if width == 8 || version < u32::from(b'2') {
                return Some(Block {
                    width,
                    changes,
                    types,
                    times_at,
                    types_at,
                    end,
                });
            }
            (at, width) = (end, 8);
        }
    }

    /// What the rule says that is between newlines at `at`; there may be none between them.
    fn rule(&self, at: u32, utc: u32) -> Option<Option<i32>> {
        let mut bytes = [0; RULE];
        let length = (self.0)(at, &mut bytes)?;
        let rule = bytes.get(..length)?.strip_prefix(b"\n")?;
        let end = rule.iter().position(|&byte| byte == b'\n')?;
        match rule.get(..end)? {
            [] => Some(None),
            rule => rule::offset(rule, utc).map(Some),
        }
    }

    /// How many changes there were up to `utc`.
    fn past(&self, block: &Block, utc: u32) -> Option<u32> {
        let (mut low, mut high) = (0, block.changes);
        while low < high {
            let middle = (low + high) / 2;
            if self.is_past(block, middle, utc)? {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Some(low)
    }

    fn is_past(&self, block: &Block, change: u32, utc: u32) -> Option<bool> {
        let at = block.times_at + block.width * change;
        let (high, low) = (self.word(at)?, self.word(at + block.width - 4)?);
        Some((high as i32) < 0 || low <= utc && (high == 0 || block.width == 4))
    }

    /// The offset after that many changes; before the first one it is that of the first type.
    fn by_type(&self, block: &Block, past: u32) -> Option<i32> {
        const MOST_AHEAD: i32 = 26 * 3600;
        let number = match past {
            0 => 0,
            // The byte at the end of the word.
            _ => self.word(block.types_at - block.changes + past - 4)? & 0xff,
        };
        if number >= block.types {
            return None;
        }
        let ahead = self.word(block.types_at + 6 * number)? as i32;
        (-MOST_AHEAD..=MOST_AHEAD).contains(&ahead).then_some(ahead)
    }
}
