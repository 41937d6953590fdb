//! The arguments and the environment of a command, made of this process's own, which get back what they lend.

use core::ffi::{CStr, c_char};
use core::marker::PhantomData;

use crate::args::{Args, Environment, Strings};

/// As many changes as a call can make.
const CHANGES: usize = 4;

/// Arguments and environment of a command that is to be executed.
///
/// What it adds to the environment is written into the kernel's arrays, since there is no other memory for them. Dropped, it
/// puts back what was there.
pub struct Call<'v> {
    pub(crate) arguments: Args,
    pub(crate) environment: Environment,
    changes: [Change; CHANGES],
    /// The variables that it points to.
    variables: PhantomData<&'v CStr>,
}

/// What the arrays have lent.
#[derive(Clone, Copy)]
enum Change {
    Nothing,
    /// The string at a place of the environment.
    String(*mut *const c_char, *const c_char),
    /// The place before the first argument, with what it held: the arguments have moved down by one.
    Place(*const c_char),
}

impl<'v> Call<'v> {
    /// The command that `arguments` begin with.
    #[must_use]
    pub fn new(arguments: Args, environment: Environment) -> Self {
        Self {
            arguments,
            environment,
            changes: [Change::Nothing; CHANGES],
            variables: PhantomData,
        }
    }

    /// Puts `variable`, which is `name` and `=` and a value, in the place of the one of that name, if there is one.
    pub fn replace(&mut self, name: &str, variable: &'v CStr) {
        if self.environment.find(name.as_bytes()).1.is_some() {
            self.add(name, variable);
        }
    }

    /// Adds `variable`, which is `name` and `=` and a value, to the environment: with those replaced, at most four, and at
    /// most as many as there are arguments of this program before the command.
    ///
    /// Where there is none of that name yet, the environment needs one more place. It lies right behind the arguments, so
    /// these move down by one: over the argument before them, or over `argc`.
    pub fn add(&mut self, name: &str, variable: &'v CStr) {
        let change = self
            .changes
            .iter_mut()
            .find(|change| matches!(change, Change::Nothing));
        let Some(change) = change else {
            return;
        };
        let (place, value) = self.environment.find(name.as_bytes());
        let place = place.0.cast_mut();
        if value.is_some() {
            // SAFETY: the place is one of the kernel's array, which this process may write to.
            *change = Change::String(place, unsafe { *place });
            // SAFETY: as above.
            unsafe { *place = variable.as_ptr() };
            return;
        }
        // SAFETY: something precedes the first argument: see above.
        let first = unsafe { self.arguments.as_ptr().sub(1) }.cast_mut();
        // SAFETY: the NULL that ends the arguments precedes the environment.
        let last = unsafe { self.environment.as_ptr().sub(1) }.cast_mut();
        // SAFETY: both lie within the kernel's array, and so does all between them.
        unsafe {
            *change = Change::Place(*first);
            first.copy_from(first.add(1), last.offset_from(first) as usize);
            *last = variable.as_ptr();
        }
        self.arguments = Args(Strings(first));
        self.environment = Environment(Strings(last));
    }

    fn take_back(&mut self, change: Change) {
        match change {
            Change::Nothing => {}
            // SAFETY: that is where `add` has found the string.
            Change::String(place, string) => unsafe { *place = string },
            Change::Place(before) => {
                let first = self.arguments.as_ptr().cast_mut();
                let last = self.environment.as_ptr().cast_mut();
                // SAFETY: these are the places that `add` has moved down by one.
                unsafe {
                    first
                        .add(1)
                        .copy_from(first, last.offset_from(first) as usize);
                    *first = before;
                    self.arguments = Args(Strings(first.add(1)));
                    self.environment = Environment(Strings(last.add(1)));
                }
            }
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let changes = self.changes;
        for &change in changes.iter().rev() {
            self.take_back(change);
        }
    }
}
