//! A panic is a defect. It ends the process at once, with a line and a code of its own.

use core::panic::PanicInfo;

use crate::arch::syscall;

/// `EX_SOFTWARE` of `sysexits.h`.
const INTERNAL_ERROR: i32 = 70;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    let text = b"update-lock: internal error\n";
    // SAFETY: the kernel reads as many bytes as there are.
    let _ = unsafe { syscall!(__NR_write, 2, text.as_ptr(), text.len()) };
    crate::exit(INTERNAL_ERROR)
}

update_lock_mem::no_unwinding!();
