use std::io;

use spola_websocket::{CloseReason, SendError};

/// The connection failed, the peer broke the rules, or a message cannot be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stream failed. [`TimedOut`](io::ErrorKind::TimedOut): the peer has taken nothing for too
    /// long while something waited to be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The connection did not end by a closing handshake.
    #[error("{0}")]
    Closed(CloseReason),
    /// The message cannot be sent.
    #[error(transparent)]
    Send(#[from] SendError),
}
