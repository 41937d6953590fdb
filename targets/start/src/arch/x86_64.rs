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
        "xor ebp, ebp",    // the outermost frame, for debuggers
        "mov rdi, rsp",    // first argument: the stack as the kernel left it
        "call start_main", // the call leaves the stack 8 off a multiple of 16, as functions expect it
        "ud2",
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
            "syscall",
            inlateout("rax") number => answer,
            in("rdi") a,
            in("rsi") b,
            in("rdx") c,
            in("r10") d,
            lateout("rcx") _,
            lateout("r11") _,
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
            "syscall",
            "test rax, rax",
            "jnz 2f", // the parent, or a failure
            "mov rdi, {argument}",
            "call {body}",
            "2:",
            body = in(reg) body,
            argument = in(reg) argument,
            inlateout("rax") number => answer,
            in("rdi") flags,
            in("rsi") 0, // this stack
            out("rcx") _,
            out("r11") _,
        );
    }
    answer
}
