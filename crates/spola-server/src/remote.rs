//! What is known of a socket that may be connected elsewhere.

use std::sync::Arc;

use bytestring::ByteString;
use spola_socketio_packet::Value;

use crate::handshake::Handshake;
use crate::socket::Socket;
use crate::socket_id::SocketId;

/// A socket as it was when somebody asked: a copy, which follows nothing that happens later.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RemoteSocket {
    /// Its public id, and the name of the room by which it is reached.
    pub id: SocketId,
    /// The request that opened its session.
    pub handshake: Arc<Handshake>,
    /// The rooms it has joined, in order of name, its own not among them.
    pub rooms: Vec<ByteString>,
    /// What [`Socket::set_data`] has attached to it.
    pub data: Value,
}

impl RemoteSocket {
    pub(crate) fn of(socket: &Socket) -> Self {
        Self {
            id: socket.socket_id(),
            handshake: Arc::clone(socket.handshake()),
            rooms: socket.rooms(),
            data: socket.data(),
        }
    }
}
