//! The arguments and the environment, where the kernel has put them.

use core::ffi::{CStr, c_char};

/// A NULL-terminated array of strings that the kernel has put on the stack, where they stay for the process's life.
#[derive(Clone, Copy)]
pub(crate) struct Strings(pub(crate) *const *const c_char);

impl Strings {
    fn first(self) -> Option<&'static CStr> {
        // SAFETY: the array has a NULL at its end, and `self` never gets beyond it: see `rest`.
        let string = unsafe { *self.0 };
        // SAFETY: the kernel NUL-terminates each string, and nobody in the program writes to them.
        (!string.is_null()).then(|| unsafe { CStr::from_ptr(string) })
    }

    fn rest(self) -> Self {
        // SAFETY: called only after `first` has found an element, so the end is further on.
        Self(unsafe { self.0.add(1) })
    }
}

/// What is left of the arguments; an iterator over them.
#[derive(Clone, Copy)]
pub struct Args(pub(crate) Strings);

impl Args {
    /// Finds arguments and environment on the stack of a new process.
    ///
    /// # Safety
    ///
    /// `stack` must be the stack pointer with which the kernel started the program.
    #[must_use]
    pub unsafe fn from_stack(stack: *const usize) -> (Self, Environment) {
        // SAFETY: the kernel has put `argc` there, and behind it that many pointers and a NULL.
        let argc = unsafe { *stack };
        // SAFETY: as above.
        let argv = unsafe { stack.add(1) };
        // SAFETY: the environment's pointers follow the NULL of the arguments.
        let envp = unsafe { argv.add(argc + 1) };
        (
            Self(Strings(argv.cast())),
            Environment(Strings(envp.cast())),
        )
    }

    /// The arguments of another program.
    ///
    /// # Safety
    ///
    /// The last word must be NULL, all others strings; all must outlive what this returns.
    pub(crate) unsafe fn from_words(words: &[*const c_char]) -> Self {
        Self(Strings(words.as_ptr()))
    }

    /// The arguments that are left, as `execve` takes them.
    #[must_use]
    pub fn as_ptr(&self) -> *const *const c_char {
        self.0.0
    }

    /// The next argument, as system calls take it.
    pub fn next_c_str(&mut self) -> Option<&'static CStr> {
        let first = self.0.first()?;
        self.0 = self.0.rest();
        Some(first)
    }
}

impl Iterator for Args {
    type Item = &'static [u8];

    fn next(&mut self) -> Option<Self::Item> {
        self.next_c_str().map(CStr::to_bytes)
    }
}

/// The environment.
#[derive(Clone, Copy)]
pub struct Environment(pub(crate) Strings);

impl Environment {
    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&'static [u8]> {
        self.find(name).1
    }

    /// The place of a variable and its value; else the end.
    #[inline(never)]
    pub(crate) fn find(self, name: &[u8]) -> (Strings, Option<&'static [u8]>) {
        let mut strings = self.0;
        while let Some(string) = strings.first() {
            let value = string.to_bytes().strip_prefix(name);
            if let Some(value) = value.and_then(|rest| rest.strip_prefix(b"=")) {
                return (strings, Some(value));
            }
            strings = strings.rest();
        }
        (strings, None)
    }

    /// The environment, as `execve` takes it.
    #[must_use]
    pub fn as_ptr(&self) -> *const *const c_char {
        self.0.0
    }
}
