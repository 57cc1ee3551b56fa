//! A WebSocket over any tokio stream.

use std::fmt;
use std::future::Future as _;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Buf as _;
use spola_websocket::{CloseCode, CloseReason, Config, Connection, Event, Message, SendError};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::Sleep;

use super::scratch;
use crate::runtime::{fill_random, now};

/// Bytes that may wait for more answers to join them; then a sender waits for the socket.
const CORKED_LEN: usize = 128 << 10;

/// Time for the peer to end its side, and bytes it may still send, after we ended ours.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_LEN: usize = 4 << 20;

/// An open WebSocket over the stream `S`.
///
/// Every method may be dropped at any `await` and called again; nothing is lost.
///
/// # When writes happen
/// Received messages are read in batches, and their answers are written in batches: a message sent
/// while further received ones wait to be taken by [`recv`](Self::recv) is written once those were
/// taken, with the answers to them. A program that takes a message, answers, and then waits for
/// something other than this connection should call [`flush`](Self::flush) before it waits.
pub struct WebSocket<S> {
    stream: S,
    connection: Connection,
    /// What was read and not yet parsed: borrowed from the thread, and returned when empty.
    input: Vec<u8>,
    parsed: usize,
    read: usize,
    /// When the last bytes came.
    now: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Bytes went into the stream that it may still hold back.
    unflushed: bool,
    lingers: bool,
    end: End,
}

/// How far the end has come.
enum End {
    Open,
    /// The machine said why; what it has left is being written.
    Closed(CloseReason),
    /// Our side is shut. The peer's is read until it ends: closing with unread input would make
    /// the kernel reset the connection, and our Close frame be lost.
    Lingering {
        reason: CloseReason,
        read: usize,
    },
    Done(CloseReason),
    Failed,
}

/// The connection failed, or the peer broke the rules.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The connection did not end by a closing handshake.
    #[error("{0}")]
    Closed(CloseReason),
    /// The message cannot be sent.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// The server's side of a connection whose opening handshake is done. `received` is what came
    /// behind the request's head.
    pub fn server(stream: S, config: Config, received: Vec<u8>) -> Self {
        Self::new(stream, Connection::server(config), received)
    }

    /// The client's side of a connection whose opening handshake is done. `received` is what came
    /// behind the response's head.
    pub fn client(stream: S, config: Config, received: Vec<u8>) -> Self {
        Self::new(stream, Connection::client(config, OsEntropy::new()), received)
    }

    fn new(stream: S, connection: Connection, input: Vec<u8>) -> Self {
        let (now, parsed, read) = (now(), 0, input.len());
        Self {
            stream,
            connection,
            input,
            parsed,
            read,
            now,
            sleep: None,
            unflushed: false,
            lingers: false,
            end: End::Open,
        }
    }

    /// The next message; `None` once the closing handshake is over. Pings are answered and Close
    /// frames echoed on the way.
    ///
    /// # Errors
    /// If the stream fails, or the connection ends in any other way.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Sends a message. See the type's text on when it is written.
    ///
    /// # Errors
    /// If the stream fails, or the connection is closing.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.connection.send(message.into())?;
        poll_fn(|cx| self.poll_corked(cx)).await
    }

    /// Sends a ping with up to 125 bytes.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.connection.ping(payload)?;
        self.flush().await
    }

    /// Writes everything that was sent.
    ///
    /// # Errors
    /// If the stream fails.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Closes the connection: sends a Close frame, waits for the peer's, and ends the stream.
    /// Messages that still come are dropped; to have them, call [`start_close`](Self::start_close)
    /// and go on with [`recv`](Self::recv).
    ///
    /// # Errors
    /// If the code may not be sent, the reason is longer than 123 bytes, or the connection ends in
    /// another way.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.start_close(code, reason)?;
        while self.recv().await?.is_some() {}
        Ok(())
    }

    /// Queues a Close frame; nothing can be sent afterwards.
    ///
    /// # Errors
    /// If the code may not be sent, the reason is longer than 123 bytes, or the connection is
    /// closing already.
    pub fn start_close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        self.connection.close(now(), code, reason)
    }

    /// Why the connection ended, once it has.
    pub fn close_reason(&self) -> Option<&CloseReason> {
        match &self.end {
            End::Closed(reason) | End::Lingering { reason, .. } | End::Done(reason) => Some(reason),
            End::Open | End::Failed => None,
        }
    }

    /// Bytes that were sent and not yet written.
    pub fn buffered_amount(&self) -> usize {
        self.connection.buffered_amount()
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        loop {
            if let Some(message) = self.parse() {
                return Poll::Ready(Ok(Some(message)));
            }
            if !matches!(self.end, End::Open) {
                return self.poll_end(cx);
            }
            // Answers that cannot be written now wait; reading goes on.
            if let Poll::Ready(Err(error)) = self.poll_flush(cx) {
                return Poll::Ready(Err(self.fail(error)));
            }
            match self.poll_read(cx) {
                Poll::Ready(Ok(0)) => self.connection.handle_eof(now()),
                Poll::Ready(Ok(_)) => self.now = now(),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.fail(error.into()))),
                Poll::Pending => {
                    ready!(self.poll_timer(cx));
                    self.connection.handle_timeout(now());
                }
            }
        }
    }

    /// Takes the next message out of what was read, or the end.
    fn parse(&mut self) -> Option<Message> {
        while matches!(self.end, End::Open) {
            let mut input = self.input.get_mut(self.parsed..self.read).unwrap_or_default();
            let message = match self.connection.poll_event(self.now, &mut input) {
                Some(Event::Text(text)) => Some(Message::Text(text.into_byte_string())),
                Some(Event::Binary(data)) => Some(Message::Binary(data.into_bytes())),
                Some(Event::Pong(_)) => None,
                Some(Event::Closed(reason)) => {
                    self.end = End::Closed(reason);
                    None
                }
                None => {
                    self.release();
                    return None;
                }
            };
            self.parsed = self.read - input.len();
            if message.is_some() {
                return message;
            }
        }
        None
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Some(mut buffer) = self.connection.large_read() {
            let read = ready!(pin!(self.stream.read_buf(&mut buffer)).poll(cx));
            return Poll::Ready(read);
        }
        let mut buffer = scratch::take();
        let mut unfilled = ReadBuf::new(&mut buffer);
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut unfilled);
        let read = unfilled.filled().len();
        if read == 0 {
            scratch::give(buffer);
        } else {
            (self.input, self.parsed, self.read) = (buffer, 0, read);
            self.lend_output();
        }
        polled.map_ok(|()| read)
    }

    /// Returns the buffer to the thread.
    fn release(&mut self) {
        if self.read > 0 {
            scratch::give(std::mem::take(&mut self.input));
            (self.parsed, self.read) = (0, 0);
        }
    }

    fn poll_corked(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let more_to_take = self.parsed < self.read;
        if more_to_take && self.connection.buffered_amount() < CORKED_LEN {
            return Poll::Ready(Ok(()));
        }
        self.poll_flush(cx)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.unflushed && !self.connection.output().has_remaining() {
            self.reclaim_output();
            return Poll::Ready(Ok(()));
        }
        // Asked for anew each time: a pong that waited for room may have joined it.
        while self.connection.output().has_remaining() {
            let output = self.connection.output();
            let written = if output.chunk().len() == output.remaining() {
                // One slice, as nearly always: cheaper to write alone than as a list of one.
                let written = ready!(Pin::new(&mut self.stream).poll_write(cx, output.chunk()))?;
                output.advance(written);
                written
            } else {
                ready!(pin!(self.stream.write_buf(output)).poll(cx))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
            }
            self.unflushed = true;
        }
        self.reclaim_output();
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    /// What was read is about to be answered: into the thread's buffer, which costs no allocation.
    fn lend_output(&mut self) {
        let mut buffer = scratch::take_output();
        self.connection.output().lend(&mut buffer);
        scratch::give_output(buffer);
    }

    fn reclaim_output(&mut self) {
        let mut buffer = Vec::new();
        self.connection.output().reclaim(&mut buffer);
        scratch::give_output(buffer);
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        loop {
            match &mut self.end {
                End::Closed(reason) => {
                    let reason = reason.clone();
                    let shut = match self.poll_shut(cx) {
                        Poll::Ready(shut) => shut,
                        Poll::Pending => {
                            ready!(self.linger_timer().poll(cx));
                            false
                        }
                    };
                    self.end = match shut {
                        true => End::Lingering { reason, read: 0 },
                        false => End::Done(reason),
                    };
                    self.sleep = None;
                }
                End::Lingering { reason, read } => {
                    let mut buffer = scratch::take();
                    let mut unfilled = ReadBuf::new(&mut buffer);
                    let polled = Pin::new(&mut self.stream).poll_read(cx, &mut unfilled);
                    let got = unfilled.filled().len();
                    scratch::give(buffer);
                    *read += got;
                    let over = match polled {
                        Poll::Ready(Ok(())) => got == 0 || *read > LINGER_LEN,
                        Poll::Ready(Err(_)) => true,
                        Poll::Pending => {
                            let sleep = self
                                .sleep
                                .get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
                            ready!(sleep.as_mut().poll(cx));
                            true
                        }
                    };
                    if over {
                        self.end = End::Done(reason.clone());
                    }
                }
                End::Done(CloseReason::Peer(_) | CloseReason::Local(_)) => {
                    return Poll::Ready(Ok(None));
                }
                End::Done(reason) => return Poll::Ready(Err(Error::Closed(reason.clone()))),
                End::Failed | End::Open => {
                    return Poll::Ready(Err(io::Error::from(io::ErrorKind::NotConnected).into()));
                }
            }
        }
    }

    /// The timer of the end, in place of that of the connection.
    fn linger_timer(&mut self) -> Pin<&mut Sleep> {
        if !std::mem::replace(&mut self.lingers, true) {
            self.sleep = None;
        }
        self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER))).as_mut()
    }

    /// Writes what is left and shuts our side; `false` if that failed.
    fn poll_shut(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if ready!(self.poll_flush(cx)).is_err() {
            return Poll::Ready(false);
        }
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        shut.map(|shut| shut.is_ok())
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.connection.poll_timeout() else {
            return Poll::Pending;
        };
        let sleep =
            self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.into())));
        if sleep.deadline().into_std() != deadline {
            sleep.as_mut().reset(deadline.into());
        }
        sleep.as_mut().poll(cx)
    }

    fn fail(&mut self, error: Error) -> Error {
        self.end = End::Failed;
        self.release();
        error
    }
}

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").finish_non_exhaustive()
    }
}

/// Masking keys from the operating system, which is asked once for many.
pub(super) struct OsEntropy {
    stock: [u8; 256],
    left: usize,
}

impl OsEntropy {
    pub(super) const fn new() -> Self {
        Self { stock: [0; 256], left: 0 }
    }
}

impl spola_websocket::Entropy for OsEntropy {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            if self.left == 0 {
                fill_random(&mut self.stock);
                self.left = self.stock.len();
            }
            self.left -= 1;
            *byte = self.stock[self.left];
        }
    }
}
