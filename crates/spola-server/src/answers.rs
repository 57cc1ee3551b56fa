//! The answers to an event that went to many.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_channel::mpsc::UnboundedReceiver;
use futures_util::stream::{FusedStream, Stream, StreamExt as _};
use serde::de::DeserializeOwned;
use spola_socketio_packet::Data;

use crate::ack::AckError;
use crate::socket_id::SocketId;

/// One socket's answer.
#[derive(Debug)]
pub struct Answer<T> {
    /// Whose it is.
    pub socket: SocketId,
    /// What was answered, or why nothing was.
    pub answer: Result<T, AckError>,
}

/// The answers to an event, as they come: one for each socket that it went to, by the latest at the
/// timeout. It ends with the last.
///
/// Dropped early, it leaves nothing behind but that the answers are no longer waited for.
#[must_use = "the answers are lost with it"]
pub struct Answers<T> {
    recipients: usize,
    receiver: UnboundedReceiver<(SocketId, Result<Data, AckError>)>,
    answer: PhantomData<fn() -> T>,
}

/// All the answers to an event.
#[derive(Debug)]
pub struct Gathered<T> {
    /// What was answered, in order of arrival.
    pub answers: Vec<(SocketId, T)>,
    /// Who did not answer, and why: late, gone, or with something else than was expected.
    pub missing: Vec<(SocketId, AckError)>,
}

impl<T> Gathered<T> {
    /// Whether everybody answered.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }
}

impl<T: DeserializeOwned> Answers<T> {
    pub(crate) fn new(
        recipients: usize,
        receiver: UnboundedReceiver<(SocketId, Result<Data, AckError>)>,
    ) -> Self {
        Self { recipients, receiver, answer: PhantomData }
    }

    /// How many sockets the event went to, and so how many answers there will have been.
    #[must_use]
    pub fn recipients(&self) -> usize {
        self.recipients
    }

    /// Waits until every answer has come, or can no more.
    pub async fn gather(mut self) -> Gathered<T> {
        let mut all = Gathered { answers: Vec::new(), missing: Vec::new() };
        while let Some(Answer { socket, answer }) = self.next().await {
            match answer {
                Ok(answer) => all.answers.push((socket, answer)),
                Err(error) => all.missing.push((socket, error)),
            }
        }
        all
    }
}

impl<T: DeserializeOwned> Stream for Answers<T> {
    type Item = Answer<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Answer<T>>> {
        let next = ready!(self.receiver.poll_next_unpin(cx));
        Poll::Ready(next.map(|(socket, data)| {
            let answer = data.and_then(|data| Ok(data.extract()?));
            Answer { socket, answer }
        }))
    }
}

impl<T: DeserializeOwned> FusedStream for Answers<T> {
    fn is_terminated(&self) -> bool {
        self.receiver.is_terminated()
    }
}

impl<T> fmt::Debug for Answers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("recipients", &self.recipients).finish_non_exhaustive()
    }
}
