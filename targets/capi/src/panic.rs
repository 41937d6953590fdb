//! A panic is a defect. It ends the process at once, by a signal that no handler can come before.

use core::arch::asm;
use core::panic::PanicInfo;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: an instruction that traps.
    unsafe {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        asm!("ud2", options(noreturn));
        #[cfg(target_arch = "arm")]
        asm!("udf #0", options(noreturn));
        #[cfg(target_arch = "aarch64")]
        asm!("udf #0", options(noreturn));
        #[cfg(target_arch = "riscv64")]
        asm!("unimp", options(noreturn));
    }
}

update_lock_mem::no_unwinding!();
