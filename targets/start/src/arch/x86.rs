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
        "xor ebp, ebp", // the outermost frame, for debuggers
        "mov eax, esp", // the stack as the kernel left it ...
        "sub esp, 12",  // ... with the argument below it, 16-aligned at the call
        "push eax",
        "call start_main",
        "ud2",
    )
}
