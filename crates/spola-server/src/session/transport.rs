//! The session's WebSocket: reading, writing, upgrading, closing.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use spola_engineio::Transport;
use spola_engineio::packet::WebSocketMessage;
use spola_engineio::server::{BinaryMode, PollResponse, Transmit, WebSocketEnd};
use spola_websocket::Compression;

use super::reject::Reject;
use super::task::SessionTask;
use super::wire::{Incoming, Switch, Wire};
use crate::reject_reason::RejectReason;

/// Messages that are read in one round.
pub(super) const MESSAGES: usize = 128;

/// Bytes of messages that may wait for handlers to end.
pub(super) const BACKLOG_LEN: usize = 1 << 20;

/// What a waiting message weighs by itself.
pub(super) const MESSAGE_LEN: usize = 64;

impl SessionTask {
    pub(super) fn upgrade(&mut self, now: Instant, switch: Switch, binary: BinaryMode) {
        let wire = Wire::opening(switch, now, &self.config);
        if self.wire.is_some() || !self.engine.accepts_upgrade() {
            let (io, runtime) = (self.io.clone(), Arc::clone(&self.runtime));
            return self.runtime.spawn(Box::pin(Reject::one_too_many(wire, runtime, &io)));
        }
        self.untold = true;
        self.upgrade_binary = binary;
        (self.wire, self.readable) = (Some(wire), true);
    }

    /// Reads what has come over the WebSocket. While too many handlers wait, messages go to the
    /// backlog as long as it has room: a pong may be behind them.
    pub(super) fn read(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        self.readable |= self.handle.take_readable();
        if !self.readable {
            return false;
        }
        for _ in 0..MESSAGES {
            let wait = match self.is_full() {
                true => self.backlog >= BACKLOG_LEN,
                false => self.held.is_some(),
            };
            if wait {
                return false;
            }
            let Some(wire) = &mut self.wire else {
                return false;
            };
            let reading = &mut Context::from_waker(&self.reading);
            let Poll::Ready(incoming) = wire.poll_next(reading, now, &self.config) else {
                self.readable = false;
                self.untold |= wire.incomplete_len().is_some();
                self.untold |= self.sockets.incomplete_len().is_some();
                return false;
            };
            match incoming {
                Incoming::Opened => self.opened(now),
                Incoming::Text(text) => {
                    self.backlog += text.len() + MESSAGE_LEN;
                    self.engine.handle_websocket_text(now, text);
                }
                Incoming::Nothing => continue,
                Incoming::Message(message) => {
                    self.backlog += message.len() + MESSAGE_LEN;
                    self.engine.handle_websocket_message(now, message);
                }
                Incoming::Closed { clean, rejected } => {
                    self.settle(cx, now, clean, rejected);
                    return true;
                }
            }
            self.pump(cx, now);
        }
        true
    }

    /// The WebSocket is open: as the session's transport, or to probe an upgrade.
    #[cold]
    fn opened(&mut self, now: Instant) {
        self.untold = true;
        if self.engine.transport() == Transport::Polling
            && self.engine.handle_websocket_opened(now, self.upgrade_binary).is_err()
            && let Some(wire) = &mut self.wire
        {
            wire.close(now);
        }
    }

    /// The WebSocket has ended: once its last bytes are written, it may be forgotten.
    #[cold]
    fn settle(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        clean: bool,
        rejected: Option<RejectReason>,
    ) {
        if let Some(reason) = rejected {
            self.io.meters().reject(reason);
        }
        let end = if clean { WebSocketEnd::Closed } else { WebSocketEnd::Failed };
        self.engine.handle_websocket_closed(end);
        self.untold = true;
        self.pump(cx, now);
        self.flush(cx, now);
        self.wire = match self.wire.take() {
            None | Some(Wire::Opening(..)) => None,
            Some(wire) => self.keep(wire),
        };
    }

    /// Keeps a WebSocket that closes, unless it was a probe that failed: then the session goes on
    /// without it, and may try another meanwhile. Nor is one kept that is still to open, and to be closed
    /// only then.
    fn keep(&self, wire: Wire) -> Option<Wire> {
        if self.engine.transport() == Transport::WebSocket && matches!(wire, Wire::Open(_)) {
            return Some(wire);
        }
        let (io, runtime) = (self.io.clone(), Arc::clone(&self.runtime));
        self.runtime.spawn(Box::pin(Reject::new(wire, runtime, &io)));
        None
    }

    /// Writes what waits; `true` if that made room for packets that found none.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let was_full = self.is_wire_full();
        let Some(wire) = &mut self.wire else {
            return false;
        };
        let failed = match wire.flush(cx, now) {
            Poll::Ready(flushed) => flushed.err(),
            Poll::Pending => {
                // TLS may have to read before it writes, and then has forgotten who waits to read.
                self.readable = true;
                None
            }
        };
        if failed.is_some() || wire.is_done() {
            self.ended(cx, now, failed);
        }
        was_full && !self.is_wire_full()
    }

    /// The WebSocket is closed, or has failed.
    #[cold]
    fn ended(&mut self, cx: &mut Context<'_>, now: Instant, failed: Option<io::Error>) {
        if let Some(error) = &failed {
            tracing::debug!(%error, "a connection failed");
        }
        // What is below may have less patience, as in `Serve`.
        let stalled = failed.is_some_and(|error| error.kind() == ErrorKind::TimedOut);
        if stalled && self.engine.transport() == Transport::WebSocket {
            self.give_up(RejectReason::WriteTimeout);
        } else {
            (self.wire, self.untold) = (None, true);
            self.engine.handle_websocket_closed(WebSocketEnd::Closed);
        }
        self.pump(cx, now);
    }

    /// Whether packets wait in the engine for the WebSocket or event stream to be written to.
    pub(super) fn is_wire_full(&self) -> bool {
        match self.engine.transport() {
            Transport::WebSocket if self.engine.queued_packets() == 0 => false,
            Transport::WebSocket => self.wire.as_ref().is_some_and(|wire| !wire.has_room()),
            Transport::Sse => !self.streams.has_room(),
            Transport::Polling | _ => false,
        }
    }

    /// Carries one output of the engine out; `false` if there is none, or no room for it. Requests are
    /// answered all the same.
    pub(super) fn transmit(&mut self, now: Instant) -> bool {
        let transmit = match self.is_wire_full() {
            true => self.engine.poll_reply(),
            false => self.engine.poll_transmit(),
        };
        match transmit {
            Some(Transmit::WebSocketMessage(message)) => self.send_over(message, Compression::Auto),
            Some(transmit) => self.carry(now, transmit),
            None => return false,
        }
        true
    }

    fn send_over(&mut self, message: WebSocketMessage, compression: Compression) {
        if let Some(wire) = &mut self.wire {
            wire.send(message, compression);
        }
    }

    #[inline(never)]
    fn carry(&mut self, now: Instant, transmit: Transmit) {
        match transmit {
            Transmit::WebSocketMessage(message) => self.send_over(message, Compression::Auto),
            Transmit::Uncompressed(message) => self.send_over(message, Compression::Never),
            Transmit::CloseWebSocket => self.close_wire(now),
            Transmit::PollResponse { id, response } => {
                if response != PollResponse::Stream {
                    self.streams.end(id);
                }
                if let Some(reason) = RejectReason::of_poll(&response) {
                    self.io.meters().reject(reason);
                }
                self.handle.answer_poll(id, response);
            }
            Transmit::StreamData { id, data } => {
                if let Some(writer) = self.streams.get(id) {
                    writer.write(data);
                }
            }
            Transmit::EndStream { id } => {
                self.note_failed_upgrade();
                self.streams.end(id);
            }
            Transmit::PostResponse { id, outcome } => {
                if let Some(reason) = RejectReason::of_post(outcome) {
                    self.io.meters().reject(reason);
                }
                self.handle.answer_post(id, outcome);
            }
            _ => {}
        }
    }

    /// The engine is done with the WebSocket.
    fn close_wire(&mut self, now: Instant) {
        if let Some(mut wire) = self.wire.take() {
            self.note_failed_upgrade();
            wire.close(now);
            self.wire = self.keep(wire);
        }
    }

    /// What is closed was to become the transport, if the session polls on.
    fn note_failed_upgrade(&mut self) {
        self.untold = true;
        if self.engine.transport() == Transport::Polling && self.engine.status().is_some() {
            self.io.meters().reject(RejectReason::Upgrade);
        }
    }

    /// Ends the session with a client that does not read, and frees what waits for it.
    pub(super) fn give_up(&mut self, reason: RejectReason) {
        tracing::info!(reason = reason.as_str(), "a client reads too slowly");
        if self.engine.status().is_some() {
            self.io.meters().reject(reason);
        }
        self.engine.abort();
        (self.wire, self.untold) = (None, true);
        self.streams.cut();
    }
}
