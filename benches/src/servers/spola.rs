//! Spola's plain WebSocket on tokio: the loops of its documentation.
//!
//! A failed connection is not reported here: the load notices what is missing.

use std::sync::LazyLock;

use spola_tokio::websocket::deflate::Options;
use spola_tokio::websocket::{Accept, Config, Error, WebSocket, accept_with};
use spola_websocket::Part;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::{Deflate, MAX_MESSAGE};

static SETTINGS: LazyLock<Accept> = LazyLock::new(|| Accept::new().config(config()));

pub(super) async fn serve(stream: TcpStream, settings: Accept) {
    if let Ok(socket) = accept_with(stream, settings).await {
        let _ = echo(socket).await;
    }
}

/// A message in, a message out.
pub(crate) async fn echo<S>(mut socket: WebSocket<S>) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some((message, mut replies)) = socket.recv_borrowed().await? {
        replies.send(message)?;
    }
    Ok(())
}

pub(super) async fn serve_stream(stream: TcpStream) {
    if let Ok(socket) = accept_with(stream, SETTINGS.clone()).await {
        let _ = echo_chunks(socket).await;
    }
}

/// What has come of a message goes back while the rest is under way. A chunk is lent by the socket,
/// and detached so that the socket can send.
async fn echo_chunks<S>(mut socket: WebSocket<S>) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(chunk) = socket.recv_chunk().await? {
        let part = if chunk.last { Part::Last } else { Part::More };
        let (kind, data) = (chunk.kind, chunk.data.into_bytes());
        socket.send_fragment(kind, &data, part).await?;
    }
    Ok(())
}

pub(super) fn settings(deflate: Deflate) -> Accept {
    match deflate {
        Deflate::Off => SETTINGS.clone(),
        Deflate::On { level } => {
            let mut options = Options::default();
            // A context is kept if the client lets us, and small messages are compressed, as by
            // the peers.
            options.outgoing_context_takeover = true;
            options.incoming_context_takeover = true;
            options.threshold = 0;
            options.level = level.unwrap_or(options.level);
            SETTINGS.clone().deflate(options)
        }
    }
}

pub(super) fn config() -> Config {
    let mut config = Config::default();
    config.max_message_size = MAX_MESSAGE;
    config
}
