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
