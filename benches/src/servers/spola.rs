//! Spola's plain WebSocket on tokio: the loop of its documentation.
//!
//! A failed connection is not reported here: the load notices what is missing.

use std::io;
use std::sync::LazyLock;
use std::time::Instant;

use spola_driver::Line;
use spola_tokio::TokioRuntime;
use spola_tokio::websocket::{Accept, Config, Error, TokioIo, WebSocket, accept_with};
use spola_websocket::Connection;
use spola_websocket::deflate::Options;
use spola_websocket::handshake::server::RequestReader;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Deflate, MAX_MESSAGE};

pub(super) async fn serve(stream: TcpStream, deflate: Deflate) {
    let accepted = match deflate {
        Deflate::Off => accept_with(stream, SETTINGS.clone()).await.ok(),
        Deflate::On { level } => accept_deflate(stream, level).await.ok(),
    };
    if let Some(socket) = accepted {
        let _ = echo(socket).await;
    }
}

static SETTINGS: LazyLock<Accept> = LazyLock::new(|| Accept::new().config(config()));

fn config() -> Config {
    let mut config = Config::default();
    config.max_message_size = MAX_MESSAGE;
    config
}

/// Reads the request, and answers it by hand.
async fn accept_deflate(
    mut stream: TcpStream,
    level: Option<u8>,
) -> io::Result<WebSocket<TcpStream>> {
    let mut options = Options::default();
    // A context is kept if the client lets us, and small messages are compressed, as by the peers.
    options.outgoing_context_takeover = true;
    options.incoming_context_takeover = true;
    options.threshold = 0;
    options.level = level.unwrap_or(options.level);
    let connection = shake_hands(&mut stream, Some(&options)).await?;
    let line = Line::new(TokioIo(stream), connection, Vec::new(), Instant::now());
    Ok(WebSocket::from_line(line, TokioRuntime))
}

/// The opening handshake. The load sends nothing before the answer, so nothing follows the request.
pub(super) async fn shake_hands(
    stream: &mut TcpStream,
    options: Option<&Options>,
) -> io::Result<Connection> {
    let (mut reader, mut head) = (RequestReader::new(), Vec::new());
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let request = reader.read(&head).map_err(|_| io::ErrorKind::InvalidData)?;
        if let Some(request) = request {
            let response = request.upgrade.accept();
            let (response, agreement) = match options {
                Some(options) => response.deflate(options),
                None => (response, None),
            };
            stream.write_all(&response.to_bytes()).await?;
            let connection = Connection::server(config());
            return Ok(match agreement {
                Some(agreement) => connection.with_deflate(&agreement),
                None => connection,
            });
        }
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
