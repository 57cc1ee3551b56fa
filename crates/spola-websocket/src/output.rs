use std::{collections::VecDeque, fmt, io::IoSlice, mem};

use bytes::{Buf, Bytes};

/// Payloads of at least this many bytes are queued as they are; smaller ones are copied.
pub(crate) const LARGE: usize = 4096;

/// Bytes already written that may lie in front of unwritten ones before they are moved out.
const SLACK: usize = 64 * 1024;

/// The bytes a connection wants written, in order: a [`Buf`] to hand to the socket, vectored.
///
/// Small frames share one chunk; a large payload is a chunk of its own, never copied. Once all is
/// written the memory is given back, so an idle connection holds none. A driver that serves many
/// connections saves those allocations by lending a buffer of its own around each batch, with
/// [`lend`](Self::lend) and [`reclaim`](Self::reclaim).
#[derive(Default)]
pub struct Output {
    /// Small frames and the headers of large ones, one after the other.
    small: Vec<u8>,
    /// How many bytes of `small` are written.
    head: usize,
    /// Present while there are any, or until a loan is reclaimed.
    large: Option<Box<Payloads>>,
    /// Bytes written so far.
    written: u64,
    /// Whether `small` came from [`lend`](Self::lend) and is to be kept until reclaimed.
    lent: bool,
    /// Whether the last write took all there was.
    taken_whole: bool,
}

/// Large payloads, in order.
#[derive(Default)]
struct Payloads {
    queue: VecDeque<Large>,
    /// Their bytes.
    len: usize,
}

/// A payload that follows the first `at` bytes of `small`.
struct Large {
    at: usize,
    bytes: Bytes,
}

impl Output {
    /// Lends the allocation of `scratch` for the frames to come; `scratch` is left without one.
    ///
    /// What `scratch` contains is discarded. If the output is not empty it keeps its own buffer,
    /// and `scratch` keeps its allocation.
    pub fn lend(&mut self, scratch: &mut Vec<u8>) {
        if !self.has_remaining() && !self.lent {
            self.small = mem::take(scratch);
            self.small.clear();
            self.head = 0;
            self.lent = true;
        }
    }

    /// Takes the buffer lent back into `scratch`, emptied; it may have grown meanwhile.
    ///
    /// What is not written yet moves to a buffer of the output's own. Without a loan, nothing
    /// happens.
    pub fn reclaim(&mut self, scratch: &mut Vec<u8>) {
        if !self.lent {
            return;
        }
        self.lent = false;
        if self.is_empty() {
            *scratch = mem::take(&mut self.small);
            self.release();
        } else {
            let unwritten = self.small.get(self.head..).unwrap_or_default().to_vec();
            self.moved_up(self.head);
            *scratch = mem::replace(&mut self.small, unwritten);
        }
        scratch.clear();
    }

    /// Whether nothing is left to write.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// Whether the last write took all there was: the next may be larger.
    pub(crate) fn was_taken_whole(&self) -> bool {
        self.taken_whole
    }

    /// Whether everything before this position was written.
    pub(crate) fn is_past(&self, position: u64) -> bool {
        self.written >= position
    }

    /// Where what is queued ends, counted from the connection's first byte.
    pub(crate) fn end(&self) -> u64 {
        self.written + self.remaining() as u64
    }

    /// The shared chunk, to append a small frame or a header to.
    #[inline]
    pub(crate) fn small(&mut self) -> &mut Vec<u8> {
        &mut self.small
    }

    /// Queues a payload behind all that was appended so far.
    pub(crate) fn push_large(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            let large = self.large.get_or_insert_default();
            large.len += bytes.len();
            large.queue.push_back(Large { at: self.small.len(), bytes });
        }
    }

    /// Bytes of `small` to be written before the next large payload.
    fn small_run(&self) -> &[u8] {
        let end = self.first_large().map_or(self.small.len(), |large| large.at);
        self.small.get(self.head..end).unwrap_or_default()
    }

    /// Forgets everything, and gives back what was not lent.
    fn release(&mut self) {
        self.head = 0;
        if self.lent {
            self.small.clear();
        } else {
            self.small = Vec::new();
            self.large = None;
        }
    }

    fn compact(&mut self) {
        let head = self.head;
        self.small.drain(..head);
        self.moved_up(head);
    }

    /// `small` has lost its first bytes, all of them written.
    fn moved_up(&mut self, by: usize) {
        for large in self.large.iter_mut().flat_map(|large| &mut large.queue) {
            large.at -= by;
        }
        self.head = 0;
    }

    fn first_large(&self) -> Option<&Large> {
        self.large.as_ref()?.queue.front()
    }
}

impl Payloads {
    /// Takes at most `count` bytes off the first payload; says how many.
    fn advance(&mut self, count: usize) -> usize {
        let Some(first) = self.queue.front_mut() else {
            return count;
        };
        let step = first.bytes.len().min(count);
        first.bytes.advance(step);
        self.len -= step;
        if first.bytes.is_empty() {
            self.queue.pop_front();
        }
        step
    }
}

impl Buf for Output {
    #[inline]
    fn remaining(&self) -> usize {
        self.small.len() - self.head + self.large.as_ref().map_or(0, |large| large.len)
    }

    fn chunk(&self) -> &[u8] {
        match (self.small_run(), self.first_large()) {
            ([], Some(large)) => &large.bytes,
            (run, _) => run,
        }
    }

    fn chunks_vectored<'a>(&'a self, dst: &mut [IoSlice<'a>]) -> usize {
        let mut slots = dst.iter_mut();
        let mut filled = 0;
        let mut put = |bytes: &'a [u8]| {
            if bytes.is_empty() {
                return true;
            }
            let Some(slot) = slots.next() else {
                return false;
            };
            *slot = IoSlice::new(bytes);
            filled += 1;
            true
        };
        let mut from = self.head;
        for large in self.large.iter().flat_map(|large| &large.queue) {
            if !put(self.small.get(from..large.at).unwrap_or_default()) || !put(&large.bytes) {
                return filled;
            }
            from = large.at;
        }
        put(self.small.get(from..).unwrap_or_default());
        filled
    }

    /// # Panics
    /// When `count` is more than [`remaining`](Buf::remaining), as [`Buf`] asks.
    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.remaining(), "advanced past the end of the output");
        self.written += count as u64;
        while count > 0 {
            let run = self.small_run().len();
            if run > 0 {
                let step = run.min(count);
                self.head += step;
                count -= step;
            } else if let Some(large) = &mut self.large {
                count -= large.advance(count);
            }
        }
        self.taken_whole = self.is_empty();
        if self.taken_whole {
            self.release();
        } else if self.head >= SLACK && self.head >= self.small.len() / 2 {
            self.compact();
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("remaining", &self.remaining()).finish_non_exhaustive()
    }
}
