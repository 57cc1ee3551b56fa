//! `Stream` and `Sink`, for those who combine them with others.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;
use spola_websocket::{CloseCode, Message};

use super::WebSocket;
use super::poll::CORKED_LEN;
use crate::{Error, Runtime, Transport};

/// The messages, as by [`recv`](WebSocket::recv). It ends after the closing handshake, or after the
/// first error.
impl<S: Transport, R: Runtime> Stream for WebSocket<S, R> {
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

/// Ready while less than 256 KiB wait to be written. Closing it sends a Close frame with status 1000;
/// the peer's answer comes as the end of the [`Stream`].
impl<S: Transport, R: Runtime, M: Into<Message>> Sink<M> for WebSocket<S, R> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.buffered_amount() < CORKED_LEN {
            return Poll::Ready(Ok(()));
        }
        Self::poll_flush(&mut self, cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: M) -> Result<(), Error> {
        Ok(self.line.connection().send(message.into())?)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Self::poll_flush(&mut self, cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // An `Err` says that it is closing already.
        let _ = self.start_close(CloseCode::NORMAL, "");
        Self::poll_flush(&mut self, cx)
    }
}
