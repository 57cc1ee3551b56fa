//! tokio-tungstenite, used in the two ways its own examples show.
//!
//! A failed connection is not reported here: the load notices what is missing.

use std::future;

use futures_util::{SinkExt, StreamExt, TryStreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Error;

/// The loop of its `autobahn-server` example: one `send`, hence one flush, a message.
pub(super) async fn echo(stream: TcpStream) {
    let _ = echo_each(stream).await;
}

async fn echo_each(stream: TcpStream) -> Result<(), Error> {
    let mut socket = accept_async(stream).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

/// The `forward` of its `echo-server` example, which feeds all that is ready and flushes once.
pub(super) async fn echo_batches(stream: TcpStream) {
    let Ok(socket) = accept_async(stream).await else {
        return;
    };
    let (write, read) = socket.split();
    let messages =
        read.try_filter(|message| future::ready(message.is_text() || message.is_binary()));
    let _ = messages.forward(write).await;
}
