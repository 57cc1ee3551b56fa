//! What a session holds beside what it has to send, for figures.

use std::sync::atomic::{AtomicU32, Ordering};

use super::task::SessionTask;
use super::wire::Wire;
use crate::statistics::Statistics;

/// What the task last told. It tells when something has changed, and that is never so where messages
/// only come and go.
#[derive(Default)]
pub(super) struct Holdings {
    handshakes: AtomicU32,
    streams: AtomicU32,
    messages: AtomicU32,
    message_bytes: AtomicU32,
    acks: AtomicU32,
    handlers: AtomicU32,
}

impl Holdings {
    pub(super) fn add_to(&self, statistics: &mut Statistics) {
        let of = |holding: &AtomicU32| holding.load(Ordering::Relaxed) as usize;
        statistics.pending_handshakes += of(&self.handshakes);
        statistics.event_streams += of(&self.streams);
        statistics.incomplete_messages += of(&self.messages);
        statistics.incomplete_bytes += of(&self.message_bytes);
        statistics.awaited_acks += of(&self.acks);
        statistics.running_handlers += of(&self.handlers);
    }
}

impl SessionTask {
    /// Tells what it holds, if that may have changed. While a message is incomplete, it may at any time.
    #[inline]
    pub(super) fn tell_holdings(&mut self) {
        if self.untold {
            self.tell_changed_holdings();
        }
    }

    #[cold]
    fn tell_changed_holdings(&mut self) {
        let frames = self.wire.as_ref().and_then(Wire::incomplete_len);
        let (mut messages, mut bytes) = (0, 0);
        for len in [frames, self.sockets.incomplete_len()].into_iter().flatten() {
            messages += 1;
            bytes += len;
        }
        let holdings = self.handle.holdings();
        let tell = |holding: &AtomicU32, amount: usize| {
            holding.store(u32::try_from(amount).unwrap_or(u32::MAX), Ordering::Relaxed);
        };
        let opens = matches!(self.wire, Some(Wire::Opening(..)));
        tell(&holdings.handshakes, usize::from(opens));
        tell(&holdings.streams, self.streams.len());
        tell(&holdings.messages, messages);
        tell(&holdings.message_bytes, bytes);
        tell(&holdings.acks, self.questions.len());
        tell(&holdings.handlers, self.running.len());
        self.untold = messages > 0;
    }
}
