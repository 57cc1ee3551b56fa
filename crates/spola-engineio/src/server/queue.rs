use std::{collections::VecDeque, mem};

use spola_engineio_packet::EncodedMessage;

/// What a queue on the way of messages keeps, so that small bursts allocate once.
pub(super) const BURST: usize = 64;

/// A queue that gives its memory back: once empty, it keeps room for `KEPT` entries at most.
#[derive(Debug)]
pub(super) struct Queue<T, const KEPT: usize>(VecDeque<T>);

impl<T, const KEPT: usize> Queue<T, KEPT> {
    pub(super) const fn new() -> Self {
        Self(VecDeque::new())
    }

    pub(super) fn push(&mut self, item: T) {
        // Most queues never hold more than one.
        if self.0.capacity() == 0 {
            self.0.reserve_exact(1);
        }
        self.0.push_back(item);
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let item = self.0.pop_front()?;
        if self.0.is_empty() && self.0.capacity() > KEPT {
            self.0 = VecDeque::new();
        }
        Some(item)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }

    pub(super) fn get(&self, index: usize) -> Option<&T> {
        self.0.get(index)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Frees the memory of an empty queue.
    pub(super) fn release(&mut self) {
        if self.0.is_empty() {
            self.0 = VecDeque::new();
        }
    }
}

/// Messages that wait for a transport, and their bytes.
#[derive(Debug)]
pub(super) struct Outgoing {
    queue: Queue<EncodedMessage, BURST>,
    bytes: usize,
}

impl Outgoing {
    pub(super) const fn new() -> Self {
        Self { queue: Queue::new(), bytes: 0 }
    }

    pub(super) fn push(&mut self, message: EncodedMessage) {
        self.bytes = self.bytes.saturating_add(message.len());
        self.queue.push(message);
    }

    pub(super) fn pop(&mut self) -> Option<EncodedMessage> {
        let message = self.queue.pop()?;
        self.bytes = self.bytes.saturating_sub(message.len());
        Some(message)
    }

    /// Has binary messages go as such, also those that wait as text.
    pub(super) fn make_binary(&mut self) {
        let mut waiting = mem::replace(self, Self::new());
        while let Some(message) = waiting.pop() {
            self.push(message.into_binary());
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &EncodedMessage> {
        self.queue.iter()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    pub(super) fn release(&mut self) {
        self.queue.release();
    }
}
