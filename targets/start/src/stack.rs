//! How much of its stack a call takes.

use core::hint::black_box;

/// The most that is measured, in bytes.
pub const STACK_DEPTH: usize = 32 * 1024;

const PAINT: u8 = 0xa5;

/// How many bytes of stack `call` takes, its frame and those of all that it calls, to some dozens of bytes; at most
/// [`STACK_DEPTH`].
///
/// The stack below this function's frame is painted, and looked at after the call.
#[inline(never)]
pub fn stack_of(call: impl FnOnce()) -> usize {
    let here = 0_u8;
    let here = &raw const *black_box(&here);
    paint();
    call_alone(call);
    unpainted(here)
}

#[inline(never)]
fn call_alone(call: impl FnOnce()) {
    call();
}

/// Leaves the paint where the frames of the next calls will be.
#[inline(never)]
fn paint() {
    black_box(&mut [PAINT; STACK_DEPTH]);
}

/// How far below `here` there is something else than paint.
fn unpainted(here: *const u8) -> usize {
    let is_paint = |&below: &usize| {
        // SAFETY: `paint` has had a frame there, so the stack reaches as far; nobody but this thread writes to it, and the
        // compiler knows of nothing there.
        unsafe { here.wrapping_sub(below).read_volatile() == PAINT }
    };
    let painted = (1..=STACK_DEPTH).rev().take_while(is_paint).count();
    STACK_DEPTH - painted
}
