//! Spola's plain WebSocket on tokio: the loop of its documentation.
//!
//! A failed connection is not reported here: the load notices what is missing.

use spola_tokio::websocket::{Config, Error, WebSocket, accept_with};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::MAX_MESSAGE;

pub(super) async fn serve(stream: TcpStream) {
    let mut config = Config::default();
    config.max_message_size = MAX_MESSAGE;
    if let Ok(socket) = accept_with(stream, config).await {
        let _ = echo(socket).await;
    }
}

/// A message in, a message out.
pub(crate) async fn echo<S>(mut socket: WebSocket<S>) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}
