//! The memory functions that compiled code calls without being asked, and what it refers to for unwinding.
//!
//! glibc's static ones are IFUNCs, which crash without its start code; the prebuilt `core` for Linux brings none.
//! Programs here move a few hundred bytes in their life: the shortest code is the best, but for words where all is aligned. A
//! path is one cache line after another, and byte by byte would be most of what a cycle does outside of the kernel.
//!
//! Miri has functions of these names itself, and no assembly: `tests/memory`.

#![no_std]

#[cfg(not(miri))]
use core::arch::asm;
use core::mem::MaybeUninit;

/// What is moved at once: padding too.
type Word = MaybeUninit<usize>;

/// How many bytes that are.
const WORD: usize = size_of::<Word>();

/// Keeps the compiler from seeing that the loop around it is the very function that it is in, and calling that.
#[inline(always)]
fn not_an_idiom() {
    // SAFETY: no instructions.
    #[cfg(not(miri))]
    unsafe {
        asm!("", options(nostack, preserves_flags))
    }
}

/// `memcpy(3)`.
///
/// # Safety
///
/// As for the C function.
#[cfg_attr(not(miri), unsafe(no_mangle))]
pub unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    let mut done = 0;
    if (to as usize | from as usize).is_multiple_of(WORD) {
        let (to, from): (*mut Word, *const Word) = (to.cast(), from.cast());
        while length - done >= WORD {
            // SAFETY: both regions have another word, by the caller's promise, and it is aligned.
            unsafe { *to.byte_add(done) = *from.byte_add(done) };
            done += WORD;
            not_an_idiom();
        }
    }
    for i in done..length {
        // SAFETY: both regions have `length` bytes, by the caller's promise.
        unsafe { *to.add(i) = *from.add(i) };
        not_an_idiom();
    }
    to
}

/// `memmove(3)`.
///
/// # Safety
///
/// As for the C function.
#[cfg_attr(not(miri), unsafe(no_mangle))]
pub unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= length {
        // SAFETY: going upwards, no byte of `from` is overwritten before it is read.
        return unsafe { memcpy(to, from, length) };
    }
    for i in (0..length).rev() {
        // SAFETY: both regions have `length` bytes; going downwards none is overwritten before it is read.
        unsafe { *to.add(i) = *from.add(i) };
        not_an_idiom();
    }
    to
}

/// `memset(3)`.
///
/// # Safety
///
/// As for the C function.
#[cfg_attr(not(miri), unsafe(no_mangle))]
pub unsafe extern "C" fn memset(to: *mut u8, value: i32, length: usize) -> *mut u8 {
    let mut done = 0;
    if (to as usize).is_multiple_of(WORD) {
        // No array, which without optimisation is a call of this function.
        let word = usize::from(value as u8) * (usize::MAX / 0xff);
        while length - done >= WORD {
            // SAFETY: the region has another word, by the caller's promise, and it is aligned.
            unsafe { *to.cast::<usize>().byte_add(done) = word };
            done += WORD;
            not_an_idiom();
        }
    }
    for i in done..length {
        // SAFETY: the region has `length` bytes, by the caller's promise.
        unsafe { *to.add(i) = value as u8 };
        not_an_idiom();
    }
    to
}

/// `memcmp(3)`.
///
/// # Safety
///
/// As for the C function.
#[cfg_attr(not(miri), unsafe(no_mangle))]
pub unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, length: usize) -> i32 {
    for i in 0..length {
        // SAFETY: both regions have `length` bytes, by the caller's promise.
        let (a, b) = unsafe { (*one.add(i), *other.add(i)) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
        not_an_idiom();
    }
    0
}

/// `bcmp(3)`.
///
/// # Safety
///
/// As for the C function.
#[cfg_attr(not(miri), unsafe(no_mangle))]
pub unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, length: usize) -> i32 {
    // SAFETY: the same promise.
    unsafe { memcmp(one, other, length) }
}

/// `strlen(3)`.
///
/// # Safety
///
/// As for the C function.
#[cfg_attr(not(miri), unsafe(no_mangle))]
pub unsafe extern "C" fn strlen(string: *const u8) -> usize {
    let mut length = 0;
    // SAFETY: the string ends with a NUL, by the caller's promise.
    while unsafe { *string.add(length) } != 0 {
        length += 1;
        not_an_idiom();
    }
    length
}

/// Makes what unwind tables refer to in builds that still have them; nothing unwinds. Where there is a std, it has these.
#[macro_export]
macro_rules! no_unwinding {
    () => {
        #[unsafe(no_mangle)]
        extern "C" fn rust_eh_personality() {}

        /// For ARM's tables.
        #[cfg(target_arch = "arm")]
        #[unsafe(no_mangle)]
        extern "C" fn __aeabi_unwind_cpp_pr0() {}

        /// For what ARM's division calls on a division by zero.
        #[cfg(target_arch = "arm")]
        #[unsafe(no_mangle)]
        extern "C" fn __aeabi_unwind_cpp_pr1() {}
    };
}
