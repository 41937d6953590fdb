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

use crate::signal::number::SIGCHLD;

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

/// `CLONE_VM | CLONE_VFORK | SIGCHLD` of clone(2).
const SHARED_UNTIL_EXEC: usize = 0x4000 | 0x100 | SIGCHLD as usize;

/// Starts a child that calls `body` on this stack, below this frame, and goes on when the child has ended or become another
/// program; what the kernel answers.
///
/// `vfork(2)` as a function can't be written in Rust: the child would return from it, and into the frame that this process
/// needs afterwards.
///
/// # Safety
///
/// `body` must leave alone what it doesn't own, for the memory is this process's.
#[inline(never)]
pub(crate) unsafe fn spawn_on_this_stack<A>(
    body: extern "C" fn(*const A) -> !,
    argument: &A,
) -> isize {
    let number = linux_raw_sys::general::__NR_clone as usize;
    let (body, argument) = (body as usize, &raw const *argument as usize);
    // SAFETY: the caller's promise.
    unsafe { current::spawn(number, SHARED_UNTIL_EXEC, body, argument) }
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
