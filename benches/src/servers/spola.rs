//! Spola's plain WebSocket on tokio: the loop of its documentation.
//!
//! A failed connection is not reported here: the load notices what is missing.

use spola_tokio::websocket::{Error, WebSocket, accept};
use tokio::net::TcpStream;

pub(super) async fn serve(stream: TcpStream) {
    if let Ok(socket) = accept(stream).await {
        let _ = echo(socket).await;
    }
}

async fn echo(mut socket: WebSocket<TcpStream>) -> Result<(), Error> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}
