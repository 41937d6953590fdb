//! What the tests share: a device's program, a lock's directory, processes, and waiting for facts.

pub(crate) mod api;
pub(crate) mod device;
pub(crate) mod holder;
pub(crate) mod listener;
pub(crate) mod lock;
pub(crate) mod old;
pub(crate) mod peers;
pub(crate) mod proc_fs;
pub(crate) mod process;
pub(crate) mod terminal;
pub(crate) mod wait;

pub(crate) use device::Device;
pub(crate) use holder::Holder;
pub(crate) use lock::{Gate, Lock};
pub(crate) use process::{Invocation, Outcome, Process};
