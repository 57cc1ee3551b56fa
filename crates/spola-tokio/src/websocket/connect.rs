//! The client's opening handshake.

use std::io;
use std::time::Duration;

use spola_websocket::Config;
use spola_websocket::handshake::MAX_HEAD_LEN;
use spola_websocket::handshake::client::{HandshakeError, Request};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::WebSocket;
use super::stream::OsEntropy;

/// Time for the response's head to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);

/// The server did not take us in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The stream failed, or ended within the response.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The response is no sound acceptance.
    #[error("{0}")]
    Handshake(HandshakeError),
    /// The response did not come within 20 seconds.
    #[error("the response did not come in time")]
    TimedOut,
}

/// Opens a WebSocket as the client, over a stream that is connected already.
///
/// # Errors
/// If the stream fails, or no sound acceptance comes within 20 seconds.
pub async fn client<S>(
    mut stream: S,
    request: Request,
    config: Config,
) -> Result<WebSocket<S>, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let handshake = tokio::time::timeout(HEAD_TIMEOUT, shake_hands(&mut stream, request)).await;
    let received = handshake.map_err(|_| ConnectError::TimedOut)??;
    Ok(WebSocket::client(stream, config, received))
}

/// Sends the request and checks the response; returns what came behind it.
async fn shake_hands<S>(stream: &mut S, request: Request) -> Result<Vec<u8>, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (head, mut handshake) = request.start(&mut OsEntropy::new());
    stream.write_all(&head).await?;
    stream.flush().await?;
    let mut input = Vec::with_capacity(1024);
    loop {
        let read = (&mut *stream).take(MAX_HEAD_LEN as u64).read_buf(&mut input).await?;
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        if let Some(response) = handshake.read(&input).map_err(ConnectError::Handshake)? {
            let head_len = response.head_len;
            input.drain(..head_len);
            return Ok(input);
        }
    }
}
