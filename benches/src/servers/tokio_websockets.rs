//! tokio-websockets: the loop of its `echo_server` example, with the example's limits.
//!
//! Its `poll_next` flushes what was fed, so feeding all that is ready gains nothing.

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_websockets::{Config, Error, Limits, ServerBuilder, WebSocketStream};

pub(super) async fn serve(stream: TcpStream) {
    let _ = tokio::task::unconstrained(echo(stream)).await;
}

async fn echo(stream: TcpStream) -> Result<(), Error> {
    let (_, socket) = ServerBuilder::new()
        .config(Config::default().frame_size(usize::MAX))
        .limits(Limits::unlimited())
        .accept(stream)
        .await?;
    echo_each(socket).await
}

pub(crate) async fn echo_each<S>(mut socket: WebSocketStream<S>) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
