//! A WebSocket with async methods.

mod borrowed;
mod poll;
mod split;
mod stream;

use std::fmt;
use std::future::poll_fn;
use std::io;

use spola_websocket::{
    Chunk, CloseCode, CloseReason, Compression, Config, Connection, Event, Kind, Message, Part,
    Prepared, SendError,
};

pub use self::borrowed::{Received, Replies};
use self::poll::{Front, closed, poll_end};
pub use self::split::{Receiver, Sender};
use crate::{Error, Line, MaskingKeys, Runtime, Timer, Transport};

/// An open WebSocket over the stream `S`.
///
/// Every method may be dropped at any `await` and called again; nothing is lost.
///
/// # When writes happen
/// Received messages are read in batches, and their answers are written in batches: a message sent
/// while further received ones wait to be taken by [`recv`](Self::recv) is written once those were
/// taken, with the answers to them. A program that takes a message, answers, and then waits for
/// something other than this connection should call [`flush`](Self::flush) before it waits.
///
/// # Who keeps it alive
/// Nothing happens while no method is awaited: pings are answered and timers seen to within
/// [`recv`](Self::recv).
pub struct WebSocket<S, R> {
    /// On the heap: a task that holds a WebSocket often has room for it in more than one place.
    line: Box<Line<S>>,
    runtime: R,
    /// Made when something is to be waited for first.
    timer: Option<Box<dyn Timer>>,
    protocol: Option<Box<str>>,
    state: State,
    /// Whether the stream has come to its end.
    exhausted: bool,
}

enum State {
    Open,
    /// The machine said why it ended.
    Closed(Box<CloseReason>),
    /// The stream failed.
    Failed,
}

impl<S: Transport, R: Runtime> WebSocket<S, R> {
    /// The server's side of a connection whose opening handshake is done. `received` is what came
    /// behind the request's head.
    pub fn server(stream: impl Into<S>, config: Config, received: Vec<u8>) -> Self
    where
        R: Default,
    {
        let runtime = R::default();
        let line = Line::new(stream.into(), Connection::server(config), received, runtime.now());
        Self::from_line(line, runtime)
    }

    /// The client's side of a connection whose opening handshake is done. `received` is what came
    /// behind the response's head.
    pub fn client(stream: impl Into<S>, config: Config, received: Vec<u8>) -> Self
    where
        R: Default + Clone,
    {
        let runtime = R::default();
        let connection = Connection::client(config, MaskingKeys::new(runtime.clone()));
        let line = Line::new(stream.into(), connection, received, runtime.now());
        Self::from_line(line, runtime)
    }

    /// Any connection, on the given runtime.
    pub fn from_line(line: Line<S>, runtime: R) -> Self {
        let line = Box::new(line);
        Self { line, runtime, timer: None, protocol: None, state: State::Open, exhausted: false }
    }

    pub(crate) fn with_protocol(mut self, protocol: Option<Box<str>>) -> Self {
        self.protocol = protocol;
        self
    }

    /// The next message; `None` once the closing handshake is over. Pings are answered and Close
    /// frames echoed on the way.
    ///
    /// # Errors
    /// If the stream fails, or the connection ends in any other way.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// The next message, lent out of the read buffer, and what answers it meanwhile: an echo copies
    /// its payload once, and allocates nothing. `None` once the closing handshake is over.
    ///
    /// ```no_run
    /// # use spola_driver::{Error, Runtime, Transport, WebSocket};
    /// # async fn run<S: Transport, R: Runtime>(mut socket: WebSocket<S, R>) -> Result<(), Error> {
    /// while let Some((message, mut replies)) = socket.recv_borrowed().await? {
    ///     replies.send(message)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// While 256 KiB of answers wait to be written, no further message is handed out.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub async fn recv_borrowed(&mut self) -> Result<Option<(Received<'_>, Replies<'_>)>, Error> {
        let front = poll_fn(|cx| self.poll_front(cx)).await?;
        let Self { line, runtime, timer, state, .. } = self;
        let (event, link) = match front {
            Front::Whole(whole) => line.take_whole(whole),
            Front::Detached(message) => {
                let connection = &mut line.link().0.connection;
                let replies = Replies { connection, runtime };
                return Ok(Some((message.into(), replies)));
            }
            Front::End => return Ok(None),
        };
        let received = match event {
            Some(Event::Text(text)) => Received::Text(text),
            Some(Event::Binary(payload)) => Received::Binary(payload),
            Some(Event::Closed(reason)) => {
                closed(state, link, reason.clone(), runtime.now());
                poll_fn(|cx| poll_end(link, runtime, timer, &reason, cx)).await?;
                return Ok(None);
            }
            // The machine said that it has a message.
            Some(Event::Pong(_)) | None => return Err(io::Error::from(io::ErrorKind::Other).into()),
        };
        Ok(Some((received, Replies { connection: &mut link.connection, runtime })))
    }

    /// The next part of a message, as it arrives: a message of any size needs no more memory than
    /// one read. `None` once the closing handshake is over.
    ///
    /// May be mixed with the other methods that receive: these begin at the next message.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub async fn recv_chunk(&mut self) -> Result<Option<Chunk<'_>>, Error> {
        let piece = poll_fn(|cx| self.poll_piece(cx)).await?;
        Ok(piece.map(|piece| Chunk {
            kind: piece.kind,
            data: self.line.payload(piece.data),
            first: piece.first,
            last: piece.last,
        }))
    }

    /// Sends a message. See the type's text on when it is written.
    ///
    /// # Errors
    /// If the stream fails, or the connection is closing.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.line.connection().send(message.into())?;
        self.uncork().await
    }

    /// Sends a text, copying it; otherwise as [`send`](Self::send).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_text(&mut self, text: &str) -> Result<(), Error> {
        self.line.connection().send_text(text)?;
        self.uncork().await
    }

    /// Sends bytes, copying them; otherwise as [`send`](Self::send).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_binary(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.line.connection().send_binary(payload)?;
        self.uncork().await
    }

    /// Sends a message that was encoded before, for many.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        self.line.connection().send_prepared(prepared)?;
        self.uncork().await
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
        self.line.connection().send_with(message.into(), compression)?;
        self.uncork().await
    }

    /// Sends the next fragment of a message: the first begins the message, [`Part::Last`] ends it.
    /// Nothing but pings can be sent in between.
    ///
    /// # Errors
    /// As [`send`](Self::send), or if the fragment does not continue the message begun.
    pub async fn send_fragment(
        &mut self,
        kind: Kind,
        fragment: &[u8],
        part: Part,
    ) -> Result<(), Error> {
        self.line.connection().send_fragment(kind, fragment, part)?;
        self.uncork().await
    }

    /// Sends a ping with up to 125 bytes.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.line.connection().ping(payload)?;
        self.flush().await
    }

    /// Writes everything that was sent.
    ///
    /// # Errors
    /// If the stream fails, or the peer has taken nothing for 30 s.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    async fn uncork(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_corked(cx)).await
    }

    /// Closes the connection: sends a Close frame, waits for the peer's, and ends the stream.
    /// Messages that still come are dropped; to have them, call [`start_close`](Self::start_close)
    /// and go on with [`recv`](Self::recv).
    ///
    /// # Errors
    /// If the code may not be sent, the reason is longer than 123 bytes, or the connection ends in
    /// another way.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        match self.start_close(code, reason) {
            // It may have been dropped while it waited, and be called again.
            Ok(()) | Err(SendError::Closed) => {}
            Err(error) => return Err(error.into()),
        }
        while self.recv().await?.is_some() {}
        Ok(())
    }

    /// Queues a Close frame; nothing can be sent afterwards.
    ///
    /// # Errors
    /// If the code may not be sent, the reason is longer than 123 bytes, or the connection is
    /// closing already.
    pub fn start_close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        self.line.connection().close(self.runtime.now(), code, reason)
    }

    /// Why the connection ended, once it has.
    pub fn close_reason(&self) -> Option<&CloseReason> {
        match &self.state {
            State::Closed(reason) => Some(reason),
            State::Open | State::Failed => None,
        }
    }

    /// The subprotocol that was agreed on in the opening handshake.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Bytes that were sent and not yet written.
    pub fn buffered_amount(&self) -> usize {
        self.line.buffered_amount()
    }

    /// The stream beneath.
    pub fn stream(&self) -> &S {
        self.line.stream()
    }
}

/// Nothing in it is pinned.
impl<S, R> Unpin for WebSocket<S, R> {}

impl<S, R> fmt::Debug for WebSocket<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}
