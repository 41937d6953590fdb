//! Where `defmt`'s log goes: frames in its own encoding (rzCOBS), each written at once.

use core::cell::UnsafeCell;

use defmt::{Encoder, Logger};
use rustix::fd::{BorrowedFd, IntoRawFd, OwnedFd};
use rustix::io::Errno;

use crate::{STANDARD, milliseconds};

/// The longest frame that is written at once; a longer one takes several system calls.
const CAPACITY: usize = 128;

struct Log {
    encoder: Encoder,
    file: BorrowedFd<'static>,
    length: usize,
    frame: [u8; CAPACITY],
}

impl Log {
    fn push(&mut self, byte: u8) {
        if self.length == CAPACITY {
            self.flush();
        }
        if let Some(place) = self.frame.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    /// Writes what there is. A log that can't be written is no reason to stop.
    fn flush(&mut self) {
        let frame = self.frame.get(..self.length).unwrap_or_default();
        while rustix::io::write(self.file, frame) == Err(Errno::INTR) {}
        self.length = 0;
    }
}

struct OneThreads(UnsafeCell<Log>);

// SAFETY: the programs have one thread.
unsafe impl Sync for OneThreads {}

const ERROR: BorrowedFd<'static> = {
    let [_, _, error] = STANDARD;
    error
};

static LOG: OneThreads = OneThreads(UnsafeCell::new(Log {
    encoder: Encoder::new(),
    file: ERROR,
    length: 0,
    frame: [0; CAPACITY],
}));

/// Has the log go to `file`; before, it goes to the standard error.
pub fn log_to(file: OwnedFd) {
    // SAFETY: it stays open, since nobody owns it from here on.
    let file = unsafe { BorrowedFd::borrow_raw(file.into_raw_fd()) };
    with(|log, _| log.file = file);
}

fn with(change: impl FnOnce(&mut Log, &mut Encoder)) {
    // SAFETY: the program has one thread and no signal handlers, and neither `change` nor what it calls logs: there is no
    // second reference.
    let log = unsafe { &mut *LOG.0.get() };
    // Out of the log meanwhile, which it writes to.
    let mut encoder = core::mem::replace(&mut log.encoder, Encoder::new());
    change(log, &mut encoder);
    log.encoder = encoder;
}

/// `defmt` logs by this.
#[defmt::global_logger]
struct Frames;

// SAFETY: the one thread acquires it, and releases it before it logs anything else.
unsafe impl Logger for Frames {
    fn acquire() {
        with(|log, encoder| {
            // What an app has written to the same console doesn't belong to this frame.
            log.push(0);
            encoder.start_frame(|bytes| push(log, bytes));
        });
    }

    unsafe fn flush() {}

    unsafe fn release() {
        with(|log, encoder| {
            encoder.end_frame(|bytes| push(log, bytes));
            log.flush();
        });
    }

    unsafe fn write(bytes: &[u8]) {
        with(|log, encoder| encoder.write(bytes, |bytes| push(log, bytes)));
    }
}

fn push(log: &mut Log, bytes: &[u8]) {
    for &byte in bytes {
        log.push(byte);
    }
}

defmt::timestamp!("{=u64:tms}", milliseconds());
