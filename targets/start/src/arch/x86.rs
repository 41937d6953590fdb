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
        "xor ebp, ebp", // the outermost frame, for debuggers
        "mov eax, esp", // the stack as the kernel left it ...
        "sub esp, 12",  // ... with the argument below it, 16-aligned at the call
        "push eax",
        "call start_main",
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
            "xchg esi, {d}",               // the compiler keeps esi for itself
            "int 0x80",
            "xchg esi, {d}",
            d = in(reg) d,
            inlateout("eax") number => answer,
            in("ebx") a,
            in("ecx") b,
            in("edx") c,
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
            "int 0x80",
            "test eax, eax",
            "jnz 2f",      // the parent, or a failure
            "sub esp, 12", // 16-aligned at the call
            "push {argument}",
            "call {body}",
            "2:",
            body = in(reg) body,
            argument = in(reg) argument,
            inlateout("eax") number => answer,
            in("ebx") flags,
            in("ecx") 0, // this stack
        );
    }
    answer
}
