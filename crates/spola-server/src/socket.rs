//! A client's connection to one namespace.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;

use bytestring::ByteString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use spola_engineio::{Revision, Sid};
use spola_socketio_packet::Data as RawData;

use crate::ack::Question;
use crate::broadcast::Broadcast;
use crate::emit::EmitError;
use crate::extensions::Extensions;
use crate::handshake::Handshake;
use crate::listeners::Listeners;
use crate::namespace::{Handlers, Namespace};
use crate::receive::Queue;
use crate::rooms::JoinError;
use crate::session::{Command, PACKET_PREFIX, SessionHandle};

/// One client in one namespace. Cheap to clone, and usable from anywhere.
#[derive(Clone)]
pub struct Socket {
    inner: Arc<Inner>,
}

struct Inner {
    id: SocketId,
    /// The id of an old client's socket outside of the root: its namespace, `#`, and then `id`.
    long_id: Option<Box<str>>,
    namespace: Namespace,
    session: Arc<SessionHandle>,
    handlers: Arc<Handlers>,
    /// Listeners of its own, once it has some.
    listeners: OnceLock<Box<Mutex<Listeners>>>,
    /// Events that wait to be pulled, once somebody pulls.
    queue: OnceLock<Box<Mutex<Queue>>>,
    /// What the client gave as `auth`.
    auth: Option<ByteString>,
    extensions: Extensions,
    connected: AtomicBool,
    left: AtomicBool,
}

impl Socket {
    pub(crate) fn new(
        id: SocketId,
        namespace: Namespace,
        session: Arc<SessionHandle>,
        auth: Option<ByteString>,
    ) -> Self {
        let is_long = session.revision() == Revision::V3 && namespace.name() != "/";
        let inner = Inner {
            id,
            long_id: is_long.then(|| format!("{}#{}", namespace.name(), id.as_str()).into()),
            handlers: namespace.handlers(),
            namespace,
            session,
            listeners: OnceLock::new(),
            queue: OnceLock::new(),
            auth,
            extensions: Extensions::default(),
            connected: AtomicBool::new(false),
            left: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The public id: new for each connection to a namespace, and the name of a room that this
    /// socket alone is in. 20 characters of the base64url alphabet.
    ///
    /// Clients of Engine.IO 3 derive it by themselves: it is the session's secret id, with the
    /// namespace and `#` in front of it everywhere but in the root (§22).
    pub fn id(&self) -> &str {
        self.inner.long_id.as_deref().unwrap_or(self.inner.id.as_str())
    }

    /// The namespace it is connected to.
    pub fn namespace(&self) -> &Namespace {
        &self.inner.namespace
    }

    /// The request that opened the session.
    pub fn handshake(&self) -> &Arc<Handshake> {
        self.inner.session.handshake()
    }

    /// What the client gave as `auth` when it connected here: a JSON object. Handlers take it typed,
    /// by [`Auth`](crate::Auth).
    pub fn auth(&self) -> Option<&str> {
        self.inner.auth.as_deref()
    }

    /// What the application has attached to this socket.
    pub fn extensions(&self) -> &Extensions {
        &self.inner.extensions
    }

    /// Whether the client was let in and has not left.
    pub fn is_connected(&self) -> bool {
        self.inner.connected.load(Ordering::Acquire)
    }

    /// Sends an event to this client. A tuple is several arguments, `()` none, anything else one.
    ///
    /// The event is queued; a client that reads too slowly is disconnected when its queue reaches
    /// the limit ([`Config`](crate::Config)).
    ///
    /// # Errors
    /// If the client has left or was not let in yet, or the event cannot be encoded.
    pub fn emit(&self, event: &str, arguments: impl Serialize) -> Result<(), EmitError> {
        let namespace = self.inner.namespace.packet_name().clone();
        let format = self.inner.namespace.format();
        let packet = format.encode_event(PACKET_PREFIX, &namespace, None, event, &arguments)?;
        self.push(Command::Emit { namespace, packet })
    }

    /// Sends an event whose name and arguments are encoded already, as when one is passed on.
    ///
    /// # Errors
    /// If the client has left or was not let in yet.
    pub fn emit_raw(&self, event: RawData) -> Result<(), EmitError> {
        let namespace = self.inner.namespace.packet_name().clone();
        let format = self.inner.namespace.format();
        let packet = format.encode_data(PACKET_PREFIX, &namespace, None, &event);
        self.push(Command::Emit { namespace, packet })
    }

    /// Sends an event and waits for the client's answer, decoded as `T`: a tuple takes several
    /// arguments, anything else the first.
    ///
    /// Nothing is sent until the question is awaited. See [`Question::timeout`].
    pub fn emit_with_ack<T: DeserializeOwned>(
        &self,
        event: &str,
        arguments: impl Serialize,
    ) -> Question<T> {
        Question::new(self.clone(), event, &arguments)
    }

    /// Joins a room.
    ///
    /// # Errors
    /// If the socket is not connected, or a limit of [`Config`](crate::Config) is reached.
    pub fn join(&self, room: impl Into<ByteString>) -> Result<(), JoinError> {
        let limits = self.inner.session.room_limits();
        let room = room.into();
        if room.len() > limits.name_len {
            return Err(JoinError::NameTooLong);
        }
        self.namespace().rooms_mut().join(self.inner.id, room, limits.rooms)
    }

    /// Leaves a room; nothing happens if it was not there.
    pub fn leave(&self, room: &str) {
        self.namespace().rooms_mut().leave(self.inner.id, room);
    }

    /// The rooms it has joined, in order of name. Its own room, named by its id, is not among them.
    pub fn rooms(&self) -> Vec<ByteString> {
        self.namespace().rooms().rooms_of(self.inner.id)
    }

    /// Everybody in the namespace but this socket.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::but(self.inner.namespace.clone(), self.inner.id)
    }

    /// The others in a room.
    pub fn to(&self, room: impl Into<ByteString>) -> Broadcast {
        self.broadcast().to(room)
    }

    /// Ends the connection to this namespace; the client sees `io server disconnect` and does not
    /// come back by itself. Nothing happens if it has left, even if it came back as another socket.
    pub fn disconnect(&self) {
        let namespace = self.inner.namespace.packet_name().clone();
        let _ = self.push(Command::Disconnect { namespace });
    }

    /// Ends the client's whole session: every namespace, then the connection. Nothing happens if the
    /// client has left this namespace.
    pub fn disconnect_session(&self) {
        let _ = self.push(Command::Close);
    }

    pub(crate) fn socket_id(&self) -> SocketId {
        self.inner.id
    }

    pub(crate) fn session(&self) -> &SessionHandle {
        &self.inner.session
    }

    pub(crate) fn handlers(&self) -> &Arc<Handlers> {
        &self.inner.handlers
    }

    /// The listeners of its own, if it ever had some.
    pub(crate) fn own_listeners(&self) -> Option<MutexGuard<'_, Listeners>> {
        let own = self.inner.listeners.get()?;
        Some(own.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the listeners of its own, unless it has left: nobody would ever take them off.
    pub(crate) fn listen(&self, change: impl FnOnce(&mut Listeners)) {
        let own = self.inner.listeners.get_or_init(Box::default);
        let mut own = own.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.has_left() {
            change(&mut own);
        }
    }

    /// The events that wait to be pulled, if somebody ever pulled.
    pub(crate) fn queue(&self) -> Option<MutexGuard<'_, Queue>> {
        Some(self.inner.queue.get()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same, of one that pulls from now on.
    pub(crate) fn queue_mut(&self) -> MutexGuard<'_, Queue> {
        let queue = self.inner.queue.get_or_init(Box::default);
        queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it has left, or was not let in.
    pub(crate) fn has_left(&self) -> bool {
        self.inner.left.load(Ordering::Acquire)
    }

    pub(crate) fn push(&self, command: Command) -> Result<(), EmitError> {
        if !self.is_connected() {
            return Err(EmitError::Disconnected);
        }
        self.inner.session.push(command);
        Ok(())
    }

    /// The client was let in: from now on it is a member of the namespace.
    pub(crate) fn enter(&self) {
        self.inner.connected.store(true, Ordering::Release);
        self.namespace().rooms_mut().enter(self.clone());
    }

    /// The client has left, or was not let in: it is in no room any more.
    pub(crate) fn exit(&self) {
        self.inner.connected.store(false, Ordering::Release);
        self.inner.left.store(true, Ordering::Release);
        // A listener of its own may hold the socket itself.
        drop(self.own_listeners().map(|mut own| std::mem::take(&mut *own)));
        let pulling = self.queue().map(|mut queue| queue.take_wakers());
        pulling.into_iter().flatten().for_each(Waker::wake);
        self.namespace().rooms_mut().exit(self.inner.id);
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.id())
            .field("namespace", &self.namespace().name())
            .field("connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}

/// What a public socket id is made of, unique in its namespace. It has the shape of an Engine.IO
/// session id, and is one only for clients of Engine.IO 3, who know no other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SocketId(Sid);

impl SocketId {
    /// The id made of 15 random bytes.
    pub(crate) fn from_random(bytes: [u8; 15]) -> Self {
        Self(Sid::from_bytes(bytes))
    }

    /// The id of an old client, in all of its namespaces.
    pub(crate) fn of_session(sid: Sid) -> Self {
        Self(sid)
    }

    /// The id that the public id `text` is made of, if it has the shape of one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (_, id) = text.rsplit_once('#').unwrap_or(("", text));
        id.parse().ok().map(Self)
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
