//! Texts for people, packed at compile time to about a half: see [`text!`](crate::text).

use core::iter::from_fn;
use core::ptr::NonNull;

use crate::pairs::PAIRS;

/// A packed text, with a NUL at its end. A newline and a byte from 0x20 to 0x7f is itself; any other stands for a pair of
/// bytes, which may be such again.
///
/// Its address only: a length would take more code, wherever one is passed, than the NUL takes.
#[derive(Clone, Copy)]
pub struct Text(NonNull<u8>);

impl Text {
    /// For [`text!`](crate::text).
    ///
    /// # Panics
    ///
    /// Where no NUL ends `packed`.
    #[must_use]
    pub const fn new(packed: &'static [u8]) -> Self {
        assert!(matches!(packed, [.., 0]));
        match NonNull::new(packed.as_ptr().cast_mut()) {
            Some(first) => Self(first),
            None => unreachable!(),
        }
    }

    /// Its bytes, as they are in the program.
    pub(crate) fn packed(self) -> impl Iterator<Item = u8> {
        let mut place = self.0;
        from_fn(move || {
            // SAFETY: `place` lies within the text that `new` was given, for it never gets beyond the NUL.
            let byte = unsafe { place.read() };
            (byte != 0).then(|| {
                // SAFETY: there is another byte, since this one isn't the NUL.
                place = unsafe { place.add(1) };
                byte
            })
        })
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
    /// How many bytes it has, with its NUL.
    pub length: usize,
    bytes: [u8; N],
}

impl<const N: usize> Packed<N> {
    /// Packs `text`, which has a byte less than `N`: printable ASCII and newlines.
    #[must_use]
    pub const fn of(text: &str) -> Self {
        let mut bytes = [0; N];
        bytes.split_at_mut(N - 1).0.copy_from_slice(text.as_bytes());
        let mut length = 1;
        while length < N {
            assert!(matches!(bytes[length - 1], b'\n' | b' '..=b'~'));
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
        const PACKED: $crate::Packed<{ $text.len() + 1 }> = $crate::Packed::of($text);
        const BYTES: [u8; PACKED.length] = PACKED.shrunk();
        const { $crate::Text::new(&BYTES) }
    }};
}
