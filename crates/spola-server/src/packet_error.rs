//! Packets that were refused, as the application is told of them (§15, §17.5).

use spola_socketio::server::{CloseReason, Violation};
use spola_socketio_packet::DecodeError;

/// What a client sent, or did not, that costs it its connection: what [`on_error`] is told. The
/// client is told nothing.
///
/// [`on_error`]: crate::Namespace::on_error
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// A message that is no packet, or one beyond a limit.
    #[error("malformed packet: {0}")]
    Malformed(DecodeError),
    /// A packet that may not come where it came.
    #[error("packet out of place: {0}")]
    Violation(Violation),
    /// The attachments of a packet did not arrive in time.
    #[error("attachments did not arrive in time")]
    AttachmentsLate,
}

impl PacketError {
    /// The packet that ended a connection, if it was one.
    pub(crate) fn of(reason: CloseReason) -> Option<Self> {
        match reason {
            CloseReason::Malformed(error) => Some(Self::Malformed(error)),
            CloseReason::Violation(violation) => Some(Self::Violation(violation)),
            CloseReason::BinaryTimeout => Some(Self::AttachmentsLate),
            CloseReason::Transport(_) | CloseReason::Command | CloseReason::ConnectTimeout | _ => {
                None
            }
        }
    }
}
