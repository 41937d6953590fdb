//! The programs' `unsafe` code that needs neither the kernel nor a register: on this machine, and by `ci/prove` under Miri.
//!
//! The rest of it makes system calls, which Miri doesn't have: there the scenarios stand in, on each architecture.

#[allow(dead_code, unreachable_pub, reason = "it is a part of a library")]
#[path = "../../targets/start/src/args.rs"]
mod args;
#[allow(dead_code, unreachable_pub, reason = "it is a part of a library")]
#[path = "../../targets/start/src/call.rs"]
mod call;

use std::ffi::{CStr, c_char};
use std::ptr::{null, without_provenance};

use args::{Args, Environment};
use call::Call;
use update_lock_mem as mem;

/// A new process's stack as the kernel fills it.
struct Stack(Vec<*const c_char>);

impl Stack {
    fn new(arguments: &[&'static CStr], variables: &[&'static CStr]) -> Self {
        let strings =
            |strings: &[&'static CStr]| strings.iter().map(|string| string.as_ptr()).collect();
        let (arguments, variables): (Vec<_>, Vec<_>) = (strings(arguments), strings(variables));
        let argc = without_provenance(arguments.len());
        Self([vec![argc], arguments, vec![null()], variables, vec![null()]].concat())
    }

    fn read(&mut self) -> (Args, Environment) {
        // SAFETY: it is as the kernel fills it, and outlives what is read: see the callers.
        unsafe { Args::from_stack(self.0.as_mut_ptr().cast_const().cast()) }
    }
}

fn text(arguments: Args) -> Vec<&'static str> {
    arguments
        .map(|argument| std::str::from_utf8(argument).expect("text"))
        .collect()
}

/// All of an array as `execve` takes it.
fn all(strings: *const *const c_char) -> Vec<&'static str> {
    // SAFETY: the array has a NULL at its end, and nothing beyond that is looked at.
    let strings = (0..).map(|index| unsafe { *strings.add(index) });
    let strings = strings.take_while(|string| !string.is_null());
    // SAFETY: each is a constant.
    let strings = strings.map(|string| unsafe { CStr::from_ptr(string) });
    strings
        .map(|string| string.to_str().expect("text"))
        .collect()
}

#[test]
fn arguments_and_environment_are_where_the_kernel_has_put_them() {
    let mut stack = Stack::new(&[c"run", c"--", c""], &[c"A=1", c"AB=2", c"EMPTY=", c"odd"]);
    let (arguments, environment) = stack.read();
    assert_eq!(text(arguments), ["run", "--", ""]);
    assert_eq!(environment.get(b"A"), Some(&b"1"[..]));
    assert_eq!(environment.get(b"AB"), Some(&b"2"[..]));
    assert_eq!(environment.get(b"EMPTY"), Some(&b""[..]));
    assert_eq!(environment.get(b"odd"), None);
    assert_eq!(environment.get(b"B"), None);
}

#[test]
fn a_process_may_start_with_nothing() {
    let mut stack = Stack::new(&[], &[]);
    let (mut arguments, environment) = stack.read();
    assert_eq!(arguments.next(), None);
    assert_eq!(arguments.next(), None);
    assert_eq!(environment.get(b""), None);
}

#[test]
fn a_variable_takes_its_old_place_or_one_of_the_arguments() {
    for variables in [&[c"OTHER=0", c"HELD=old"][..], &[c"OTHER=0"], &[]] {
        let mut stack = Stack::new(&[c"first", c"command", c"word"], variables);
        let (mut arguments, environment) = stack.read();
        arguments.next();
        let before = (all(arguments.as_ptr()), all(environment.as_ptr()));
        let mut call = Call::new(arguments, environment);
        call.replace("MISSING", c"MISSING=");
        call.add("HELD", c"HELD=new");
        call.add("HOLDER", c"HOLDER=1");
        assert_eq!(all(call.arguments.as_ptr()), ["command", "word"]);
        let mut variables = all(call.environment.as_ptr());
        variables.sort_unstable();
        let others = variables.iter().filter(|variable| **variable != "OTHER=0");
        assert!(others.eq(["HELD=new", "HOLDER=1"].iter()), "{variables:?}");
        assert_eq!(call.environment.get(b"HELD"), Some(&b"new"[..]));
        // What was lent is given back.
        drop(call);
        let after = (all(arguments.as_ptr()), all(environment.as_ptr()));
        assert_eq!(after, before);
        assert_eq!(text(stack.read().0), ["first", "command", "word"]);
    }
}

/// Longer than a word, and from each place in one.
const LENGTHS: std::ops::Range<usize> = 0..20;

#[test]
fn memory_is_copied_and_moved_as_slices_are() {
    for length in LENGTHS {
        for (from, to) in [(0, 20), (20, 0), (0, 1), (1, 0), (0, 7), (7, 0), (3, 3)] {
            let mut bytes: Vec<u8> = (0..40).collect();
            let mut expected = bytes.clone();
            expected.copy_within(from..from + length, to);
            let start = bytes.as_mut_ptr();
            // SAFETY: both regions lie within the 40 bytes.
            unsafe { mem::memmove(start.add(to), start.add(from), length) };
            assert_eq!(bytes, expected, "{length} bytes from {from} to {to}");
        }
        let (from, mut to) = ([7; 20], [0; 20]);
        // SAFETY: both have 20 bytes, and are two.
        unsafe { mem::memcpy(to.as_mut_ptr(), from.as_ptr(), length) };
        assert!(
            to[..length].iter().all(|&byte| byte == 7)
                && to[length..].iter().all(|&byte| byte == 0)
        );
    }
}

#[test]
fn memory_is_set_and_compared_as_slices_are() {
    for length in LENGTHS {
        let (mut one, other) = ([1; 20], [2; 20]);
        // SAFETY: it has 20 bytes.
        unsafe { mem::memset(one.as_mut_ptr(), 0x102, length) };
        assert!(
            one[..length].iter().all(|&byte| byte == 2)
                && one[length..].iter().all(|&byte| byte == 1)
        );
        // SAFETY: both have 20 bytes.
        let compare = |length| unsafe {
            let (one, other) = (one.as_ptr(), other.as_ptr());
            (
                mem::memcmp(one, other, length),
                mem::memcmp(other, one, length),
                mem::bcmp(one, other, length),
            )
        };
        assert_eq!(compare(length), (0, 0, 0));
        let (less, more, differs) = compare(20);
        assert!(less < 0 && more > 0 && differs != 0);
        let mut string = vec![b'x'; length];
        string.push(0);
        // SAFETY: it ends with a NUL.
        assert_eq!(unsafe { mem::strlen(string.as_ptr()) }, length);
    }
}
