//! The loop that batches by hand: all messages that are ready are fed, then flushed once.

use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};

/// What follows from what was received.
pub(super) enum Then<M> {
    Send(M),
    Nothing,
    End,
}

pub(super) async fn echo<S, M>(mut socket: S, then: impl Fn(S::Item) -> Then<M>)
where
    S: Stream + Sink<M> + Unpin,
{
    while let Some(item) = socket.next().await {
        let mut ready = Some(item);
        while let Some(item) = ready {
            match then(item) {
                Then::Send(message) => {
                    if socket.feed(message).await.is_err() {
                        return;
                    }
                }
                Then::Nothing => {}
                Then::End => return,
            }
            ready = socket.next().now_or_never().flatten();
        }
        if socket.flush().await.is_err() {
            return;
        }
    }
}
