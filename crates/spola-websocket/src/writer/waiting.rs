use std::collections::VecDeque;

use bytes::{Buf as _, Bytes};
use spola_frame::{Opcode, Rsv};

use super::{Head, Writer};

#[expect(clippy::box_collection, reason = "most connections never need one")]
#[derive(Default)]
pub(super) struct Queue(Option<Box<VecDeque<Waiting>>>);

impl Queue {
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.0.iter().flat_map(|queue| queue.iter())
    }

    pub(super) fn push_back(&mut self, waiting: Waiting) {
        self.0.get_or_insert_default().push_back(waiting);
    }

    fn front_mut(&mut self) -> Option<&mut Waiting> {
        self.0.as_mut()?.front_mut()
    }

    fn pop_front(&mut self) -> Option<Waiting> {
        let queue = self.0.as_mut()?;
        let front = queue.pop_front();
        if queue.is_empty() {
            self.0 = None;
        }
        front
    }
}

/// A payload that waits for its turn.
pub(super) struct Waiting {
    /// Of the next frame; the last one has `fin`.
    pub(super) head: Head,
    pub(super) payload: Bytes,
}

impl Writer {
    /// Cuts frames for as long as the output holds less than one.
    #[cold]
    pub(super) fn refill(&mut self) {
        loop {
            let room = self.output.remaining() < self.max_frame() && !self.waiting.is_empty();
            if (room || self.output.is_empty())
                && let Some(payload) = self.deferred_pong.take()
            {
                self.queued_pongs = 0;
                self.pong(payload.as_bytes());
            }
            if !room {
                break;
            }
            self.next_frame();
        }
    }

    fn next_frame(&mut self) {
        let max_frame = self.max_frame();
        let Some(next) = self.waiting.front_mut() else {
            return;
        };
        let Head { fin, rsv, opcode } = next.head;
        if next.payload.len() > max_frame && !opcode.is_control() {
            let payload = next.payload.split_to(max_frame);
            next.head = Head { fin, rsv: Rsv::NONE, opcode: Opcode::Continuation };
            self.owned_frame(Head { fin: false, rsv, opcode }, payload);
        } else if let Some(last) = self.waiting.pop_front() {
            self.owned_frame(last.head, last.payload);
        }
    }
}
