//! The server's opening handshake.

use std::io;
use std::time::Duration;

use spola_websocket::Config;
use spola_websocket::handshake::MAX_HEAD_LEN;
use spola_websocket::handshake::server::{Rejection, RequestReader};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::WebSocket;

/// Time for the request's head to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A client was not taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The stream failed, or ended within the request.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The request cannot lead to a WebSocket; it was answered with the status that fits.
    #[error("{0}")]
    Rejected(Rejection),
    /// The request did not come within 10 seconds.
    #[error("the request did not come in time")]
    TimedOut,
}

/// Reads the client's upgrade request from a stream and answers it. Subprotocols and extensions are
/// declined.
///
/// # Errors
/// If the stream fails, or no sound request comes within 10 seconds.
pub async fn accept<S>(stream: S) -> Result<WebSocket<S>, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    accept_with(stream, Config::default()).await
}

/// As [`accept`], with settings for the connection.
///
/// # Errors
/// As [`accept`].
pub async fn accept_with<S>(mut stream: S, config: Config) -> Result<WebSocket<S>, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let handshake = tokio::time::timeout(HEAD_TIMEOUT, shake_hands(&mut stream)).await;
    let received = handshake.map_err(|_| AcceptError::TimedOut)??;
    Ok(WebSocket::server(stream, config, received))
}

/// Answers the request; returns what came behind it.
async fn shake_hands<S>(stream: &mut S) -> Result<Vec<u8>, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut reader = RequestReader::new();
    let mut input = Vec::with_capacity(1024);
    loop {
        let read = (&mut *stream).take(MAX_HEAD_LEN as u64).read_buf(&mut input).await?;
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        match reader.read(&input) {
            Ok(None) => {}
            Ok(Some(request)) => {
                let head_len = request.head_len;
                stream.write_all(&request.upgrade.accept().to_bytes()).await?;
                stream.flush().await?;
                input.drain(..head_len);
                return Ok(input);
            }
            Err(rejection) => {
                stream.write_all(&rejection.to_bytes()).await?;
                stream.shutdown().await?;
                return Err(AcceptError::Rejected(rejection));
            }
        }
    }
}
