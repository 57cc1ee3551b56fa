//! The buffers that a thread's connections use, one after the other.
//!
//! A connection keeps them only while they hold something that was not parsed, or not written, so
//! idle connections own none.

use std::cell::Cell;

/// Bytes that a read may bring at most.
pub(crate) const LEN: usize = 256 << 10;

/// The largest capacity that is kept for the next writer.
const OUTPUT_CAPACITY: usize = 512 << 10;

thread_local! {
    static INPUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static OUTPUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The thread's buffer, or a new one if somebody holds it: [`LEN`] bytes, whatever they hold.
pub(crate) fn take() -> Vec<u8> {
    let mut buffer = INPUT.take();
    buffer.resize(LEN, 0);
    buffer
}

/// Returns a buffer.
pub(crate) fn give(buffer: Vec<u8>) {
    if buffer.len() == LEN {
        INPUT.set(buffer);
    }
}

/// The thread's buffer to write answers into; without capacity if somebody holds it.
pub(crate) fn take_output() -> Vec<u8> {
    OUTPUT.take()
}

/// Returns a buffer that was written into.
pub(crate) fn give_output(buffer: Vec<u8>) {
    if (1..=OUTPUT_CAPACITY).contains(&buffer.capacity()) {
        OUTPUT.set(buffer);
    }
}
