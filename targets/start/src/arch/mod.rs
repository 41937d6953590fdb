//! `_start` and the system call, one file for each architecture.
//!
//! `_start` passes the stack pointer, at which the kernel has put `argc`, `argv` and the environment, to `start_main`
//! and never returns. The kernel aligns the stack to 16 bytes on all of them (`STACK_ROUND` and `arch_align_stack`
//! in `fs/binfmt_elf.c`), which is what each procedure call standard wants.

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "x86", path = "x86.rs")]
#[cfg_attr(target_arch = "arm", path = "arm.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
mod current;

use rustix::io::Errno;

/// A system call with up to four arguments; a negative errno for a failure.
///
/// rustix doesn't have it, and the crates for it want ARM's `r7`, which Thumb code has other uses for. The arguments come
/// first, so that they are in registers on ARM.
///
/// # Safety
///
/// That of the system call.
#[inline(never)]
pub(crate) unsafe fn call(a: usize, b: usize, c: usize, d: usize, number: u32) -> isize {
    // SAFETY: the caller's promise.
    unsafe { current::syscall(number as usize, a, b, c, d) }
}

/// What a system call's answer means.
pub(crate) fn outcome(answer: isize) -> Result<usize, Errno> {
    match answer {
        -4095..0 => Err(Errno::from_raw_os_error(-answer as i32)),
        answer => Ok(answer as usize),
    }
}

/// `syscall!(NAME, argument...)`: up to four arguments, the rest zero.
macro_rules! syscall {
    ($name:ident $(,)?) => {
        $crate::arch::syscall!($name, 0)
    };
    ($name:ident, $a:expr $(,)?) => {
        $crate::arch::syscall!($name, $a, 0)
    };
    ($name:ident, $a:expr, $b:expr $(,)?) => {
        $crate::arch::syscall!($name, $a, $b, 0)
    };
    ($name:ident, $a:expr, $b:expr, $c:expr $(,)?) => {
        $crate::arch::syscall!($name, $a, $b, $c, 0)
    };
    ($name:ident, $a:expr, $b:expr, $c:expr, $d:expr $(,)?) => {
        $crate::arch::outcome($crate::arch::call(
            $a as usize,
            $b as usize,
            $c as usize,
            $d as usize,
            linux_raw_sys::general::$name,
        ))
    };
}
pub(crate) use syscall;
