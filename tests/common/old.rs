//! An older engine, whose seccomp filter answers `EPERM` to system calls that it doesn't know, and an older kernel, which
//! answers `ENOSYS`: Linux 4.4.

use std::panic::resume_unwind;
use std::thread;

use nix::errno::Errno;
use nix::libc::{
    BPF_ABS, BPF_JEQ, BPF_JGT, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW,
    SECCOMP_RET_ERRNO,
};
use seccompiler::{apply_filter, sock_filter};

/// What is old.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Old {
    Engine,
    Kernel,
}

/// Does something in a thread whose system calls, and those of all processes that it starts, pass the filter.
///
/// # Panics
///
/// If `play` does, or if there can't be a filter.
pub(crate) fn within(old: Old, play: impl FnOnce() + Send) {
    let filter = filter(match old {
        Old::Engine => Errno::EPERM,
        Old::Kernel => Errno::ENOSYS,
    });
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            apply_filter(&filter).expect("a seccomp filter");
            play();
        });
        if let Err(panic) = thread.join() {
            resume_unwind(panic);
        }
    });
}

/// As far as a filter sees it, a system call is a `struct seccomp_data`, of which these are offsets.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
/// The upper half, on a machine with the lower one first.
const INSTRUCTION_POINTER: u32 = 12;

const AUDIT_ARCH_I386: u32 = 0x4000_0003;
const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;

/// `mlock2`, the last call in Linux 4.4's tables (`arch/x86/entry/syscalls`).
const LAST_OF_I386: u32 = 376;
const LAST_OF_X86_64: u32 = 325;

/// It meets our program only: the only one of 32 bits, and of 64 bits the only one that is linked to a fixed address in the
/// first 4 GiB. What is around it reaches the kernel through a C library, which is elsewhere, and is newer than such an
/// engine: `ls` would find no file under it, and Node start no thread.
fn filter(errno: Errno) -> [sock_filter; 11] {
    [
        load(ARCHITECTURE),
        jump(BPF_JEQ, AUDIT_ARCH_I386, 5, 0),
        jump(BPF_JEQ, AUDIT_ARCH_X86_64, 0, 6),
        load(INSTRUCTION_POINTER),
        jump(BPF_JEQ, 0, 0, 4),
        load(NUMBER),
        jump(BPF_JGT, LAST_OF_X86_64, 3, 2),
        load(NUMBER),
        jump(BPF_JGT, LAST_OF_I386, 1, 0),
        answer(SECCOMP_RET_ALLOW),
        answer(SECCOMP_RET_ERRNO | errno as u32),
    ]
}

const fn load(offset: u32) -> sock_filter {
    instruction(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0)
}

/// How many instructions to skip if the comparison with `value` holds, and if it doesn't.
const fn jump(comparison: u32, value: u32, jt: u8, jf: u8) -> sock_filter {
    instruction(BPF_JMP | BPF_K | comparison, value, jt, jf)
}

const fn answer(value: u32) -> sock_filter {
    instruction(BPF_RET | BPF_K, value, 0, 0)
}

const fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    let code = code as u16;
    sock_filter { code, jt, jf, k }
}
