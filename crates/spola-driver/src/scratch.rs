//! The buffers that a thread's connections use, one after the other.
//!
//! A connection keeps them only while they hold something that was not parsed, or not written, so
//! idle connections own none. As many connections may hold some at once, a thread keeps a few.

use std::cell::RefCell;

/// Bytes that a read may bring at most.
pub(crate) const LEN: usize = 256 << 10;

/// Bytes that a thread keeps at most of either kind.
const KEPT: usize = 4 << 20;

thread_local! {
    static INPUTS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static OUTPUTS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer to read into: [`LEN`] bytes, whatever they hold.
pub(crate) fn take() -> Vec<u8> {
    let mut buffer = INPUTS.with_borrow_mut(Vec::pop).unwrap_or_default();
    buffer.resize(LEN, 0);
    buffer
}

/// Returns a buffer.
pub(crate) fn give(buffer: Vec<u8>) {
    if buffer.len() == LEN {
        INPUTS.with_borrow_mut(|kept| keep(kept, buffer));
    }
}

/// A buffer to write answers into, if there is one to spare; else one without capacity.
pub(crate) fn take_output() -> Vec<u8> {
    OUTPUTS.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Returns a buffer that was written into.
pub(crate) fn give_output(buffer: Vec<u8>) {
    if buffer.capacity() > 0 {
        OUTPUTS.with_borrow_mut(|kept| keep(kept, buffer));
    }
}

fn keep(kept: &mut Vec<Vec<u8>>, buffer: Vec<u8>) {
    let in_all: usize = kept.iter().map(Vec::capacity).sum();
    if in_all + buffer.capacity() <= KEPT {
        kept.push(buffer);
    }
}
