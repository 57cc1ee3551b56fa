use std::collections::VecDeque;

use bytes::{Buf as _, Bytes};
use spola_frame::{Opcode, Rsv};

use super::{Head, Writer};

/// What is added to a payload's length for the memory of its entry.
const ENTRY: usize = 64;

/// Frames that are cut for one write, while the socket takes all it is given: a write costs a system
/// call and often wakes the peer. Where it does not, what is cut only delays control frames.
const FRAMES_A_WRITE: usize = 3;

/// Payloads that wait for their turn; most connections never have any.
#[derive(Default)]
pub(super) struct Queue(Option<Box<Entries>>);

#[derive(Default)]
struct Entries {
    queue: VecDeque<Waiting>,
    weight: usize,
}

struct Waiting {
    /// Of the next frame; the last one has `fin`.
    head: Head,
    payload: Bytes,
}

impl Queue {
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The bytes that wait, and what their entries take.
    pub(super) fn weight(&self) -> usize {
        self.0.as_ref().map_or(0, |entries| entries.weight)
    }

    pub(super) fn push_back(&mut self, head: Head, payload: Bytes) {
        let entries = self.0.get_or_insert_default();
        entries.weight += payload.len() + ENTRY;
        entries.queue.push_back(Waiting { head, payload });
    }

    /// Takes the next frame off, with at most `max` bytes unless it is a control frame.
    fn next_frame(&mut self, max: usize) -> Option<(Head, Bytes)> {
        let entries = self.0.as_mut()?;
        let next = entries.queue.front_mut()?;
        let Head { fin, rsv, opcode } = next.head;
        if next.payload.len() > max && !opcode.is_control() {
            next.head = Head { fin, rsv: Rsv::NONE, opcode: Opcode::Continuation };
            entries.weight -= max;
            return Some((Head { fin: false, rsv, opcode }, next.payload.split_to(max)));
        }
        let last = entries.queue.pop_front()?;
        entries.weight -= last.payload.len() + ENTRY;
        if entries.queue.is_empty() {
            self.0 = None;
        }
        Some((last.head, last.payload))
    }
}

impl Writer {
    /// Cuts frames for as long as the output has less than it should.
    #[cold]
    pub(super) fn refill(&mut self) {
        let ahead = if self.output.was_taken_whole() { FRAMES_A_WRITE } else { 1 };
        let ahead = self.max_frame().saturating_mul(ahead);
        loop {
            let room = self.output.remaining() < ahead && !self.waiting.is_empty();
            if (room || self.output.is_past(self.pongs_end))
                && let Some(payload) = self.deferred_pong.take()
            {
                self.queued_pongs = 0;
                self.pong(payload.as_bytes());
            }
            if !room {
                break;
            }
            if let Some((head, payload)) = self.waiting.next_frame(self.max_frame()) {
                self.owned_frame(head, payload);
            }
        }
    }
}
