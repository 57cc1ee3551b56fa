//! Buffers of large binary messages, used again once their message is dropped.
//!
//! A large message grows its buffer in steps, since an announced length reserves nothing. Some
//! allocators give such a buffer's pages back to the system each time, and clearing them anew costs
//! more than everything else that is done with the message.

use std::cell::RefCell;

use bytes::Bytes;

/// Smaller buffers are not worth it.
pub(crate) const MIN: usize = 64 * 1024;

/// What a thread keeps at most, in bytes.
const MAX_KEPT: usize = 8 << 20;

thread_local! {
    static KEPT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer that the thread keeps, with what it held before, for a message of `expected` bytes, of
/// which `arrived` have come.
pub(crate) fn take(expected: usize, arrived: usize) -> Option<Vec<u8>> {
    // How long a message in fragments will be, nobody knows.
    let expected = if expected == usize::MAX { arrived } else { expected };
    KEPT.with_borrow_mut(|kept| {
        // A message that is kept for long should not hold much more than it needs.
        let fits =
            |buffer: &Vec<u8>| (arrived..=expected.saturating_mul(2)).contains(&buffer.capacity());
        let at = kept.iter().rposition(fits)?;
        Some(kept.swap_remove(at))
    })
}

/// The first `len` bytes of the buffer as a payload; its memory is kept when nobody holds it any
/// more.
pub(crate) fn payload(mut buffer: Vec<u8>, len: usize) -> Bytes {
    if buffer.capacity() < MIN || buffer.capacity() > MAX_KEPT {
        buffer.truncate(len);
        return buffer.into();
    }
    Bytes::from_owner(Recycled { buffer, len })
}

struct Recycled {
    buffer: Vec<u8>,
    len: usize,
}

impl AsRef<[u8]> for Recycled {
    fn as_ref(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }
}

impl Drop for Recycled {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        // The thread may be ending, and its buffers be gone: then so is this one.
        let _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            let in_all: usize = kept.iter().map(Vec::capacity).sum();
            if in_all + buffer.capacity() <= MAX_KEPT {
                kept.push(buffer);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_buffer_is_used_again_and_no_more_is_kept_than_a_few() {
        let filled = |len| {
            let mut buffer = take(len, 1000).unwrap_or_default();
            buffer.resize(len, 7);
            payload(buffer, len)
        };
        let first = filled(1 << 20);
        let at = first.as_ptr();
        drop(first.slice(5..));
        drop(first);
        let again = filled(1 << 20);
        assert_eq!(again.as_ptr(), at);
        let many: Vec<_> = (0..20).map(|_| filled(1 << 20)).collect();
        drop(many);
        let kept: usize = KEPT.with_borrow(|kept| kept.iter().map(Vec::capacity).sum());
        assert!((MAX_KEPT / 2..=MAX_KEPT).contains(&kept), "{kept}");
        assert_eq!(take(100_000, 1000), None);
        assert_eq!(take(usize::MAX, 100_000), None);
        assert_eq!(payload(vec![1; 10], 10), &[1; 10][..]);
    }
}
