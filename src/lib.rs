#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(not(target_os = "linux"))]
compile_error!(
    "update-lock makes Linux system calls: build it for a Linux target, \
     for example `--target arm-unknown-linux-gnueabihf`"
);

#[cfg(feature = "std")]
extern crate std as rust_std;

#[macro_use]
mod log;

#[cfg(feature = "supervisor")]
mod address;
mod adopt;
#[cfg(feature = "supervisor")]
mod api_error;
mod dead;
#[doc(hidden)]
pub mod decimal;
mod error;
mod events;
#[doc(hidden)]
pub mod fields;
mod flock;
mod hold;
mod holder;
#[cfg(feature = "supervisor")]
pub mod http;
mod identity;
mod inode;
#[cfg(feature = "supervisor")]
mod json;
mod keeper;
mod location;
mod lock;
mod lookout;
mod mark;
mod note;
mod path;
#[doc(hidden)]
pub mod pathless;
mod pause;
mod place;
mod seen;
mod shared;
mod stopwatch;
#[cfg(feature = "supervisor")]
mod supervisor;
#[cfg(feature = "supervisor")]
mod tcp;
mod wait;
mod waiter;
mod watch;

#[cfg(feature = "defmt")]
mod defmt;
#[cfg(feature = "std")]
mod std;

#[cfg(feature = "supervisor")]
pub use api_error::ApiError;
pub use dead::remove_dead;
pub use error::{Error, Operation};
pub use holder::{Holder, Status, status};
pub use identity::{HELD_VARIABLE, Identity};
#[doc(hidden)]
pub use inode::path_stat;
pub use keeper::Request;
pub use location::{Location, Origin};
pub use lock::{Release, UpdateLock};
pub use note::{NOTE_CAPACITY, Note, NoteText};
pub use path::{LockPath, PATH_CAPACITY};
pub use rustix::io::Errno;
pub use shared::{Leave, SharedLock};
#[cfg(feature = "supervisor")]
pub use supervisor::{
    ANSWER_CAPACITY, Connection, DeviceState, Supervisor, Update, UpdateReply, Word,
};
#[cfg(feature = "supervisor")]
pub use tcp::TcpStream;
pub use waiter::Waiter;
pub use watch::{Event, Watch};
