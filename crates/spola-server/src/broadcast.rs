//! Sending one event to many, and whatever else is done with many sockets at once.

use std::time::Duration;

use bytestring::ByteString;
use futures_channel::mpsc;
use serde::Serialize;
use serde::de::DeserializeOwned;
use spola_socketio_packet::Data;

use crate::answers::Answers;
use crate::emit::EmitError;
use crate::namespace::Namespace;
use crate::outbound::{Event, Flags, Outbound};
use crate::recovery::Audience;
use crate::remote::RemoteSocket;
use crate::rooms::{JoinError, Selection};
use crate::session::{Ask, Asker};
use crate::socket::Socket;
use crate::socket_id::SocketId;

/// A selection of sockets: the union of the rooms named, or everybody if none is named, less those in
/// an excepted room. Nobody gets an event twice.
///
/// It also says how to send: volatile, uncompressed.
#[derive(Clone, Debug)]
#[must_use = "a selection sends nothing by itself"]
pub struct Broadcast {
    namespace: Namespace,
    selection: Selection,
    but: Option<SocketId>,
    flags: Flags,
    timeout: Option<Duration>,
}

impl Broadcast {
    pub(crate) fn new(namespace: Namespace) -> Self {
        let (selection, flags) = (Selection::default(), Flags::default());
        Self { namespace, selection, but: None, flags, timeout: None }
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

    /// Adds a room: another name of [`to`](Self::to), for reading aloud (`in` in JavaScript).
    pub fn within(self, room: impl Into<ByteString>) -> Self {
        self.to(room)
    }

    /// Excepts the sockets of a room.
    pub fn except(mut self, room: impl Into<ByteString>) -> Self {
        self.selection.except.push(room.into());
        self
    }

    /// Only sockets of this server, not those of others in its cluster. A server without a cluster,
    /// as each is so far, has no other.
    pub fn local(self) -> Self {
        self
    }

    /// Drops the event for each socket whose transport is not writable at this moment: over polling,
    /// no GET waits; over a WebSocket, what was sent before is not yet on its way. Such an event never
    /// waits in a queue (§18.6).
    pub fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// Whether the event may be compressed, where that was agreed on: by permessage-deflate, or as
    /// part of a poll's response. Default true.
    pub fn compress(mut self, compress: bool) -> Self {
        self.flags.compress = compress;
        self
    }

    /// How long to wait for each answer to [`emit_with_ack`](Self::emit_with_ack); 60 s unless
    /// [`Config`](crate::Config) says otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends an event, encoded once; returns how many sockets it was queued for.
    ///
    /// A client that reads so slowly that its queue reaches the limit is disconnected, or gets nothing and
    /// is not counted: see [`AtHardCap`](crate::AtHardCap).
    ///
    /// # Errors
    /// If the event cannot be encoded.
    pub fn emit(&self, event: &str, arguments: impl Serialize) -> Result<usize, EmitError> {
        let targets = self.namespace.targets();
        if let [namespace] = &targets[..] {
            return self.send(namespace, namespace.event(event, &arguments)?);
        }
        // In each, the packet begins with another name, and the rest is the same.
        let data = Data::event(event, &arguments)?;
        let send = |namespace| self.send(namespace, namespace.event_of_data(data.clone()));
        targets.iter().map(send).sum()
    }

    /// Sends an event, encoded once and with one acknowledgement id, and gives the answers as they
    /// come: for each socket it goes to exactly one, or why there is none. It is sent at once, whether
    /// or not somebody waits.
    ///
    /// # Errors
    /// If the event cannot be encoded.
    pub fn emit_with_ack<T: DeserializeOwned>(
        &self,
        event: &str,
        arguments: impl Serialize,
    ) -> Result<Answers<T>, EmitError> {
        let (sender, receiver) = mpsc::unbounded();
        let mut recipients = 0;
        let data = Data::event(event, &arguments)?;
        for namespace in self.namespace.targets() {
            let ack = namespace.next_ack();
            let packet = namespace.encode_data(&data, Some(ack));
            let event = Outbound::new(packet, self.flags.compress);
            self.each_in(&namespace, |socket| {
                recipients += 1;
                let asker = Asker::many(socket.socket_id(), sender.clone());
                let event = event.clone();
                let (number, timeout) = (socket.number(), self.timeout);
                let ask = Ask { socket: number, event, ack, timeout, asker };
                socket.session().ask(ask, self.flags.volatile);
            });
        }
        Ok(Answers::new(recipients, receiver))
    }

    /// The selected sockets, in no order.
    pub fn sockets(&self) -> Vec<Socket> {
        let mut sockets = Vec::new();
        self.each(|socket| sockets.push(socket.clone()));
        sockets
    }

    /// What is known of the selected sockets, in no order, wherever in the cluster they are connected.
    #[expect(clippy::unused_async, reason = "in a cluster, others are asked")]
    pub async fn fetch_sockets(&self) -> Vec<RemoteSocket> {
        self.sockets().iter().map(RemoteSocket::of).collect()
    }

    /// Makes each selected socket join a room.
    ///
    /// # Errors
    /// If a limit of [`Config`](crate::Config) keeps one of them out; all the others have joined.
    pub fn sockets_join(&self, room: impl Into<ByteString>) -> Result<(), JoinError> {
        let room = room.into();
        let mut joined = Ok(());
        for socket in self.sockets() {
            match socket.join(room.clone()) {
                // It has left meanwhile.
                Ok(()) | Err(JoinError::Disconnected) => {}
                Err(error) => joined = Err(error),
            }
        }
        joined
    }

    /// Makes each selected socket leave a room.
    pub fn sockets_leave(&self, room: &str) {
        for socket in self.sockets() {
            socket.leave(room);
        }
    }

    /// Ends the connection of each selected socket to this namespace.
    pub fn disconnect_sockets(&self) {
        self.each(Socket::disconnect);
    }

    /// Ends the whole session of each selected socket: every namespace, then the connection.
    pub fn disconnect_sessions(&self) {
        self.each(Socket::disconnect_session);
    }

    fn send(&self, namespace: &Namespace, event: Event) -> Result<usize, EmitError> {
        let audience = || Audience::Many { selection: self.selection.clone(), but: self.but };
        namespace.publish(event, audience, self.flags, |event| {
            let mut recipients = 0;
            self.each_in(namespace, |socket| {
                let sent = socket.deliver(event.clone(), self.flags.volatile);
                recipients += usize::from(sent.is_ok());
            });
            Ok(recipients)
        })
    }

    fn each(&self, mut visit: impl FnMut(&Socket)) {
        for namespace in self.namespace.targets() {
            self.each_in(&namespace, &mut visit);
        }
    }

    fn each_in(&self, namespace: &Namespace, mut visit: impl FnMut(&Socket)) {
        namespace.select(&self.selection, |socket| {
            if self.but.is_none_or(|but| socket.socket_id() != but) {
                visit(socket);
            }
        });
    }
}
