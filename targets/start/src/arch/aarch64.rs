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
        "mov x29, xzr", // the outermost frame, for debuggers
        "mov x30, xzr",
        "mov x0, sp", // first argument: the stack as the kernel left it
        "b start_main",
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
            "svc 0",
            in("x8") number,
            inlateout("x0") a => answer,
            in("x1") b,
            in("x2") c,
            in("x3") d,
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
            "svc 0",
            "cbnz x0, 2f", // the parent, or a failure
            "mov x0, {argument}",
            "blr {body}",
            "2:",
            body = in(reg) body,
            argument = in(reg) argument,
            in("x8") number,
            inlateout("x0") flags => answer,
            in("x1") 0, // this stack
        );
    }
    answer
}
