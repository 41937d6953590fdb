//! What a program without libc needs from below: `_start`, arguments, environment, the process calls that rustix
//! doesn't have.
//!
//! All `unsafe` of the programs is in here, but for that of the memory functions (`targets/mem`); each function that it
//! exports is safe to call.

#![no_std]

/// The memory functions that compiled code calls.
extern crate update_lock_mem as _;

mod arch;
mod args;
mod call;
mod descriptor;
mod line;
#[cfg(feature = "defmt")]
mod log;
mod pairs;
mod panic;
mod process;
mod signal;
mod stack;
mod standard;
mod text;
mod time;

pub use args::{Args, Environment};
pub use call::Call;
pub use descriptor::{
    close_inherited, close_standard, is_byte_locked, lock_byte, signal_when_readable, touch,
};
pub use line::{Line, complain, complain_number, print, say};
#[cfg(feature = "defmt")]
pub use log::log_to;
pub use process::{
    Child, exec, exec_path, exec_shell, exit, fork, process_group, session, spawn,
    working_directory,
};
pub use signal::{Received, SignalSet, Signals, number, send, send_to_group};
pub use stack::{STACK_DEPTH, stack_of};
pub use standard::{STANDARD, open_missing};
pub use text::{Packed, Text};
pub use time::{Clock, is_synchronized, milliseconds, now};

/// Makes `main` what the kernel starts: `fn main(args: Args, environment: Environment) -> i32`.
///
/// What `main` returns is the exit code.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[unsafe(no_mangle)]
        extern "C" fn start_main(stack: *const usize) -> ! {
            // SAFETY: `_start` passes the stack pointer that the kernel set up, and is the only caller.
            let (args, environment) = unsafe { $crate::Args::from_stack(stack) };
            $crate::exit($main(args, environment))
        }
    };
}
