//! Texts for people, packed at compile time to about a half: see [`text!`](crate::text).

use crate::pairs::PAIRS;

/// A packed text. A newline and a byte from 0x20 to 0x7f is itself; any other stands for a pair of bytes, which may be
/// such again.
#[derive(Clone, Copy)]
pub struct Text(&'static [u8]);

impl Text {
    /// For [`text!`](crate::text).
    #[must_use]
    pub const fn new(packed: &'static [u8]) -> Self {
        Self(packed)
    }

    /// As it is in the program.
    pub(crate) fn packed(self) -> &'static [u8] {
        self.0
    }
}

/// A text that isn't packed: printable ASCII and newlines.
impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self(text.as_bytes())
    }
}

/// The pair that a byte stands for, if it does.
pub(crate) fn pair(byte: u8) -> Option<[u8; 2]> {
    match byte {
        b'\n' => None,
        _ => PAIRS.get(usize::from(byte.wrapping_sub(FIRST))).copied(),
    }
}

/// The byte of the first pair. The others follow; after 0xff comes 0.
const FIRST: u8 = 0x80;

/// A packed text, at the beginning of as many bytes as it had unpacked.
pub struct Packed<const N: usize> {
    /// How many bytes it has.
    pub length: usize,
    bytes: [u8; N],
}

impl<const N: usize> Packed<N> {
    /// Packs `text`, which has `N` bytes: printable ASCII and newlines.
    #[must_use]
    pub const fn of(text: &str) -> Self {
        let mut bytes = [0; N];
        bytes.copy_from_slice(text.as_bytes());
        let mut length = 0;
        while length < N {
            assert!(matches!(bytes[length], b'\n' | b' '..=b'~'));
            length += 1;
        }
        let mut code = 0;
        // In the order in which they were made: a pair may consist of earlier ones.
        while code < PAIRS.len() {
            let [first, second] = PAIRS[code];
            let (mut from, mut to) = (0, 0);
            while from < length {
                bytes[to] = bytes[from];
                if from + 1 < length && bytes[from] == first && bytes[from + 1] == second {
                    bytes[to] = FIRST.wrapping_add(code as u8);
                    from += 1;
                }
                from += 1;
                to += 1;
            }
            length = to;
            code += 1;
        }
        Self { length, bytes }
    }

    /// Without the bytes that it doesn't need any more.
    #[must_use]
    pub const fn shrunk<const M: usize>(&self) -> [u8; M] {
        let mut bytes = [0; M];
        bytes.copy_from_slice(self.bytes.split_at(M).0);
        bytes
    }
}

/// A [`Text`](crate::Text) from a string literal.
#[macro_export]
macro_rules! text {
    ($text:expr) => {{
        const PACKED: $crate::Packed<{ $text.len() }> = $crate::Packed::of($text);
        const BYTES: [u8; PACKED.length] = PACKED.shrunk();
        $crate::Text::new(&BYTES)
    }};
}
