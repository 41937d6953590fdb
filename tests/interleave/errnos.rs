//! The system calls of the program, and how each can fail, as its manual page says.

use nix::errno::Errno::{self, *};
use nix::libc::user_regs_struct;

use crate::abi::CODE_OF_32_BITS;
use crate::process::MONOTONIC;
use crate::tracee::Tracee;

/// A system call: its numbers on x86-64 and i386 (`NONE` where it isn't called there), and its errors.
pub(crate) struct Failing {
    pub(crate) name: &'static str,
    of_64: u32,
    of_32: u32,
    pub(crate) errnos: &'static [Errno],
}

const NONE: u32 = u32::MAX;

const OF_STAT: &[Errno] = &[
    EACCES,
    EBADF,
    EFAULT,
    EINVAL,
    ELOOP,
    ENAMETOOLONG,
    ENOENT,
    ENOMEM,
    ENOTDIR,
    EOVERFLOW,
];
const OF_READ: &[Errno] = &[EAGAIN, EBADF, EFAULT, EINTR, EINVAL, EIO, EISDIR];
const OF_TRUNCATE: &[Errno] = &[EBADF, EFBIG, EINTR, EINVAL, EIO, EPERM, EROFS, ETXTBSY];
const OF_CLOCK: &[Errno] = &[EFAULT, EINVAL];
const OF_TIMES: &[Errno] = &[EACCES, EBADF, EFAULT, EINVAL, EPERM, EROFS];
const OF_TIMER: &[Errno] = &[EBADF, ECANCELED, EFAULT, EINVAL];
const OF_FCNTL: &[Errno] = &[
    EACCES, EAGAIN, EBADF, EBUSY, EDEADLK, EFAULT, EINTR, EINVAL, EMFILE, ENOLCK, EPERM,
];

macro_rules! failing {
    ($($name:ident $of_64:expr, $of_32:expr, $errnos:expr;)*) => {
        /// All that can fail; not the calls that never do.
        pub(crate) const CALLS: &[Failing] = &[$(Failing {
            name: stringify!($name),
            of_64: $of_64,
            of_32: $of_32,
            errnos: $errnos,
        }),*];
    };
}

failing! {
    openat 257, 295, &[
        EACCES, EBADF, EBUSY, EDQUOT, EEXIST, EFAULT, EFBIG, EINTR, EINVAL, EISDIR, ELOOP, EMFILE, ENAMETOOLONG, ENFILE,
        ENODEV, ENOENT, ENOMEM, ENOSPC, ENOTDIR, ENXIO, EOPNOTSUPP, EOVERFLOW, EPERM, EROFS, ETXTBSY, EAGAIN,
    ];
    flock 73, 143, &[EBADF, EINTR, EINVAL, ENOLCK, EAGAIN];
    fstat 5, NONE, OF_STAT;
    newfstatat 262, NONE, OF_STAT;
    statx NONE, 383, OF_STAT;
    fchmod 91, 94, &[EBADF, EIO, EPERM, EROFS];
    unlinkat 263, 301, &[
        EACCES, EBADF, EBUSY, EFAULT, EINVAL, EIO, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EPERM, EROFS,
    ];
    close 3, 6, &[EBADF, EDQUOT, EINTR, EIO, ENOSPC];
    ftruncate 77, NONE, OF_TRUNCATE;
    ftruncate64 NONE, 194, OF_TRUNCATE;
    pread64 17, 180, OF_READ;
    read 0, 3, OF_READ;
    write 1, 4, &[
        EAGAIN, EBADF, EDESTADDRREQ, EDQUOT, EFAULT, EFBIG, EINTR, EINVAL, EIO, ENOSPC, EPERM, EPIPE,
    ];
    fcntl 72, NONE, OF_FCNTL;
    fcntl64 NONE, 221, OF_FCNTL;
    clone 56, 120, &[EAGAIN, EINVAL, ENOMEM, ENOSPC, EPERM];
    ppoll 271, 309, &[EFAULT, EINTR, EINVAL, ENOMEM];
    ppoll_time64 NONE, 414, &[EFAULT, EINTR, EINVAL, ENOMEM];
    pipe2 293, 331, &[EFAULT, EINVAL, EMFILE, ENFILE];
    pidfd_open 434, 434, &[EINVAL, EMFILE, ENFILE, ENODEV, ENOMEM, ESRCH];
    close_range 436, 436, &[EINVAL, EMFILE, ENOMEM];
    faccessat 269, 307, &[
        EACCES, EBADF, EFAULT, EINVAL, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EPERM, EROFS, ETXTBSY,
    ];
    clock_gettime 228, 265, OF_CLOCK;
    clock_gettime64 NONE, 403, OF_CLOCK;
    rt_sigtimedwait 128, 177, &[EAGAIN, EINTR, EINVAL];
    rt_sigtimedwait_time64 NONE, 421, &[EAGAIN, EINTR, EINVAL];
    rt_sigaction 13, 174, &[EFAULT, EINVAL];
    // With a set that is there and its right size: likewise, and unblocked signals are lost.
    rt_sigprocmask 14, 175, &[];
    // Where somebody else has waited for the child.
    wait4 61, 114, &[ECHILD];
    getpgid 121, 132, &[ESRCH];
    getsid 124, 147, &[EPERM, ESRCH];
    prctl 157, 172, &[EINVAL];
    adjtimex 159, 124, &[EFAULT, EINVAL, EPERM];
    ioctl 16, 54, &[EBADF, EFAULT, EINVAL, EIO, ENOTTY];
    setpgid 109, 57, &[EACCES, EINVAL, EPERM, ESRCH];
    setsid 112, 66, &[EPERM];
    chdir 80, 12, &[EACCES, EFAULT, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR];
    execve 59, 11, &[
        E2BIG, EACCES, EAGAIN, EFAULT, EINVAL, EIO, EISDIR, ELIBBAD, ELOOP, EMFILE, ENAMETOOLONG, ENFILE, ENOENT, ENOEXEC,
        ENOMEM, ENOTDIR, EPERM, ETXTBSY,
    ];
    utimensat 280, 320, OF_TIMES;
    utimensat_time64 NONE, 412, OF_TIMES;
    timerfd_create 283, 322, &[EINVAL, EMFILE, ENFILE, ENODEV, ENOMEM, EPERM];
    timerfd_settime 286, 325, OF_TIMER;
    timerfd_settime64 NONE, 411, OF_TIMER;
    timerfd_gettime 287, 326, OF_TIMER;
    timerfd_gettime64 NONE, 410, OF_TIMER;
    socket 41, 359, &[EACCES, EAFNOSUPPORT, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTONOSUPPORT];
    connect 42, 362, &[
        EACCES, EPERM, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EALREADY, EBADF, ECONNREFUSED, EFAULT, EINPROGRESS,
        EINTR, EISCONN, ENETUNREACH, ENOTSOCK, EPROTOTYPE, ETIMEDOUT,
    ];
    sendto 44, 369, &[
        EACCES, EAGAIN, EALREADY, EBADF, ECONNRESET, EDESTADDRREQ, EFAULT, EINTR, EINVAL, EISCONN, EMSGSIZE, ENOBUFS, ENOMEM,
        ENOTCONN, ENOTSOCK, EOPNOTSUPP, EPIPE,
    ];
    recvfrom 45, 371, &[EAGAIN, EBADF, ECONNREFUSED, EFAULT, EINTR, EINVAL, ENOMEM, ENOTCONN, ENOTSOCK];
    inotify_init1 294, 332, &[EINVAL, EMFILE, ENFILE, ENOMEM];
    inotify_add_watch 254, 292, &[
        EACCES, EBADF, EEXIST, EFAULT, EINVAL, ENAMETOOLONG, ENOENT, ENOMEM, ENOSPC, ENOTDIR,
    ];
}

/// Those that came with Linux 4.11 or later, or that strict filters refuse: `seccomp(2)`, and what containers have met.
pub(crate) const REFUSED: &[&str] = &[
    "statx",
    "pidfd_open",
    "close_range",
    "clock_gettime64",
    "ppoll_time64",
    "rt_sigtimedwait_time64",
    "inotify_init1",
    "inotify_add_watch",
    "prctl",
    "faccessat",
    "timerfd_settime64",
    "timerfd_gettime64",
    "utimensat_time64",
    "adjtimex",
    "socket",
];

impl Failing {
    /// Where it writes a time that goes on by itself, in two words of 64 bits.
    pub(crate) fn time(&self, registers: &user_regs_struct) -> Option<u64> {
        let is_32_bit = registers.cs == CODE_OF_32_BITS;
        let (clock, address) = if is_32_bit {
            (registers.rbx, registers.rcx)
        } else {
            (registers.rdi, registers.rsi)
        };
        let name = if is_32_bit {
            "clock_gettime64"
        } else {
            "clock_gettime"
        };
        (self.name == name && clock == MONOTONIC).then_some(address)
    }

    /// Whether the call waits until something happens, or for a while.
    pub(crate) fn waits(&self, tracee: &Tracee, registers: &user_regs_struct) -> bool {
        let timeout = if registers.cs == CODE_OF_32_BITS {
            registers.rdx & 0xffff_ffff
        } else {
            registers.rdx
        };
        match self.name {
            "ppoll" | "ppoll_time64" => timeout == 0 || tracee.read(timeout) != [0, 0],
            name => name.starts_with("rt_sigtimedwait"),
        }
    }

    /// The call that a process stands before, if it can fail.
    pub(crate) fn of(registers: &user_regs_struct) -> Option<&'static Self> {
        let is_32_bit = registers.cs == CODE_OF_32_BITS;
        let number = registers.orig_rax as u32;
        CALLS
            .iter()
            .find(|call| number == if is_32_bit { call.of_32 } else { call.of_64 })
    }
}
