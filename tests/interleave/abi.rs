//! The system calls that matter here, by the numbers of either of this machine's ABIs, and the filter that stops at them.

use nix::libc::{
    self, BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW,
    SECCOMP_RET_ERRNO, SECCOMP_RET_TRACE, user_regs_struct,
};
use seccompiler::sock_filter;

/// What a system call is, as far as this test cares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Its second argument is a path, relative to the directory of its first one.
    OfPath,
    /// Its first argument is a descriptor.
    OfFile,
    /// It arms a watch.
    Watch,
    /// The program's way to tell its tracer something: `driver/main.rs`.
    Mark,
    /// It asks for the time.
    Clock,
    /// It starts a process.
    Fork,
    /// It waits for a signal.
    Nap,
    /// It reaps a process.
    Reap,
    /// A pause, if it is given no descriptors.
    Pause,
    /// A pause for as long as others have something to do.
    Yield,
}

/// A system call that is about to be made, or is being made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Call {
    /// Its name in the manual.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) kind: Kind,
    /// Its first four arguments.
    pub(crate) arguments: [u64; 4],
    /// Where it is made.
    pub(crate) instruction: u64,
}

/// The segment of code of 32 bits (`__USER32_CS`).
pub(crate) const CODE_OF_32_BITS: u64 = 0x23;

/// Name, what it is, the number on x86-64 and on i386; `NONE` where it has none.
const CALLS: &[(&str, Kind, u32, u32)] = &[
    ("openat", Kind::OfPath, 257, 295),
    ("newfstatat", Kind::OfPath, 262, 300),
    ("statx", Kind::OfPath, 332, 383),
    ("unlinkat", Kind::OfPath, 263, 301),
    ("flock", Kind::OfFile, 73, 143),
    ("fstat", Kind::OfFile, 5, 197),
    ("fchmod", Kind::OfFile, 91, 94),
    ("ftruncate", Kind::OfFile, 77, 93),
    ("ftruncate64", Kind::OfFile, NONE, 194),
    ("pread64", Kind::OfFile, 17, 180),
    ("read", Kind::OfFile, 0, 3),
    ("write", Kind::OfFile, 1, 4),
    ("close", Kind::OfFile, 3, 6),
    ("fcntl", Kind::OfFile, 72, 221),
    ("utimensat", Kind::OfFile, 280, 320),
    ("inotify_init1", Kind::Watch, 294, 332),
    ("ppoll", Kind::Pause, 271, 309),
    ("sched_yield", Kind::Yield, 24, 158),
    ("ppoll_time64", Kind::Pause, NONE, 414),
    ("getpgid", Kind::Mark, 121, 132),
    ("clock_gettime", Kind::Clock, 228, NONE),
    ("clock_gettime64", Kind::Clock, NONE, 403),
    ("clone", Kind::Fork, 56, 120),
    ("rt_sigtimedwait", Kind::Nap, 128, 177),
    ("rt_sigtimedwait_time64", Kind::Nap, NONE, 421),
    ("wait4", Kind::Reap, 61, 114),
];

const NONE: u32 = u32::MAX;

impl Call {
    /// The call that a process stands before.
    ///
    /// # Panics
    ///
    /// If it isn't one that the filter stops at.
    pub(crate) fn of(registers: &user_regs_struct) -> Self {
        let r = registers;
        let is_32_bit = r.cs == CODE_OF_32_BITS;
        let arguments = if is_32_bit {
            [r.rbx, r.rcx, r.rdx, r.rsi].map(|argument| argument & 0xffff_ffff)
        } else {
            [r.rdi, r.rsi, r.rdx, r.r10]
        };
        let mut calls = CALLS.iter();
        let call = calls.find(|&&(_, _, of_64, of_32)| {
            r.orig_rax as u32 == if is_32_bit { of_32 } else { of_64 }
        });
        let &(name, kind, ..) = call.expect("the filter stops at these");
        Self {
            name,
            kind,
            arguments,
            instruction: r.rip,
        }
    }

    /// The descriptor that is its first argument.
    pub(crate) fn descriptor(&self) -> i32 {
        self.arguments[0] as u32 as i32
    }

    /// Whether it asks who has locked a byte.
    pub(crate) fn looks_for_byte(&self) -> bool {
        self.name == "fcntl" && self.arguments[1] == libc::F_OFD_GETLK as u64
    }

    /// Whether it opens a file for writing.
    pub(crate) fn writes(&self) -> bool {
        self.arguments[2] & libc::O_ACCMODE as u64 != libc::O_RDONLY as u64
    }

    /// Whether it creates a file.
    pub(crate) fn creates(&self) -> bool {
        self.name == "openat" && self.arguments[2] & libc::O_CREAT as u64 != 0
    }
}

/// How a process that stands before a call makes a copy of itself instead: a child of its parent's, traced as it is.
pub(crate) fn forking(mut registers: user_regs_struct) -> user_regs_struct {
    let r = &mut registers;
    let flags = (libc::CLONE_PARENT | libc::CLONE_PTRACE | libc::SIGCHLD) as u64;
    if r.cs == CODE_OF_32_BITS {
        r.orig_rax = CLONE.1;
        [r.rbx, r.rcx, r.rdx, r.rsi, r.rdi] = [flags, 0, 0, 0, 0];
    } else {
        r.orig_rax = CLONE.0;
        [r.rdi, r.rsi, r.rdx, r.r10, r.r8] = [flags, 0, 0, 0, 0];
    }
    registers
}

/// On x86-64 and on i386.
const CLONE: (u64, u64) = (56, 120);

/// A process that comes to a call once more: before its instruction, which has two bytes on either.
pub(crate) fn before(call: user_regs_struct) -> user_regs_struct {
    user_regs_struct {
        rip: call.rip - 2,
        rax: call.orig_rax,
        orig_rax: u64::MAX,
        ..call
    }
}

/// As far as a filter sees it, a system call is a `struct seccomp_data`, of which these are offsets.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
/// The upper half, on a machine with the lower one first.
const INSTRUCTION_POINTER: u32 = 12;
const SECOND_ARGUMENT: u32 = 24;

const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;

/// What becomes of a pause: no time passes.
pub(crate) const CUT_SHORT: u32 = SECCOMP_RET_ERRNO;
/// Or it is a stop.
pub(crate) const STOPPED_AT: u32 = SECCOMP_RET_TRACE;

/// Stops our program, the only one that is linked to a fixed address in the first 4 GiB, at the calls above, and where it waits
/// for one of two descriptors: a keeper does. Of a pause becomes `of_pauses`.
pub(crate) fn filter(of_pauses: u32) -> Vec<sock_filter> {
    let of_64: Vec<_> = CALLS
        .iter()
        .map(|&(_, kind, of_64, _)| (kind, of_64))
        .collect();
    let of_32: Vec<_> = CALLS
        .iter()
        .map(|&(_, kind, _, of_32)| (kind, of_32))
        .collect();
    let of_64 = filter_of(&of_64, of_pauses);
    let mut filter = vec![
        load(INSTRUCTION_POINTER),
        skip_unless(0, 3 + of_64.len()),
        load(ARCHITECTURE),
        skip_unless(AUDIT_ARCH_X86_64, 1 + of_64.len()),
        load(NUMBER),
    ];
    filter.extend(of_64);
    filter.push(load(NUMBER));
    filter.extend(filter_of(&of_32, of_pauses));
    filter
}

fn filter_of(calls: &[(Kind, u32)], of_pauses: u32) -> Vec<sock_filter> {
    let mut filter = vec![];
    for &(kind, number) in calls {
        if kind == Kind::Yield {
            filter.extend([skip_unless(number, 1), answer(of_pauses)]);
        } else if kind == Kind::Pause {
            filter.extend([
                skip_unless(number, 6),
                load(SECOND_ARGUMENT),
                skip_unless(0, 1),
                answer(of_pauses),
                skip_unless(2, 1),
                answer(SECCOMP_RET_TRACE),
                answer(SECCOMP_RET_ALLOW),
            ]);
        } else {
            filter.extend([skip_unless(number, 1), answer(SECCOMP_RET_TRACE)]);
        }
    }
    filter.push(answer(SECCOMP_RET_ALLOW));
    filter
}

const fn load(offset: u32) -> sock_filter {
    instruction(BPF_LD | BPF_W | BPF_ABS, offset, 0)
}

fn skip_unless(value: u32, count: usize) -> sock_filter {
    let count = u8::try_from(count).expect("a short filter");
    instruction(BPF_JMP | BPF_JEQ | BPF_K, value, count)
}

const fn answer(value: u32) -> sock_filter {
    instruction(BPF_RET | BPF_K, value, 0)
}

const fn instruction(code: u32, k: u32, jf: u8) -> sock_filter {
    let code = code as u16;
    sock_filter { code, jt: 0, jf, k }
}
