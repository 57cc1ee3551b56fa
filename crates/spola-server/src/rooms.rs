//! Who is where: the sockets of a namespace and the rooms they are in.
//!
//! Joining and leaving cost next to nothing (a place in the list of the socket's rooms), a socket that goes
//! O(its rooms), a selection O(its recipients).

use std::collections::{HashMap, HashSet};

use bytestring::ByteString;

use crate::by_id::OrderedById;
use crate::reject_reason::RejectReason;
use crate::socket::Socket;
use crate::socket_id::SocketId;

/// The members of one namespace, about in the order in which they came: so they lie in memory, and a
/// broadcast that walks through it in order is quicker.
#[derive(Default)]
pub(crate) struct Rooms {
    members: OrderedById<SocketId, Member>,
    rooms: HashMap<ByteString, OrderedById<SocketId, Socket>>,
}

struct Member {
    socket: Socket,
    /// In order of name.
    rooms: Vec<ByteString>,
}

/// Which sockets a broadcast goes to: the union of `rooms`, or everybody if none is named, less the
/// sockets of the rooms in `except`.
///
/// Every socket is in a room named by its own id, without being asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) rooms: Vec<ByteString>,
    pub(crate) except: Vec<ByteString>,
}

/// Why a socket may not join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The socket has left, or has not been accepted yet.
    #[error("the socket is not connected")]
    Disconnected,
    /// The socket is in as many rooms as the limit allows.
    #[error("the socket is in too many rooms")]
    TooManyRooms,
    /// The room's name is longer than the limit allows.
    #[error("the name of the room is too long")]
    NameTooLong,
    /// The room is another socket's own, and
    /// [`foreign_ids_as_rooms`](crate::Config::foreign_ids_as_rooms) is off.
    #[error("the room belongs to another socket")]
    ForeignId,
}

impl Rooms {
    /// How many sockets there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn enter(&mut self, socket: Socket) {
        self.members.insert(socket.socket_id(), Member { socket, rooms: Vec::new() });
    }

    /// Takes the socket out of every room; these are the rooms, in order of name.
    pub(crate) fn exit(&mut self, id: SocketId) -> Vec<ByteString> {
        let Some(member) = self.members.swap_remove(&id) else {
            return Vec::new();
        };
        for room in &member.rooms {
            remove_from(&mut self.rooms, room, id);
        }
        member.rooms
    }

    pub(crate) fn join(
        &mut self,
        id: SocketId,
        room: ByteString,
        most: usize,
    ) -> Result<(), JoinError> {
        let member = self.members.get_mut(&id).ok_or(JoinError::Disconnected)?;
        let Err(at) = member.rooms.binary_search(&room) else {
            return Ok(());
        };
        if member.rooms.len() >= most {
            return Err(JoinError::TooManyRooms);
        }
        // Most sockets are in one room, or in many.
        if member.rooms.capacity() == 0 {
            member.rooms.reserve_exact(1);
        }
        let room = self.rooms.entry(room);
        // One name for all that are in it.
        member.rooms.insert(at, room.key().clone());
        room.or_default().insert(id, member.socket.clone());
        Ok(())
    }

    pub(crate) fn leave(&mut self, id: SocketId, room: &str) {
        if let Some(member) = self.members.get_mut(&id)
            && let Ok(at) = member.rooms.binary_search_by(|name| (**name).cmp(room))
        {
            member.rooms.remove(at);
            remove_from(&mut self.rooms, room, id);
        }
    }

    /// The socket of this id.
    pub(crate) fn member(&self, id: SocketId) -> Option<&Socket> {
        Some(&self.members.get(&id)?.socket)
    }

    /// The rooms of one socket, its own aside, in order of name.
    pub(crate) fn rooms_of(&self, id: SocketId) -> Vec<ByteString> {
        self.members.get(&id).map_or_else(Vec::new, |member| member.rooms.clone())
    }

    /// Calls `visit` once for each socket that `selection` names.
    pub(crate) fn select(&self, selection: &Selection, mut visit: impl FnMut(&Socket)) {
        let excepted =
            |socket: &Socket| selection.except.iter().any(|room| self.is_in(socket, room));
        if selection.rooms.is_empty() {
            return walk(self.members.values().map(|member| &member.socket), |socket| {
                if !excepted(socket) {
                    visit(socket);
                }
            });
        }
        let mut seen = HashSet::new();
        let several = selection.rooms.len() > 1;
        for room in &selection.rooms {
            let joined = self.rooms.get(room).into_iter().flat_map(|members| members.values());
            let own = self.named(room).filter(|own| !self.joined(own.socket_id(), room));
            walk(own.into_iter().chain(joined), |socket| {
                if !excepted(socket) && (!several || seen.insert(socket.socket_id())) {
                    visit(socket);
                }
            });
        }
    }

    /// Whether this is the own room of a socket, but not of this one.
    pub(crate) fn is_foreign(&self, id: SocketId, room: &str) -> bool {
        self.named(room).is_some_and(|owner| owner.socket_id() != id)
    }

    /// The socket whose own room this is.
    fn named(&self, room: &str) -> Option<&Socket> {
        let member = self.members.get(&SocketId::parse(room)?)?;
        (member.socket.id() == room).then_some(&member.socket)
    }

    fn is_in(&self, socket: &Socket, room: &str) -> bool {
        socket.id() == room || self.joined(socket.socket_id(), room)
    }

    fn joined(&self, id: SocketId, room: &str) -> bool {
        self.rooms.get(room).is_some_and(|members| members.contains_key(&id))
    }
}

/// # Rooms
impl Socket {
    /// Joins a room.
    ///
    /// # Errors
    /// If the socket is not connected, or a limit of [`Config`](crate::Config) is reached.
    pub fn join(&self, room: impl Into<ByteString>) -> Result<(), JoinError> {
        self.try_join(room.into()).inspect_err(|error| {
            if let Some(reason) = RejectReason::of_join(*error) {
                self.session().meters().reject(reason);
            }
        })
    }

    fn try_join(&self, room: ByteString) -> Result<(), JoinError> {
        let limits = self.session().room_limits();
        if room.len() > limits.name_len {
            return Err(JoinError::NameTooLong);
        }
        let mut rooms = self.namespace().rooms_mut();
        if !limits.foreign_ids && rooms.is_foreign(self.socket_id(), &room) {
            return Err(JoinError::ForeignId);
        }
        rooms.join(self.socket_id(), room, limits.rooms)
    }

    /// Leaves a room; nothing happens if it was not there.
    pub fn leave(&self, room: &str) {
        self.namespace().rooms_mut().leave(self.socket_id(), room);
    }

    /// The rooms it has joined, in order of name. Its own room, named by its id, is not among them.
    pub fn rooms(&self) -> Vec<ByteString> {
        self.namespace().rooms().rooms_of(self.socket_id())
    }
}

/// Visits sockets in their order. Those that are to come are on their way from memory meanwhile.
fn walk<'a>(sockets: impl Iterator<Item = &'a Socket> + Clone, mut visit: impl FnMut(&Socket)) {
    const AHEAD: usize = 4;
    let mut ahead = sockets.clone().skip(AHEAD);
    for socket in sockets {
        ahead.next().inspect(|socket| socket.session().touch());
        visit(socket);
    }
}

fn remove_from(
    rooms: &mut HashMap<ByteString, OrderedById<SocketId, Socket>>,
    room: &str,
    id: SocketId,
) {
    if let Some(members) = rooms.get_mut(room) {
        members.swap_remove(&id);
        if members.is_empty() {
            rooms.remove(room);
        }
    }
}
