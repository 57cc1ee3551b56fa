//! What was compressed last, so that a message for many connections is compressed once for all of
//! them on a thread. It is memory only: a connection sends the same bytes without it.

use std::{cell::RefCell, collections::VecDeque};

use bytes::Bytes;

/// Messages that a thread remembers.
const KEPT: usize = 8;

/// Bytes of all of them; a longer message is compressed for each connection.
const KEPT_LEN: usize = 1 << 20;

thread_local! {
    static RECENT: RefCell<VecDeque<Recent>> = const { RefCell::new(VecDeque::new()) };
}

struct Recent {
    /// Held, so that no other message can come to stand at its place.
    payload: Bytes,
    level: u8,
    window_bits: u8,
    compressed: Bytes,
}

impl Recent {
    fn is_of(&self, payload: &Bytes, level: u8, window_bits: u8) -> bool {
        (self.payload.as_ptr(), self.payload.len()) == (payload.as_ptr(), payload.len())
            && (self.level, self.window_bits) == (level, window_bits)
    }

    fn len(&self) -> usize {
        self.payload.len() + self.compressed.len()
    }
}

/// The payload compressed: as it was before, if others were sent it, too, or else by `compress`.
pub(crate) fn compressed(
    payload: &Bytes,
    level: u8,
    window_bits: u8,
    compress: impl FnOnce() -> Bytes,
) -> Bytes {
    if payload.is_unique() || payload.len() > KEPT_LEN {
        return compress();
    }
    let find = |recent: &RefCell<VecDeque<Recent>>| {
        let recent = recent.borrow();
        let found = recent.iter().find(|recent| recent.is_of(payload, level, window_bits))?;
        Some(found.compressed.clone())
    };
    // A thread that ends remembers nothing any more.
    if let Some(compressed) = RECENT.try_with(find).ok().flatten() {
        return compressed;
    }
    let compressed = compress();
    let (payload, kept) = (payload.clone(), compressed.clone());
    let _ = RECENT.try_with(|recent| {
        remember(
            &mut recent.borrow_mut(),
            Recent { payload, level, window_bits, compressed: kept },
        );
    });
    compressed
}

fn remember(recent: &mut VecDeque<Recent>, newest: Recent) {
    recent.push_back(newest);
    let in_all = |recent: &VecDeque<Recent>| recent.iter().map(Recent::len).sum::<usize>();
    while recent.len() > KEPT || in_all(recent) > KEPT_LEN {
        recent.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static COUNT: Cell<u32> = const { Cell::new(0) };
    }

    /// How often `payload` was compressed, this time.
    fn compressions(payload: &Bytes, level: u8) -> u32 {
        let before = COUNT.get();
        let out = compressed(payload, level, 15, || {
            COUNT.set(COUNT.get() + 1);
            Bytes::from(vec![level; payload.len() / 2])
        });
        assert_eq!(out, vec![level; payload.len() / 2]);
        COUNT.get() - before
    }

    #[test]
    fn a_message_for_many_is_compressed_once() {
        let payload = Bytes::from(vec![b'x'; 100]);
        let others = payload.clone();
        assert_eq!(compressions(&payload, 1), 1);
        assert_eq!(compressions(&others, 1), 0);
        assert_eq!(compressions(&payload, 9), 1, "another level");
        assert_eq!(compressions(&payload.slice(..50), 1), 1, "another message");
        let alike = Bytes::from(vec![b'x'; 100]);
        let _others = alike.clone();
        assert_eq!(compressions(&alike, 1), 1, "at another place");
    }

    #[test]
    fn a_message_for_one_is_not_remembered() {
        let payload = Bytes::from(vec![b'x'; 100]);
        assert_eq!(compressions(&payload, 1), 1);
        assert!(payload.is_unique());
    }

    #[test]
    fn few_are_remembered_and_few_bytes() {
        let payloads: Vec<_> = (0..=KEPT).map(|_| Bytes::from(vec![b'x'; 100])).collect();
        let _others = payloads.clone();
        for payload in &payloads {
            assert_eq!(compressions(payload, 1), 1);
        }
        assert_eq!(compressions(&payloads[1], 1), 0);
        assert_eq!(compressions(&payloads[0], 1), 1, "the oldest made room");

        let large = Bytes::from(vec![b'x'; KEPT_LEN / 2]);
        let _others = large.clone();
        assert_eq!(compressions(&large, 1), 1);
        assert_eq!(compressions(&large, 1), 0);
        let larger = Bytes::from(vec![b'x'; KEPT_LEN]);
        let _others = larger.clone();
        assert_eq!(compressions(&larger, 1), 1);
        assert_eq!(compressions(&larger, 1), 1);
        let in_all = RECENT.with_borrow(|recent| recent.iter().map(Recent::len).sum::<usize>());
        assert!(in_all <= KEPT_LEN);
    }
}
