//! The buffer that a thread's connections read into, one after the other.
//!
//! A connection keeps it only while it holds something that was not parsed yet, so idle connections
//! own none.

use std::cell::Cell;

/// Bytes that one read may bring.
const LEN: usize = 64 << 10;

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The thread's buffer, or a new one if somebody holds it: [`LEN`] bytes, whatever they hold.
pub(crate) fn take() -> Vec<u8> {
    let mut buffer = SPARE.take();
    buffer.resize(LEN, 0);
    buffer
}

/// Returns a buffer.
pub(crate) fn give(buffer: Vec<u8>) {
    if buffer.len() == LEN {
        SPARE.set(buffer);
    }
}
