//! Who waits for a client's answer.

use futures_channel::{mpsc, oneshot};
use spola_socketio_packet::Data;

use crate::ack::AckError;
use crate::socket_id::SocketId;

/// Where the answer to a question goes. Dropped without one, it tells that the client is gone: so
/// every question settles, whatever becomes of the session.
pub(crate) struct Asker(Option<To>);

enum To {
    /// One socket was asked.
    One(oneshot::Sender<Result<Data, AckError>>),
    /// Many were; this is what one of them answers.
    Many(SocketId, mpsc::UnboundedSender<(SocketId, Result<Data, AckError>)>),
}

impl Asker {
    pub(crate) fn one(sender: oneshot::Sender<Result<Data, AckError>>) -> Self {
        Self(Some(To::One(sender)))
    }

    pub(crate) fn many(
        socket: SocketId,
        sender: mpsc::UnboundedSender<(SocketId, Result<Data, AckError>)>,
    ) -> Self {
        Self(Some(To::Many(socket, sender)))
    }

    /// Tells the outcome; whoever asked may have stopped waiting.
    pub(crate) fn tell(mut self, outcome: Result<Data, AckError>) {
        self.settle(outcome);
    }

    /// Whether nobody waits any more.
    pub(super) fn is_gone(&self) -> bool {
        match &self.0 {
            Some(To::One(sender)) => sender.is_canceled(),
            Some(To::Many(_, sender)) => sender.is_closed(),
            None => true,
        }
    }

    fn settle(&mut self, outcome: Result<Data, AckError>) {
        match self.0.take() {
            Some(To::One(sender)) => drop(sender.send(outcome)),
            Some(To::Many(socket, sender)) => drop(sender.unbounded_send((socket, outcome))),
            None => {}
        }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.settle(Err(AckError::Disconnected));
    }
}
