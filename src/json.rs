//! What a JSON object says, without the 2.7 KB of code that a general parser brings along.
//!
//! It is looked at as a whole (RFC 8259), but for what nobody asks for: the spelling of numbers and of escape sequences.

/// How deep values may be nested, since each takes a call: a buffer full of brackets must not take the stack. The
/// Supervisor's are two deep.
const DEEPEST: u32 = 32;

/// Hands each member of the object `json` to `each`, its name without the quotation marks and its value as it is written.
///
/// `None` where it is no object, or `each` says so.
pub(crate) fn members<'a>(json: &'a [u8], each: &mut Each<'_, 'a>) -> Option<()> {
    let mut scanner = Scanner(json);
    scanner.object(DEEPEST, each)?;
    scanner.next_byte().is_none().then_some(())
}

/// What is done with a member.
pub(crate) type Each<'e, 'a> = dyn FnMut(&'a [u8], &'a [u8]) -> Option<()> + 'e;

/// What `true` or `false` says; `None` for any other value.
pub(crate) fn flag(value: &[u8]) -> Option<bool> {
    (value == b"true" || value == b"false").then_some(value == b"true")
}

/// The text of a string, its escape sequences as they are; `None` for any other value.
pub(crate) fn text(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

/// What is left to be looked at.
struct Scanner<'a>(&'a [u8]);

impl<'a> Scanner<'a> {
    /// The next byte that isn't white space. It stays.
    fn next_byte(&mut self) -> Option<u8> {
        self.0 = self.0.trim_ascii_start();
        self.0.first().copied()
    }

    /// Whether `byte` comes next; if so it is taken.
    fn has(&mut self, byte: u8) -> bool {
        let is_next = self.next_byte() == Some(byte);
        if is_next {
            self.0 = self.0.get(1..).unwrap_or_default();
        }
        is_next
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.has(byte).then_some(())
    }

    fn object(&mut self, deepest: u32, each: &mut Each<'_, 'a>) -> Option<()> {
        self.expect(b'{')?;
        if self.has(b'}') {
            return Some(());
        }
        loop {
            let name = self.string()?;
            self.expect(b':')?;
            each(name, self.value(deepest)?)?;
            if !self.has(b',') {
                return self.expect(b'}');
            }
        }
    }

    fn array(&mut self, deepest: u32) -> Option<()> {
        self.expect(b'[')?;
        if self.has(b']') {
            return Some(());
        }
        loop {
            self.value(deepest)?;
            if !self.has(b',') {
                return self.expect(b']');
            }
        }
    }

    /// Any value, as it is written.
    fn value(&mut self, deepest: u32) -> Option<&'a [u8]> {
        let deepest = deepest.checked_sub(1)?;
        let first = self.next_byte()?;
        let begin = self.0;
        match first {
            b'{' => self.object(deepest, &mut |_, _| Some(()))?,
            b'[' => self.array(deepest)?,
            b'"' => _ = self.string()?,
            _ => self.word()?,
        }
        begin.get(..begin.len() - self.0.len())
    }

    /// `true`, `false`, `null` or a number.
    fn word(&mut self) -> Option<()> {
        let belongs =
            |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let length = self.0.iter().take_while(belongs).count();
        self.0 = self.0.get(length..)?;
        (length > 0).then_some(())
    }

    /// A string, without its quotation marks.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let mut bytes = self.0.iter();
        loop {
            match bytes.next()? {
                b'"' => break,
                b'\\' => _ = bytes.next()?,
                _ => {}
            }
        }
        let rest = bytes.as_slice();
        let string = self.0.get(..self.0.len() - rest.len() - 1);
        self.0 = rest;
        string
    }
}
