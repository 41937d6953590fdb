//! Which lock file a process and its children speak of, as text for an environment variable.

use heapless::Vec;

use crate::inode::Inode;

/// The environment variable in which a holder tells its children which lock they run under.
///
/// Who finds that lock's [`Identity`] in it need not take the lock, and must not wait for it: the holder may be waiting
/// for its child. See [`Status::is_held_above`](crate::Status::is_held_above).
pub const HELD_VARIABLE: &str = "UPDATE_LOCK_HELD";

/// Two numbers of 64 bits in hexadecimal, and a colon.
const CAPACITY: usize = 2 * 16 + 1;

/// A lock file's device and inode, as text: `19:2f0`, in hexadecimal.
///
/// It names the file for as long as somebody keeps that open, as a lock's holder does.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Identity(Vec<u8, CAPACITY>);

impl Identity {
    pub(crate) fn of(inode: Inode) -> Self {
        let mut text = Self::default();
        text.push_hexadecimal(inode.device);
        text.push(b':');
        text.push_hexadecimal(inode.number);
        text
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// There is always room: see [`CAPACITY`].
    fn push(&mut self, byte: u8) {
        let _ = self.0.push(byte);
    }

    fn push_hexadecimal(&mut self, number: u64) {
        if number > 15 {
            self.push_hexadecimal(number >> 4);
        }
        let digit = (number & 15) as u8;
        self.push(if digit < 10 {
            b'0' + digit
        } else {
            b'a' + digit - 10
        });
    }
}
