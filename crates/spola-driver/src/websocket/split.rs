//! The two halves of a WebSocket, for two tasks.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use futures_core::Stream;
use futures_sink::Sink;
use spola_websocket::{
    CloseCode, CloseReason, Compression, Connection, Kind, Message, Part, Prepared, SendError,
};

use super::poll::CORKED_LEN;
use super::{State, WebSocket};
use crate::wakers::{Half, Polled, Shared};
use crate::{Error, Runtime, Transport};

type Both<S, R> = Arc<Shared<WebSocket<S, R>>>;

impl<S: Transport, R: Runtime> WebSocket<S, R> {
    /// Parts the connection in two, for two tasks. The [`Receiver`] keeps it alive: it answers pings
    /// and sees to the timers, and must be polled for that.
    #[must_use]
    pub fn split(self) -> (Sender<S, R>, Receiver<S, R>) {
        let both = Arc::new(Shared::new(self));
        (Sender { both: Arc::clone(&both) }, Receiver { both, exhausted: false })
    }
}

impl<S: Transport, R: Runtime> Polled for WebSocket<S, R> {
    /// Whether the connection has ended, what else the half waits for, and the next deadline of those
    /// that the receiver sees to.
    type Mark = (bool, bool, Option<Instant>);

    fn mark(&self, half: Half) -> Self::Mark {
        let ended = !matches!(self.state, State::Open);
        match half {
            Half::Receiver => (ended, self.line.is_due(), self.line.poll_timeout()),
            Half::Sender => (ended, self.line.is_flushed(), None),
        }
    }
}

/// The half that sends. What it sends is written at once.
pub struct Sender<S, R> {
    both: Both<S, R>,
}

/// The half that receives, and keeps the connection alive.
pub struct Receiver<S, R> {
    both: Both<S, R>,
    exhausted: bool,
}

impl<S: Transport, R: Runtime> Sender<S, R> {
    /// Sends a message, and waits until it is written.
    ///
    /// # Errors
    /// If the stream fails, or the connection is closing.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        let message = message.into();
        self.command(|connection| connection.send(message)).await
    }

    /// Sends a message, compressed or not as is asked for.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_with(
        &mut self,
        message: impl Into<Message>,
        compression: Compression,
    ) -> Result<(), Error> {
        let message = message.into();
        self.command(|connection| connection.send_with(message, compression)).await
    }

    /// Sends a message that was encoded before, for many.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        self.command(|connection| connection.send_prepared(prepared)).await
    }

    /// Sends the next fragment of a message; see
    /// [`WebSocket::send_fragment`](WebSocket::send_fragment).
    ///
    /// # Errors
    /// As [`send`](Self::send), or if the fragment does not continue the message begun.
    pub async fn send_fragment(
        &mut self,
        kind: Kind,
        fragment: &[u8],
        part: Part,
    ) -> Result<(), Error> {
        self.command(|connection| connection.send_fragment(kind, fragment, part)).await
    }

    /// Sends a ping with up to 125 bytes.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.command(|connection| connection.ping(payload)).await
    }

    /// Sends a Close frame; nothing can be sent afterwards. The closing handshake is over when the
    /// [`Receiver`] has come to its end.
    ///
    /// # Errors
    /// If the code may not be sent, the reason is longer than 123 bytes, or the stream fails.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        match self.both.with(Half::Sender, |socket| socket.start_close(code, reason)) {
            // It may have been dropped while it waited, and be called again.
            Ok(()) | Err(SendError::Closed) => self.flush().await,
            Err(error) => Err(error.into()),
        }
    }

    /// Writes everything that was sent.
    ///
    /// # Errors
    /// If the stream fails, or the peer has taken nothing for 30 s.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Bytes that were sent and not yet written.
    pub fn buffered_amount(&self) -> usize {
        self.both.with(Half::Sender, |socket| socket.buffered_amount())
    }

    /// Puts the halves together again; if they are not of one connection, they come back.
    ///
    /// # Errors
    /// The two, if they do not belong together.
    pub fn reunite(
        self,
        receiver: Receiver<S, R>,
    ) -> Result<WebSocket<S, R>, (Self, Receiver<S, R>)> {
        if !Arc::ptr_eq(&self.both, &receiver.both) {
            return Err((self, receiver));
        }
        let Receiver { both, exhausted } = receiver;
        drop(self);
        match Arc::try_unwrap(both) {
            Ok(shared) => Ok(shared.into_inner()),
            // Nobody else has it: there are two halves, and they are here.
            Err(both) => Err((Self { both: Arc::clone(&both) }, Receiver { both, exhausted })),
        }
    }

    async fn command(
        &mut self,
        command: impl FnOnce(&mut Connection) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        self.both.with(Half::Sender, |socket| command(socket.line.connection()))?;
        self.flush().await
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.both.poll(Half::Sender, cx, WebSocket::poll_flush)
    }
}

impl<S: Transport, R: Runtime> Receiver<S, R> {
    /// The next message; `None` once the closing handshake is over. Pings are answered and Close
    /// frames echoed on the way.
    ///
    /// # Errors
    /// If the stream fails, or the connection ends in any other way.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Why the connection ended, once it has.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.both.with(Half::Receiver, |socket| socket.close_reason().cloned())
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.both.poll(Half::Receiver, cx, WebSocket::poll_recv)
    }
}

/// As that of [`WebSocket`].
impl<S: Transport, R: Runtime> Stream for Receiver<S, R> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.exhausted {
            return Poll::Ready(None);
        }
        let received = ready!(self.poll_recv(cx));
        self.exhausted = !matches!(received, Ok(Some(_)));
        Poll::Ready(received.transpose())
    }
}

/// As that of [`WebSocket`].
impl<S: Transport, R: Runtime, M: Into<Message>> Sink<M> for Sender<S, R> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.buffered_amount() < CORKED_LEN {
            return Poll::Ready(Ok(()));
        }
        Self::poll_flush(&mut self, cx)
    }

    fn start_send(self: Pin<&mut Self>, message: M) -> Result<(), Error> {
        let message = message.into();
        Ok(self.both.with(Half::Sender, |socket| socket.line.connection().send(message))?)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Self::poll_flush(&mut self, cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // An `Err` says that it is closing already.
        let start = |socket: &mut WebSocket<S, R>| socket.start_close(CloseCode::NORMAL, "");
        let _ = self.both.with(Half::Sender, start);
        Self::poll_flush(&mut self, cx)
    }
}

impl<S, R> fmt::Debug for Sender<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<S, R> fmt::Debug for Receiver<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
