//! Signals, received in order by waiting for them instead of by handlers.

use crate::arch::syscall;
use rustix::process::Pid;

/// The bytes of the kernel's signal set.
const SET_SIZE: usize = size_of::<u64>();

const SIG_BLOCK: usize = 0;
const SIG_UNBLOCK: usize = 1;
const SIG_SETMASK: usize = 2;

/// What `sigaction` calls no handler and no interest.
const SIG_DFL: usize = 0;
const SIG_IGN: usize = 1;

/// The numbers of the signals that the programs know by name; they are the same on each of the architectures.
#[allow(missing_docs, reason = "signal(7) has them")]
pub mod number {
    pub const SIGHUP: u32 = 1;
    pub const SIGINT: u32 = 2;
    pub const SIGQUIT: u32 = 3;
    pub const SIGKILL: u32 = 9;
    pub const SIGUSR1: u32 = 10;
    pub const SIGUSR2: u32 = 12;
    pub const SIGPIPE: u32 = 13;
    pub const SIGALRM: u32 = 14;
    pub const SIGTERM: u32 = 15;
    pub const SIGCHLD: u32 = 17;
    pub const SIGCONT: u32 = 18;
    pub const SIGSTOP: u32 = 19;
    pub const SIGTSTP: u32 = 20;
    pub const SIGTTIN: u32 = 21;
    pub const SIGTTOU: u32 = 22;
    pub const SIGWINCH: u32 = 28;
    pub const SIGIO: u32 = 29;
}

use number::{SIGCHLD, SIGKILL, SIGSTOP, SIGTSTP};

/// Two that can't be blocked, and those that the kernel sends for the program's own faults: blocked, they would kill it
/// without a trace.
const NOT_BLOCKED: [u32; 8] = [SIGKILL, SIGSTOP, 4, 5, 7, 8, 11, 31];

/// `si_code` of a signal that the kernel sent, the terminal's among them.
const SI_KERNEL: i32 = 0x80;

/// A set of signals.
#[derive(Clone, Copy)]
pub struct SignalSet(u64);

impl SignalSet {
    /// Every signal but those that can't be blocked, or mustn't be.
    #[must_use]
    pub fn all() -> Self {
        const ALL: SignalSet = SignalSet(!SignalSet::of(&NOT_BLOCKED).0);
        ALL
    }

    /// These signals.
    #[must_use]
    pub const fn of(signals: &[u32]) -> Self {
        let (mut set, mut rest) = (0, signals);
        while let [signal, others @ ..] = rest {
            set |= bit(*signal);
            rest = others;
        }
        Self(set)
    }

    /// Whether `signal` is one of them.
    #[must_use]
    pub const fn contains(self, signal: u32) -> bool {
        self.0 & bit(signal) != 0
    }
}

const fn bit(signal: u32) -> u64 {
    1 << ((signal - 1) & 63)
}

/// A signal that was waited for.
#[derive(Clone, Copy)]
pub struct Received {
    /// Its number.
    pub number: u32,
    /// Whether the kernel sent it, for example for a key of the terminal.
    pub is_from_kernel: bool,
    /// The process that sent it; 0 for the kernel, and for a process of an outer PID namespace.
    pub sender: i32,
}

/// The kernel's `struct sigaction`, for no handler.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Action {
    handler: usize,
    flags: usize,
    #[cfg(not(target_arch = "riscv64"))]
    restorer: usize,
    /// A `u64` would be aligned to 8 bytes, which the kernel's isn't on 32 bits.
    mask: [usize; SET_SIZE / size_of::<usize>()],
    /// QEMU (7.2) thinks that there is a restorer here too, and so writes a word more than the kernel does.
    #[cfg(target_arch = "riscv64")]
    room: usize,
}

/// The signals blocked, and what was so before.
pub struct Signals {
    mask: u64,
    child_action: Action,
}

impl Signals {
    /// Blocks all signals, to be waited for; and has ended children remain until they are waited for.
    #[must_use]
    pub fn block() -> Self {
        let set = SignalSet::all().0;
        let mut before = Self {
            mask: 0,
            child_action: Action::default(),
        };
        // SAFETY: both sets are words of the size that is passed along.
        let _ = unsafe {
            syscall!(
                __NR_rt_sigprocmask,
                SIG_BLOCK,
                &raw const set,
                &raw mut before.mask,
                SET_SIZE
            )
        };
        // Under a parent that ignores SIGCHLD, ended children would be gone before their status was known.
        let reset = Action {
            handler: SIG_DFL,
            ..Action::default()
        };
        // SAFETY: both are laid out as the kernel's structure, and no handler is set.
        let _ = unsafe {
            syscall!(
                __NR_rt_sigaction,
                SIGCHLD,
                &raw const reset,
                &raw mut before.child_action,
                SET_SIZE
            )
        };
        before
    }

    /// Puts back what was there before: what a command is to be started with.
    pub fn restore(&self) {
        // SAFETY: this is what `block` got from the kernel. A handler can't be in it: `execve` leaves none.
        let _ = unsafe {
            syscall!(
                __NR_rt_sigaction,
                SIGCHLD,
                &raw const self.child_action,
                0,
                SET_SIZE
            )
        };
        // SAFETY: the set is a word of the size that is passed along.
        let _ = unsafe {
            syscall!(
                __NR_rt_sigprocmask,
                SIG_SETMASK,
                &raw const self.mask,
                0,
                SET_SIZE
            )
        };
    }

    /// Stops this process as a Ctrl-Z at the terminal would have, had SIGTSTP not been blocked: not where that is ignored,
    /// nor where nobody could continue it.
    pub fn stop(&self) {
        // Delivered at the end of the call that unblocks it.
        send(rustix::process::getpid(), SIGTSTP);
        let set = const { SignalSet::of(&[SIGTSTP]).0 };
        for &how in &[SIG_UNBLOCK, SIG_BLOCK] {
            // SAFETY: the set is a word of the size that is passed along.
            let _ = unsafe { syscall!(__NR_rt_sigprocmask, how, &raw const set, 0, SET_SIZE) };
        }
    }

    /// Blocks and ignores no signal from here on, whatever was there before: what a daemon wants.
    pub fn reset(self) {
        let action = Action::default();
        for signal in 1..65 {
            // SAFETY: `action` is laid out as the kernel's structure, and sets no handler.
            let _ = unsafe { syscall!(__NR_rt_sigaction, signal, &raw const action, 0, SET_SIZE) };
        }
        let none = 0_u64;
        // SAFETY: the set is a word of the size that is passed along.
        let _ = unsafe {
            syscall!(
                __NR_rt_sigprocmask,
                SIG_SETMASK,
                &raw const none,
                0,
                SET_SIZE
            )
        };
    }

    /// Whether the process that started this one has it ignore `signal`, as `nohup` does.
    #[must_use]
    pub fn is_ignored(&self, signal: u32) -> bool {
        let mut action = Action::default();
        // SAFETY: `action` is laid out as the kernel's structure.
        let _ = unsafe { syscall!(__NR_rt_sigaction, signal, 0, &raw mut action, SET_SIZE) };
        action.handler == SIG_IGN
    }

    /// Waits for one of `set`, for at most `milliseconds`; `None` when they have passed.
    #[must_use]
    pub fn wait(&self, set: SignalSet, milliseconds: Option<u32>) -> Option<Received> {
        let timeout = milliseconds.map(|milliseconds| {
            [
                (milliseconds / 1000) as usize,
                (milliseconds % 1000 * 1_000_000) as usize,
            ]
        });
        let timeout = timeout
            .as_ref()
            .map_or(core::ptr::null(), |time| time.as_ptr());
        // `siginfo_t` is 128 bytes on every architecture, and begins with signal, errno and code.
        let mut info = [0_i32; 32];
        // SAFETY: the set has the size that is passed along, the kernel fills `info`, and `timeout` is null or two
        // words, which is the `timespec` that this call takes on 32 and on 64 bits.
        let signal = unsafe {
            syscall!(
                __NR_rt_sigtimedwait,
                &raw const set.0,
                info.as_mut_ptr(),
                timeout,
                SET_SIZE
            )
        };
        let [_, _, code, at_12, at_16, ..] = info;
        // The sender follows in a union, which is aligned as a pointer is.
        let sender = if size_of::<usize>() == 8 {
            at_16
        } else {
            at_12
        };
        Some(Received {
            number: signal.ok()? as u32,
            is_from_kernel: code == SI_KERNEL,
            sender,
        })
    }
}

/// `kill(2)`. A process that is gone already is no error.
pub fn send(process: Pid, signal: u32) {
    // SAFETY: the call takes plain numbers.
    let _ = unsafe { syscall!(__NR_kill, process.as_raw_pid(), signal) };
}

/// `kill(2)` of a process group.
pub fn send_to_group(group: Pid, signal: u32) {
    // SAFETY: the call takes plain numbers.
    let _ = unsafe { syscall!(__NR_kill, -group.as_raw_pid(), signal) };
}
