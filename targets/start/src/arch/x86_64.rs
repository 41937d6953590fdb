use core::arch::naked_asm;

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
