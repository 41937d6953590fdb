//! A real process whose system calls are made one at a time, when they are asked for.

use std::cell::RefCell;
use std::ffi::CString;
use std::io::{self, IoSliceMut};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::libc::user_regs_struct;
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::Signal;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use seccompiler::{apply_filter, sock_filter};

use crate::abi::{self, Call};

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum End {
    Code(i32),
    Signal(Signal),
}

const OPTIONS: Options = Options::PTRACE_O_TRACESYSGOOD
    .union(Options::PTRACE_O_TRACESECCOMP)
    .union(Options::PTRACE_O_EXITKILL);

/// A traced process. It is killed by its drop.
pub(crate) struct Tracee {
    pid: Pid,
    end: Option<End>,
    /// It isn't traced any more.
    is_free: bool,
    has_executed: bool,
}

impl Tracee {
    /// Starts a command that stops at the calls of a [filter](abi::filter). It stands before its first instruction then.
    ///
    /// # Panics
    ///
    /// If it can't be started or traced.
    pub(crate) fn start(mut command: Command, filter: Vec<sock_filter>) -> Self {
        command
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self::spawn(command, filter)
    }

    /// Starts a command that stops at each of its calls.
    ///
    /// # Panics
    ///
    /// If it can't be started or traced.
    pub(crate) fn start_unfiltered(command: Command) -> Self {
        Self::spawn(command, vec![])
    }

    /// Starts a command and lets it go on to where it starts a process, which is what is traced from there; the command
    /// itself isn't.
    ///
    /// # Panics
    ///
    /// If it can't be started or traced, or starts nothing.
    pub(crate) fn start_child_of(command: Command) -> (Self, Self) {
        let mut parent = Self::spawn(command, vec![]);
        let child = parent.follow();
        parent.let_go();
        (parent, child)
    }

    /// Goes on to where it starts a process, which is traced as it is.
    ///
    /// # Panics
    ///
    /// If it starts nothing.
    pub(crate) fn follow(&mut self) -> Self {
        let options = Options::PTRACE_O_TRACEFORK
            | Options::PTRACE_O_TRACEVFORK
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_TRACEEXEC;
        ptrace::setoptions(self.pid, OPTIONS | options).expect("it is traced");
        self.go_on(ptrace::cont);
        let child = ptrace::getevent(self.pid).expect("it starts a process");
        let mut child = Self::new(Pid::from_raw(child as i32));
        child.wait();
        child
    }

    #[allow(clippy::zombie_processes, reason = "its tracer waits for it")]
    fn spawn(mut command: Command, filter: Vec<sock_filter>) -> Self {
        let prepare = move || {
            ptrace::traceme()?;
            if filter.is_empty() {
                return Ok(());
            }
            apply_filter(&filter).map_err(|_| io::ErrorKind::Unsupported.into())
        };
        // SAFETY: between `fork` and `execve` it makes system calls alone, and takes no lock and no memory.
        unsafe { command.pre_exec(prepare) };
        let child = command.spawn().expect("the program is there");
        let pid = Pid::from_raw(child.id().cast_signed());
        let mut tracee = Self::new(pid);
        tracee.wait();
        ptrace::setoptions(pid, OPTIONS).expect("it is traced");
        tracee
    }

    fn new(pid: Pid) -> Self {
        Self {
            pid,
            end: None,
            is_free: false,
            has_executed: false,
        }
    }

    /// A copy of this process, which stands before a call and makes it only later. Either comes to it anew.
    ///
    /// # Panics
    ///
    /// If it can't be copied.
    pub(crate) fn fork(&mut self) -> Self {
        reap();
        let call = ptrace::getregs(self.pid).expect("it stands before a call");
        ptrace::setregs(self.pid, abi::forking(call)).expect("it is traced");
        let pid = self.make_call();
        let pid = Pid::from_raw(i32::try_from(pid).expect("a process id"));
        let mut copy = Self::new(pid);
        copy.wait();
        for pid in [self.pid, pid] {
            ptrace::setregs(pid, abi::before(call)).expect("it is traced");
        }
        self.go_on(ptrace::cont);
        copy
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    pub(crate) fn end(&self) -> Option<End> {
        self.end
    }

    /// Whether it has become another program since it was traced.
    pub(crate) fn has_executed(&self) -> bool {
        self.has_executed
    }

    /// Traces it no more.
    pub(crate) fn let_go(&mut self) {
        self.is_free = ptrace::detach(self.pid, None).is_ok();
    }

    /// Waits for the end of a process of this test's that isn't traced any more.
    pub(crate) fn join(&mut self) -> End {
        self.bury();
        self.end.expect("it is buried")
    }

    /// Goes on to the next system call that the filter stops at; `None` where the process ended instead.
    pub(crate) fn next_call(&mut self) -> Option<Call> {
        self.go_on(ptrace::cont);
        self.registers().as_ref().map(Call::of)
    }

    /// Goes on to the next system call of any kind, without a filter; `None` where the process ended instead.
    pub(crate) fn next_any_call(&mut self) -> Option<user_regs_struct> {
        self.go_on(ptrace::syscall);
        self.registers()
    }

    /// Makes the call that the process stands before; it may end by it.
    pub(crate) fn finish_call(&mut self) {
        self.go_on(ptrace::syscall);
    }

    /// Has the call that the process stands before fail, without a filter.
    pub(crate) fn fail_call(&mut self, errno: Errno) {
        self.answer_call(0);
        self.go_on(ptrace::syscall);
        self.answer_call(-i64::from(errno as i32));
    }

    /// Makes the call that the process stands before, and stands behind it; what the kernel answered.
    pub(crate) fn make_call(&mut self) -> i64 {
        self.go_on(ptrace::syscall);
        // Of 32 bits, too, it is sign-extended there.
        self.registers().map_or(0, |registers| registers.rax as i64)
    }

    /// Answers the call that the process stands before in the kernel's place.
    pub(crate) fn answer_call(&mut self, answer: i64) {
        if let Some(mut registers) = self.registers() {
            registers.orig_rax = u64::MAX;
            registers.rax = answer as u64;
            let _ = ptrace::setregs(self.pid, registers);
        }
    }

    /// `None` where it has ended, or is killed in this moment.
    fn registers(&mut self) -> Option<user_regs_struct> {
        if self.end.is_some() {
            return None;
        }
        let registers = ptrace::getregs(self.pid);
        registers.inspect_err(|_| self.bury()).ok()
    }

    fn bury(&mut self) {
        while self.end.is_none() {
            self.wait();
        }
    }

    /// Kills it with SIGKILL before the call that it stands before.
    pub(crate) fn crash(&mut self) {
        if self.end.is_none() {
            let _ = nix::sys::signal::kill(self.pid, Signal::SIGKILL);
            self.bury();
        }
    }

    /// Writes two words to its memory.
    pub(crate) fn write(&self, address: u64, words: [i64; 2]) {
        for (word, place) in words.into_iter().zip([address, address + 8]) {
            let _ = ptrace::write(self.pid, place as *mut _, word);
        }
    }

    /// Two words of its memory.
    pub(crate) fn read(&self, address: u64) -> [i64; 2] {
        [address, address + 8].map(|place| ptrace::read(self.pid, place as *mut _).unwrap_or(0))
    }

    /// Adds to a time of its, of two words.
    pub(crate) fn advance(&self, address: u64, milliseconds: i64) {
        let [seconds, nanoseconds] = self.read(address);
        let nanoseconds = nanoseconds + milliseconds * 1_000_000;
        let whole = nanoseconds / 1_000_000_000;
        self.write(
            address,
            [seconds + whole, nanoseconds - whole * 1_000_000_000],
        );
    }

    /// Whether the string at `address` is `text`.
    pub(crate) fn has_string(&self, address: u64, text: &CString) -> bool {
        let text = text.as_bytes_with_nul();
        let mut buffer = vec![0; text.len()];
        let from = RemoteIoVec {
            base: address as usize,
            len: text.len(),
        };
        let to = &mut [IoSliceMut::new(&mut buffer)];
        process_vm_readv(self.pid, to, &[from]) == Ok(text.len()) && buffer == text
    }

    /// To the next stop, or to its end. Signals reach it.
    fn go_on(&mut self, how: fn(Pid, Option<Signal>) -> nix::Result<()>) {
        let mut signal = None;
        while self.end.is_none() {
            if how(self.pid, signal).is_err() {
                return self.bury();
            }
            match self.wait() {
                WaitStatus::Stopped(_, other) => signal = Some(other),
                _ => break,
            }
        }
    }

    fn wait(&mut self) -> WaitStatus {
        let status = waitpid(self.pid, None).expect("it is ours");
        self.has_executed |= is_exec(&status);
        self.end = match status {
            WaitStatus::Exited(_, code) => Some(End::Code(code)),
            WaitStatus::Signaled(_, signal, _) => Some(End::Signal(signal)),
            _ => None,
        };
        status
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        if !self.is_free && self.end.is_none() {
            let _ = nix::sys::signal::kill(self.pid, Signal::SIGKILL);
            DYING.with_borrow_mut(|dying| dying.push(self.pid));
        }
    }
}

thread_local! {
    /// Who has a watch takes many milliseconds to end, which nobody waits for.
    static DYING: RefCell<Vec<Pid>> = const { RefCell::new(vec![]) };
}

/// So many may be dying: a user has 128 watches at most, by default, for all threads together.
const DYING_AT_MOST: usize = 4;

/// Reaps those that have ended meanwhile, and waits for the first ones if they are too many.
fn reap() {
    let is_alive = |pid: &Pid| match waitpid(*pid, Some(WaitPidFlag::WNOHANG)) {
        Ok(status) => status.pid().is_none(),
        Err(_) => false,
    };
    DYING.with_borrow_mut(|dying| {
        dying.retain(is_alive);
        while dying.len() > DYING_AT_MOST {
            let _ = waitpid(dying.remove(0), None);
        }
    });
}

fn is_exec(status: &WaitStatus) -> bool {
    matches!(status, WaitStatus::PtraceEvent(_, _, event) if *event == Event::PTRACE_EVENT_EXEC as i32)
}
