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
        "mov x29, xzr", // the outermost frame, for debuggers
        "mov x30, xzr",
        "mov x0, sp", // first argument: the stack as the kernel left it
        "b start_main",
    )
}
