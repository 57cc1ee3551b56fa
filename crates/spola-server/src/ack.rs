//! Acknowledgements, in both directions.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_channel::oneshot;
use serde::Serialize;
use serde::de::DeserializeOwned;
use spola_socketio_packet::{AckId, ArgsError, Data, EncodeError, Encoded};

use crate::emit::EmitError;
use crate::outbound::{Flags, Outbound};
use crate::reply::ReplyBody;
use crate::session::{Ask, Asker};
use crate::socket::Socket;
use spola_driver::BoxFuture;

/// The client's wish to have an event acknowledged; empty if it asked for nothing.
///
/// It may be kept and answered later. Clones answer the same event: the first answer counts.
#[derive(Clone)]
pub struct Ack {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    socket: Socket,
    id: AckId,
    answered: AtomicBool,
}

impl Ack {
    pub(crate) fn new(socket: &Socket, id: Option<AckId>) -> Self {
        let inner = id.map(|id| {
            Arc::new(Inner { socket: socket.clone(), id, answered: AtomicBool::new(false) })
        });
        Self { inner }
    }

    /// Whether the client waits for an answer.
    pub fn is_awaited(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| !inner.answered.load(Ordering::Acquire))
    }

    /// Answers: a tuple is several arguments, `()` none, anything else one. Nothing happens if the
    /// client asked for no answer, has one already, or has left.
    ///
    /// # Errors
    /// If the arguments cannot be encoded; the event is then still unanswered.
    pub fn send(&self, arguments: impl Serialize) -> Result<(), EmitError> {
        if self.is_awaited() {
            self.send_encoded(ReplyBody(Data::ack(&arguments)?));
        }
        Ok(())
    }

    pub(crate) fn send_encoded(&self, body: ReplyBody) {
        if let Some(inner) = &self.inner
            && !inner.answered.swap(true, Ordering::AcqRel)
        {
            let packet = inner.socket.namespace().encode_data(&body.0, Some(inner.id));
            // A client that has left needs no answer.
            let _ = inner.socket.answer(packet);
        }
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").field("awaited", &self.is_awaited()).finish()
    }
}

/// An event that asks the client for an answer. Sent when awaited; always settles: by the answer,
/// at the timeout, or when the client leaves.
#[must_use = "a question is sent when it is awaited"]
pub struct Question<T> {
    socket: Socket,
    ack: AckId,
    packet: Result<Encoded, EncodeError>,
    flags: Flags,
    timeout: Option<Duration>,
    answer: PhantomData<fn() -> T>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AckError {
    /// The client did not answer in time.
    #[error("operation has timed out")]
    TimedOut,
    /// The client left before it answered.
    #[error("socket has been disconnected")]
    Disconnected,
    /// The event was not sent: it was volatile, and the client's transport not writable, or as much
    /// waited for the client as may ([`AtHardCap::Refuse`](crate::AtHardCap::Refuse)).
    #[error("the event was dropped")]
    Dropped,
    /// Too many answers of this client are awaited already.
    #[error("too many acknowledgements are awaited")]
    TooMany,
    /// The event could not be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The answer is not what was expected.
    #[error("unfit answer: {0}")]
    Unfit(#[from] ArgsError),
}

impl<T: DeserializeOwned> Question<T> {
    pub(crate) fn new(
        socket: Socket,
        event: &str,
        arguments: &impl Serialize,
        flags: Flags,
    ) -> Self {
        let ack = socket.namespace().next_ack();
        let packet = socket.namespace().encode(event, arguments, Some(ack));
        Self { socket, ack, packet, flags, timeout: None, answer: PhantomData }
    }

    /// How long to wait; 60 s unless [`Config`](crate::Config) says otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    async fn ask(self) -> Result<T, AckError> {
        let packet = self.packet?;
        self.socket.check_connected().map_err(|_| AckError::Disconnected)?;
        let event = Outbound::new(packet, self.flags.compress);
        let (sender, answered) = oneshot::channel();
        let (socket, ack, timeout) = (self.socket.number(), self.ack, self.timeout);
        let ask = Ask { socket, event, ack, timeout, asker: Asker::one(sender) };
        self.socket.session().ask(ask, self.flags.volatile);
        let data = answered.await.unwrap_or(Err(AckError::Disconnected))?;
        Ok(data.extract()?)
    }
}

impl<T: DeserializeOwned + 'static> IntoFuture for Question<T> {
    type Output = Result<T, AckError>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.ask())
    }
}

impl<T> fmt::Debug for Question<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("socket", &self.socket).finish_non_exhaustive()
    }
}
