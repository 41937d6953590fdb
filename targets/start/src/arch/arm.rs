use core::arch::{asm, global_asm};

// The first instruction of the program. No naked function: rustc wraps those in directives for Thumb code, which the
// assembler refuses for ARMv6.
global_asm!(
    ".globl _start",
    ".type _start, %function",
    ".arm", // the linker gives the branch a change of mode, where Rust's code is Thumb code
    "_start:",
    "mov r11, #0", // the outermost frame, for debuggers
    "mov lr, #0",
    "mov r0, sp", // first argument: the stack as the kernel left it
    "bl start_main",
);

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
            "mov {saved}, r7",             // Thumb code has its frame pointer in r7
            "mov r7, {number}",
            "svc 0",
            "mov r7, {saved}",
            number = in(reg) number,
            saved = out(reg) _,
            inlateout("r0") a => answer,
            in("r1") b,
            in("r2") c,
            in("r3") d,
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
            "mov {saved}, r7", // Thumb code has its frame pointer in r7
            "mov r7, {number}",
            "svc 0",
            "mov r7, {saved}",
            "cmp r0, #0",
            "bne 2f", // the parent, or a failure
            "mov r0, {argument}",
            "blx {body}",
            "2:",
            number = in(reg) number,
            saved = out(reg) _,
            body = in(reg) body,
            argument = in(reg) argument,
            inlateout("r0") flags => answer,
            in("r1") 0, // this stack
        );
    }
    answer
}
