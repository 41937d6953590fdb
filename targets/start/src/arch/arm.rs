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
        "mov r11, #0", // the outermost frame, for debuggers
        "mov lr, #0",
        "mov r0, sp", // first argument: the stack as the kernel left it
        "b start_main",
    )
}
