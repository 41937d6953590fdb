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
