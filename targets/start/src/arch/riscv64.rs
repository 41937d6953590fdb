use core::arch::{asm, naked_asm};

/// The first instruction of the program.
///
/// # Safety
///
/// Only the kernel may come here, by starting the program.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        ".option push",
        ".option norelax",           // relaxed, it would be relative to itself
        "lla gp, __global_pointer$", // what linker relaxation addresses data by
        ".option pop",
        "mv s0, zero", // the outermost frame, for debuggers
        "mv ra, zero",
        "mv a0, sp", // first argument: the stack as the kernel left it
        "tail start_main",
    )
}

/// Makes a system call with up to four arguments; what the kernel answers, a negative errno for a failure.
///
/// # Safety
///
/// That of the system call.
pub(crate) unsafe fn syscall(number: usize, a: usize, b: usize, c: usize, d: usize) -> isize {
    let answer: isize;
    // SAFETY: the caller's promise; the clobbers are the kernel's for this architecture (syscall(2)).
    unsafe {
        asm!(
            "ecall",
            in("a7") number,
            inlateout("a0") a => answer,
            in("a1") b,
            in("a2") c,
            in("a3") d,
            options(nostack)
        );
    }
    answer
}

/// `clone(2)` with these flags and this stack, whose child calls `body`; what the kernel answers to the parent.
///
/// # Safety
///
/// `body` is an `extern "C" fn(usize) -> !`, and the flags have the parent wait for its end.
pub(crate) unsafe fn spawn(number: usize, flags: usize, body: usize, argument: usize) -> isize {
    let answer: isize;
    // SAFETY: the child only goes down from here on the stack, and never comes back; the parent finds all as it was.
    unsafe {
        asm!(
            "ecall",
            "bnez a0, 2f", // the parent, or a failure
            "mv a0, {argument}",
            "jalr {body}",
            "2:",
            body = in(reg) body,
            argument = in(reg) argument,
            in("a7") number,
            inlateout("a0") flags => answer,
            in("a1") 0, // this stack
        );
    }
    answer
}
