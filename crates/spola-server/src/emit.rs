//! Why something could not be sent.

use spola_socketio_packet::EncodeError;

/// An event could not be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The socket has left, or has not been let in yet.
    #[error("the socket is not connected")]
    Disconnected,
    /// The event's name is reserved, or its arguments cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}
