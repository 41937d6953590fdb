//! Starting, becoming and ending a process.

use core::ffi::{CStr, c_char};
use core::ptr::null;

use crate::arch::{outcome, spawn_on_this_stack, syscall};
use crate::signal::number::SIGCHLD;
use rustix::io::Errno;
use rustix::process::Pid;

use crate::{Args, Call, Environment, Line};

/// Where commands are looked for without a `PATH`.
const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Ends the process.
pub fn exit(code: i32) -> ! {
    loop {
        // SAFETY: the call ends the process, and takes nothing of its memory.
        let _ = unsafe { syscall!(__NR_exit_group, code) };
    }
}

/// Which of the two processes this is after a `fork`.
pub enum Child {
    /// The new one.
    Me,
    /// The old one, which has this child now.
    Of(Pid),
}

/// Duplicates this process.
///
/// # Errors
///
/// As `fork(2)`.
pub fn fork() -> Result<Child, Errno> {
    // SAFETY: without flags and with no stack of its own, the child gets a copy of all memory. The program has one
    // thread, so nothing in that copy is in anybody else's hands.
    let pid = unsafe { syscall!(__NR_clone, SIGCHLD as usize, 0) }?;
    Ok(Pid::from_raw(pid as i32).map_or(Child::Me, Child::Of))
}

/// The session of this process; `None` where its leader is outside of the PID namespace.
///
/// rustix makes a `Pid` of the kernel's 0 for that.
#[must_use]
pub fn session() -> Option<Pid> {
    // SAFETY: the call takes a plain number.
    let session = unsafe { syscall!(__NR_getsid, 0) };
    Pid::from_raw(session.ok()? as i32)
}

/// The process group of this process; `None` where its leader is outside of the PID namespace.
#[must_use]
pub fn process_group() -> Option<Pid> {
    // SAFETY: the call takes a plain number.
    let group = unsafe { syscall!(__NR_getpgid, 0) };
    Pid::from_raw(group.ok()? as i32)
}

/// The working directory, in `buffer`; `None` where it has been removed, or is longer than that.
#[must_use]
pub fn working_directory(buffer: &mut [u8]) -> Option<&[u8]> {
    // SAFETY: the kernel writes at most as many bytes as there are.
    let length = unsafe { syscall!(__NR_getcwd, buffer.as_mut_ptr(), buffer.len()) }.ok()?;
    buffer.get(..length.checked_sub(1)?)
}

/// Has a child run `body`, which is to end by becoming another program, and waits until it has; else the child exits with
/// what `body` returns.
///
/// Until then the two share their memory, and this process stands still: that saves copying it (`CLONE_VFORK` in
/// clone(2)). Under an emulator the child may get a copy, and this process go on.
///
/// # Errors
///
/// As `fork(2)`.
pub fn spawn<B: Fn() -> i32>(body: &B) -> Result<Pid, Errno> {
    extern "C" fn run<B: Fn() -> i32>(body: *const B) -> ! {
        // SAFETY: it is what `spawn` was given, whose caller stands still.
        exit(unsafe { (*body)() })
    }
    // SAFETY: the child never returns; what it writes to is its own, below this frame, or what `body` may change.
    let pid = outcome(unsafe { spawn_on_this_stack(run::<B>, body) })?;
    Pid::from_raw(pid as i32).ok_or(Errno::NOSYS)
}

/// Becomes the command of `call`, found through `PATH` as a shell finds it.
///
/// # Errors
///
/// It returns only if it fails: `ENOENT` where there is no such command.
#[must_use]
pub fn exec(call: &Call) -> Errno {
    let mut rest = call.arguments;
    let Some(command) = rest.next() else {
        return Errno::NOENT;
    };
    #[allow(
        clippy::manual_contains,
        reason = "that brings 180 bytes of code for long slices"
    )]
    let is_path = command.iter().any(|&byte| byte == b'/');
    if is_path {
        // SAFETY: the first argument is there, and a string of the kernel's.
        return unsafe { execve(*call.arguments.as_ptr(), call) };
    }
    if command.is_empty() {
        return Errno::NOENT;
    }
    let mut outcome = Errno::NOENT;
    let path = call.environment.get(b"PATH").unwrap_or(DEFAULT_PATH);
    for directory in path.split(|&byte| byte == b':') {
        match execve_in(directory, command, call) {
            Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG => {}
            Errno::ACCESS => outcome = Errno::ACCESS,
            other => return other,
        }
    }
    outcome
}

/// Becomes the program at the path that `arguments` begin with.
///
/// # Errors
///
/// It returns only if it fails: `ENOENT` where there is no such file, or no argument.
#[must_use]
pub fn exec_path(arguments: Args, environment: Environment) -> Errno {
    if { arguments }.next().is_none() {
        return Errno::NOENT;
    }
    let call = Call::new(arguments, environment);
    // SAFETY: the first argument is there, and a string of the kernel's.
    unsafe { execve(*arguments.as_ptr(), &call) }
}

/// Becomes a shell that runs `command`.
///
/// # Errors
///
/// It returns only if it fails: `ENOENT` where there is no `/bin/sh`.
#[must_use]
pub fn exec_shell(command: &CStr, environment: Environment) -> Errno {
    const SHELL: &CStr = c"/bin/sh";
    let words = [SHELL.as_ptr(), c"-c".as_ptr(), command.as_ptr(), null()];
    // SAFETY: the words are strings, and a NULL ends them; the call doesn't outlive them.
    let call = Call::new(unsafe { Args::from_words(&words) }, environment);
    // SAFETY: it is a string.
    unsafe { execve(SHELL.as_ptr(), &call) }
}

/// `execve(2)` of `name` in `directory`; an empty one is the working directory.
fn execve_in(directory: &[u8], name: &[u8], call: &Call) -> Errno {
    let mut path = Line::string();
    path.bytes(directory);
    if !directory.is_empty() {
        path.bytes(b"/");
    }
    match path.bytes(name).as_c_str() {
        // SAFETY: that is what it is.
        Some(path) => unsafe { execve(path.as_ptr(), call) },
        None => Errno::NAMETOOLONG,
    }
}

/// `execve(2)`; what it returns is why it failed.
///
/// # Safety
///
/// A NUL must follow the path.
unsafe fn execve(path: *const c_char, call: &Call) -> Errno {
    let (arguments, environment) = (call.arguments.as_ptr(), call.environment.as_ptr());
    // SAFETY: the path is the caller's promise; arguments and environment are the kernel's own arrays, with a NULL at the
    // end, and strings that live until this process becomes another.
    let outcome = unsafe { syscall!(__NR_execve, path, arguments, environment) };
    outcome.err().unwrap_or(Errno::NOSYS)
}
