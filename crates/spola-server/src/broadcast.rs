//! Sending one event to many.

use bytestring::ByteString;
use serde::Serialize;

use crate::emit::EmitError;
use crate::namespace::Namespace;
use crate::rooms::Selection;
use crate::session::{Command, PACKET_PREFIX};
use crate::socket::{Socket, SocketId};

/// A selection of sockets to send to: the union of the rooms named, or everybody if none is named,
/// less those in an excepted room. Nobody gets an event twice.
#[derive(Clone, Debug)]
#[must_use = "a selection sends nothing by itself"]
pub struct Broadcast {
    namespace: Namespace,
    selection: Selection,
    but: Option<SocketId>,
}

impl Broadcast {
    pub(crate) fn new(namespace: Namespace) -> Self {
        Self { namespace, selection: Selection::default(), but: None }
    }

    /// Everybody but this socket.
    pub(crate) fn but(namespace: Namespace, socket: SocketId) -> Self {
        Self { but: Some(socket), ..Self::new(namespace) }
    }

    /// Adds a room. A socket's id is the name of a room that it alone is in.
    pub fn to(mut self, room: impl Into<ByteString>) -> Self {
        self.selection.rooms.push(room.into());
        self
    }

    /// Excepts the sockets of a room.
    pub fn except(mut self, room: impl Into<ByteString>) -> Self {
        self.selection.except.push(room.into());
        self
    }

    /// Sends an event, encoded once; returns how many sockets it was queued for.
    ///
    /// # Errors
    /// If the event cannot be encoded.
    pub fn emit(&self, event: &str, arguments: impl Serialize) -> Result<usize, EmitError> {
        let format = self.namespace.format();
        let mut recipients = 0;
        for namespace in self.namespace.targets() {
            let name = namespace.packet_name();
            let packet = format.encode_event(PACKET_PREFIX, name, None, event, &arguments)?;
            self.each_in(&namespace, |socket| {
                recipients += 1;
                let namespace = name.clone();
                socket.session().push(Command::Emit { namespace, packet: packet.clone() });
            });
        }
        Ok(recipients)
    }

    /// The selected sockets, in no order.
    pub fn sockets(&self) -> Vec<Socket> {
        let mut sockets = Vec::new();
        self.each(|socket| sockets.push(socket.clone()));
        sockets
    }

    /// Ends the connection of each selected socket to this namespace.
    pub fn disconnect(&self) {
        self.each(Socket::disconnect);
    }

    fn each(&self, mut visit: impl FnMut(&Socket)) {
        for namespace in self.namespace.targets() {
            self.each_in(&namespace, &mut visit);
        }
    }

    fn each_in(&self, namespace: &Namespace, mut visit: impl FnMut(&Socket)) {
        namespace.select(&self.selection, |socket| {
            if Some(socket.socket_id()) != self.but {
                visit(socket);
            }
        });
    }
}
