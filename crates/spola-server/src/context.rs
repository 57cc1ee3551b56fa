//! What a handler's arguments are extracted from.

use bytestring::ByteString;
use spola_socketio::server::DisconnectReason;
use spola_socketio_packet as packet;

use crate::ack::Ack;
use crate::handler::Situation;
use crate::socket::Socket;

/// An event arrived.
#[derive(Clone, Debug)]
pub struct EventContext {
    pub(crate) socket: Socket,
    pub(crate) data: packet::Data,
    pub(crate) ack: Ack,
}

/// A client asks to be let into a namespace, or has just been.
#[derive(Clone, Debug)]
pub struct ConnectContext {
    pub(crate) socket: Socket,
    pub(crate) auth: Option<ByteString>,
}

/// A socket has left.
#[derive(Clone, Debug)]
pub struct DisconnectContext {
    pub(crate) socket: Socket,
    pub(crate) reason: DisconnectReason,
}

/// Every situation has a socket.
pub trait HasSocket: Situation {
    /// The socket that it is about.
    fn socket(&self) -> &Socket;
}

impl HasSocket for EventContext {
    fn socket(&self) -> &Socket {
        &self.socket
    }
}

impl HasSocket for ConnectContext {
    fn socket(&self) -> &Socket {
        &self.socket
    }
}

impl HasSocket for DisconnectContext {
    fn socket(&self) -> &Socket {
        &self.socket
    }
}
