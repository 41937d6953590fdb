//! `_start`, one file for each architecture.
//!
//! Each passes the stack pointer, at which the kernel has put `argc`, `argv` and the environment, to `start_main`
//! and never returns. The kernel aligns the stack to 16 bytes on all of them (`STACK_ROUND` and `arch_align_stack`
//! in `fs/binfmt_elf.c`), which is what each procedure call standard wants.

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "x86", path = "x86.rs")]
#[cfg_attr(target_arch = "arm", path = "arm.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
mod current;
