//! The session's event stream: what hyper has not taken yet, and when it is gone.

use std::task::{Context, Poll};
use std::time::Instant;

use spola_engineio::server::RequestId;

use super::task::SessionTask;
use crate::stream::StreamWriter;

/// The event streams of a session: one, and while a new one takes its place, two.
#[derive(Default)]
pub(super) struct Streams {
    writers: Vec<(RequestId, StreamWriter)>,
    /// When what is left of them is cut off: the session has closed.
    end_by: Option<Instant>,
}

impl Streams {
    pub(super) fn add(&mut self, id: RequestId, writer: StreamWriter) {
        self.writers.push((id, writer));
    }

    pub(super) fn get(&self, id: RequestId) -> Option<&StreamWriter> {
        self.writers.iter().find(|(stream, _)| *stream == id).map(|(_, writer)| writer)
    }

    /// Ends a stream behind what was written.
    pub(super) fn end(&mut self, id: RequestId) {
        self.writers.retain(|(stream, _)| *stream != id);
    }

    /// Ends all streams, whatever was written.
    pub(super) fn cut(&mut self) {
        for (_, writer) in self.writers.drain(..) {
            writer.cut();
        }
    }

    pub(super) const fn end_at(&mut self, moment: Option<Instant>) {
        self.end_by = moment;
    }

    /// Whether the newest stream takes more. Older ones are about to end.
    pub(super) fn has_room(&self) -> bool {
        self.writers.last().is_none_or(|(_, writer)| writer.has_room())
    }

    pub(super) const fn len(&self) -> usize {
        self.writers.len()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.writers.is_empty()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.end_by.filter(|_| !self.is_empty())
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.end_by.is_some_and(|by| by <= now) {
            self.cut();
        }
    }

    /// The next stream that nobody reads any more; it then is none of these.
    fn poll_dropped(&mut self, cx: &Context<'_>) -> Poll<RequestId> {
        let dropped = |(_, writer): &(_, StreamWriter)| writer.poll_dropped(cx).is_ready();
        // All are polled, so that each will wake the task.
        let first = self.writers.iter().map(dropped).enumerate().filter(|(_, dropped)| *dropped);
        match first.map(|(index, _)| index).reduce(|first, _| first) {
            Some(index) => Poll::Ready(self.writers.remove(index).0),
            None => Poll::Pending,
        }
    }
}

impl SessionTask {
    /// Looks after streams that have dropped; `true` if there were any.
    pub(super) fn poll_streams(&mut self, cx: &Context<'_>, now: Instant) -> bool {
        let mut busy = false;
        while let Poll::Ready(id) = self.streams.poll_dropped(cx) {
            self.engine.handle_stream_dropped(now, id);
            (busy, self.untold) = (true, true);
        }
        busy
    }
}
