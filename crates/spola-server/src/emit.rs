//! Sending to one socket: the verbs, and why something could not be sent.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use serde::Serialize;
use serde::de::DeserializeOwned;
use spola_socketio_packet::EncodeError;

use crate::ack::Question;
use crate::outbound::{Event, Flags};
use crate::socket::Socket;

/// An event could not be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The socket has left, or has not been let in yet.
    #[error("the socket is not connected")]
    Disconnected,
    /// The client reads too slowly: as much waits for it as may. It is being disconnected, unless
    /// [`Config::at_hard_cap`](crate::Config::at_hard_cap) says otherwise.
    #[error("the client's queue is full")]
    Full,
    /// The event's name is reserved, or its arguments cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// One socket, and how to send to it: see [`Socket::volatile`] and [`Socket::compress`].
#[derive(Clone, Debug)]
#[must_use = "it sends nothing by itself"]
pub struct Emitter {
    socket: Socket,
    flags: Flags,
}

impl Emitter {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { socket, flags: Flags::default() }
    }

    /// As [`Socket::volatile`].
    pub fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// As [`Socket::compress`].
    pub fn compress(mut self, compress: bool) -> Self {
        self.flags.compress = compress;
        self
    }

    /// Sends an event, as [`Socket::emit`] does. That a volatile one was dropped is no error.
    ///
    /// # Errors
    /// Those of [`Socket::emit`].
    pub fn emit(&self, event: &str, arguments: impl Serialize) -> Result<(), EmitError> {
        let event = self.socket.namespace().event(event, &arguments)?;
        self.socket.send(event, self.flags)
    }

    /// Asks the client, as [`Socket::emit_with_ack`] does. A volatile question that was dropped
    /// settles at once, with [`AckError::Dropped`](crate::AckError::Dropped).
    pub fn emit_with_ack<T: DeserializeOwned>(
        &self,
        event: &str,
        arguments: impl Serialize,
    ) -> Question<T> {
        Question::new(self.socket.clone(), event, &arguments, self.flags)
    }
}

/// An event that waits for room in the client's queue; see [`Socket::emit_wait`]. Dropped before it
/// is ready, it has sent nothing.
#[derive(Debug)]
#[must_use = "it sends nothing until it is awaited"]
pub struct EmitWait {
    socket: Socket,
    event: Result<Event, Option<EncodeError>>,
    /// The queue was full: now it has to run low first.
    waits: bool,
    /// Where this waits at the session.
    place: Option<u64>,
}

impl EmitWait {
    pub(crate) fn new(socket: Socket, event: Result<Event, EncodeError>) -> Self {
        Self { socket, event: event.map_err(Some), waits: false, place: None }
    }

    fn stop_waiting(&mut self) {
        if let Some(place) = self.place.take() {
            self.socket.session().stop_waiting(place);
        }
    }
}

impl Future for EmitWait {
    type Output = Result<(), EmitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            if this.waits && !this.socket.is_connected() {
                this.stop_waiting();
                this.socket.follow();
            }
            // Who has gone takes nothing, which `try_send` tells.
            if this.waits && this.socket.is_connected() {
                ready!(this.socket.session().poll_low(&mut this.place, cx));
            }
            let event = match &mut this.event {
                Ok(event) => event,
                Err(error) => {
                    let error = error.take().map_or(EmitError::Disconnected, EmitError::Encode);
                    return Poll::Ready(Err(error));
                }
            };
            match this.socket.try_send(event) {
                Err(EmitError::Full) => this.waits = true,
                sent => return Poll::Ready(sent),
            }
        }
    }
}

impl Drop for EmitWait {
    fn drop(&mut self) {
        self.stop_waiting();
    }
}
