//! A client's connection to one namespace.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;

use bytestring::ByteString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use spola_engineio::Revision;
use spola_socketio_packet::{Data as RawData, Value};

use crate::ack::Question;
use crate::broadcast::Broadcast;
use crate::emit::{EmitError, EmitWait, Emitter};
use crate::extensions::Extensions;
use crate::handshake::Handshake;
use crate::listeners::Listeners;
use crate::namespace::{Handlers, Namespace};
use crate::outbound::Flags;
use crate::receive::Queue;
use crate::recovery::Claim;
use crate::session::{Command, SessionHandle, SocketNumber};
use crate::socket_id::SocketId;

/// One client in one namespace. Cheap to clone, and usable from anywhere.
#[derive(Clone)]
pub struct Socket {
    inner: Arc<Inner>,
}

struct Inner {
    id: SocketId,
    /// The id of an old client's socket outside of the root: its namespace, `#`, and then `id`.
    long_id: Option<Box<str>>,
    number: SocketNumber,
    namespace: Namespace,
    session: Arc<SessionHandle>,
    handlers: Arc<Handlers>,
    /// Listeners of its own, once it has some.
    listeners: OnceLock<Box<Mutex<Listeners>>>,
    /// Events that wait to be pulled, once somebody pulls.
    queue: OnceLock<Box<Mutex<Queue>>>,
    /// What the client gave as `auth`.
    auth: Option<ByteString>,
    /// Made once somebody asks for them.
    extensions: OnceLock<Arc<Extensions>>,
    data: Mutex<Value>,
    recovered: bool,
    connected: AtomicBool,
    left: AtomicBool,
}

/// What a socket has from the time before it.
#[derive(Default)]
struct Past {
    data: Value,
    extensions: OnceLock<Arc<Extensions>>,
    recovered: bool,
}

impl Socket {
    pub(crate) fn new(
        id: SocketId,
        namespace: Namespace,
        session: Arc<SessionHandle>,
        auth: Option<ByteString>,
    ) -> Self {
        Self::with(id, namespace, session, auth, Past::default())
    }

    /// The socket of a client that comes back.
    pub(crate) fn restored(
        claim: &Claim,
        namespace: Namespace,
        session: Arc<SessionHandle>,
        auth: Option<ByteString>,
    ) -> Self {
        let (data, extensions) = (claim.data.clone(), Arc::clone(&claim.extensions).into());
        Self::with(claim.id, namespace, session, auth, Past { data, extensions, recovered: true })
    }

    fn with(
        id: SocketId,
        namespace: Namespace,
        session: Arc<SessionHandle>,
        auth: Option<ByteString>,
        past: Past,
    ) -> Self {
        let is_long = session.revision() == Revision::V3 && namespace.name() != "/";
        let inner = Inner {
            id,
            long_id: is_long.then(|| format!("{}#{}", namespace.name(), id.as_str()).into()),
            number: session.name_socket(),
            handlers: namespace.handlers(),
            namespace,
            session,
            listeners: OnceLock::new(),
            queue: OnceLock::new(),
            auth,
            extensions: past.extensions,
            data: Mutex::new(past.data),
            recovered: past.recovered,
            connected: AtomicBool::new(false),
            left: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The public id: new for each connection to a namespace, unless the client has
    /// [come back](Self::recovered), and the name of a room that this socket alone is in. 20 characters of the base64url alphabet.
    ///
    /// Clients of Engine.IO 3 derive it by themselves: it is the session's secret id, with the
    /// namespace and `#` in front of it everywhere but in the root (§22).
    pub fn id(&self) -> &str {
        self.inner.long_id.as_deref().unwrap_or(self.inner.id.as_str())
    }

    /// The same, as a value that can be kept and compared.
    pub fn socket_id(&self) -> SocketId {
        self.inner.id
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

    /// What the application has attached to this socket by [`set_data`](Self::set_data); null at first.
    pub fn data(&self) -> Value {
        self.lock_data().clone()
    }

    /// Attaches data to this socket, in place of what was there, for
    /// [`fetch_sockets`](Broadcast::fetch_sockets) to find. What only this server needs belongs into
    /// [`extensions`](Self::extensions), which take any type.
    pub fn set_data(&self, data: impl Into<Value>) {
        *self.lock_data() = data.into();
    }

    fn lock_data(&self) -> MutexGuard<'_, Value> {
        self.inner.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the application has attached to this socket.
    pub fn extensions(&self) -> &Extensions {
        self.shared_extensions()
    }

    /// Whether this is a client that lost its connection and came back to what it left: with its former
    /// id, rooms, [`data`](Self::data) and [`extensions`](Self::extensions), and sent the events that
    /// it missed. See [`Config::connection_state_recovery`](crate::Config::connection_state_recovery).
    pub fn recovered(&self) -> bool {
        self.inner.recovered
    }

    /// Whether the client was let in and has not left.
    pub fn is_connected(&self) -> bool {
        self.inner.connected.load(Ordering::Acquire)
    }

    /// Sends an event to this client. A tuple is several arguments, `()` none, anything else one.
    ///
    /// The event is queued, whatever waits there already; a client that reads so slowly that its
    /// queue reaches the hard cap ([`Config`](crate::Config)) is disconnected, unless
    /// [`at_hard_cap`](crate::Config::at_hard_cap) says otherwise. To send much, send at the
    /// client's pace: see [`emit_wait`](Self::emit_wait), [`try_emit`](Self::try_emit) and
    /// [`volatile`](Self::volatile).
    ///
    /// With [recovery](crate::ConnectionStateRecovery), an event for a client that is away waits for it,
    /// and one sent by the socket that it had before reaches it: then whoever sends for as long as
    /// the client is there had better ask [`is_connected`](Self::is_connected).
    ///
    /// # Errors
    /// If the client has left or was not let in yet, its queue is at the hard cap, or the event cannot be
    /// encoded.
    pub fn emit(&self, event: &str, arguments: impl Serialize) -> Result<(), EmitError> {
        self.send(self.namespace().event(event, &arguments)?, Flags::default())
    }

    /// Sends an event as soon as there is room: at once, or, if the client's queue is full (at the
    /// high-water mark of [`Config`](crate::Config)), when it has run down to the low-water mark.
    /// Nothing is sent until the future is awaited.
    ///
    /// It fails as [`emit`](Self::emit) does, and also if the client leaves meanwhile.
    pub fn emit_wait(&self, event: &str, arguments: impl Serialize) -> EmitWait {
        EmitWait::new(self.clone(), self.namespace().event(event, &arguments))
    }

    /// Sends an event if there is room.
    ///
    /// # Errors
    /// [`EmitError::Full`] if the client's queue is full, and nothing was sent; else as
    /// [`emit`](Self::emit).
    pub fn try_emit(&self, event: &str, arguments: impl Serialize) -> Result<(), EmitError> {
        self.try_send(&self.namespace().event(event, &arguments)?)
    }

    /// What is sent by this is dropped if the transport is not writable at that moment: over polling,
    /// no GET waits; over a WebSocket, what was sent before is not yet on its way. It never waits in a
    /// queue (§18.6).
    pub fn volatile(&self) -> Emitter {
        Emitter::new(self.clone()).volatile()
    }

    /// Whether what is sent by this may be compressed, where that was agreed on: by
    /// permessage-deflate, or as part of a poll's response. Without it, it may.
    ///
    /// What holds both a secret and text of somebody else's choice should not be.
    pub fn compress(&self, compress: bool) -> Emitter {
        Emitter::new(self.clone()).compress(compress)
    }

    /// Bytes that wait to be sent to this client, over all its namespaces.
    pub fn buffered_amount(&self) -> usize {
        self.inner.session.buffered_amount()
    }

    /// Whether there is room in the client's queue: below the high-water mark.
    pub fn is_writable(&self) -> bool {
        self.inner.session.has_room()
    }

    /// Sends an event whose name and arguments are encoded already, as when one is passed on.
    ///
    /// # Errors
    /// If the client has left or was not let in yet.
    pub fn emit_raw(&self, event: RawData) -> Result<(), EmitError> {
        self.send(self.namespace().event_of_data(event), Flags::default())
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
        Question::new(self.clone(), event, &arguments, Flags::default())
    }

    /// Everybody in the namespace but this socket.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::but(self.inner.namespace.clone(), self.inner.id)
    }

    /// The others in a room.
    pub fn to(&self, room: impl Into<ByteString>) -> Broadcast {
        self.broadcast().to(room)
    }

    /// Ends the connection to this namespace, behind what was sent before; the client sees
    /// `io server disconnect` and does not come back by itself. Called by a handler, no event that came
    /// later reaches a listener. Nothing happens if it has left, even if it came back as another socket.
    pub fn disconnect(&self) {
        self.push(Command::Disconnect(self.number()));
    }

    /// Ends the client's whole session: every namespace, then the connection. Nothing happens if the
    /// client has left this namespace.
    pub fn disconnect_session(&self) {
        self.push(Command::Close(self.number()));
    }

    pub(crate) fn session(&self) -> &SessionHandle {
        &self.inner.session
    }

    /// Which of its session's sockets it is.
    pub(crate) fn number(&self) -> SocketNumber {
        self.inner.number
    }

    pub(crate) fn handlers(&self) -> &Arc<Handlers> {
        &self.inner.handlers
    }

    /// Whether it ever had listeners of its own.
    pub(crate) fn has_own_listeners(&self) -> bool {
        self.inner.listeners.get().is_some()
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

    /// Whether it has left, or was not let in. Asked by those who have just made what
    /// [`retire`](Self::retire) empties: one of the two sees what the other did.
    pub(crate) fn has_left(&self) -> bool {
        fence(Ordering::SeqCst);
        self.inner.left.load(Ordering::Acquire)
    }

    /// Hands a command to the session; nothing happens if the client has left.
    fn push(&self, command: Command) {
        if self.is_connected() {
            self.inner.session.push(command);
        }
    }

    pub(crate) fn shared_extensions(&self) -> &Arc<Extensions> {
        self.inner.extensions.get_or_init(Arc::default)
    }

    /// The client was let in: from now on it is a member of the namespace, and of these rooms.
    pub(crate) fn enter(&self, joined: &[ByteString]) {
        self.inner.connected.store(true, Ordering::Release);
        let mut rooms = self.namespace().rooms_mut();
        rooms.enter(self.clone());
        for room in joined {
            // It was in all of them before.
            let _ = rooms.join(self.inner.id, room.clone(), joined.len());
        }
    }

    /// The client has left: it is in no room any more. Gives those that it was in to the end.
    pub(crate) fn exit(&self) -> Vec<ByteString> {
        self.inner.connected.store(false, Ordering::Release);
        self.namespace().rooms_mut().exit(self.inner.id)
    }

    /// The client has left, or was not let in: nothing holds the socket any more.
    pub(crate) fn retire(&self) {
        self.inner.left.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
        // A listener of its own may hold the socket itself.
        drop(self.own_listeners().map(|mut own| std::mem::take(&mut *own)));
        let pulling = self.queue().map(|mut queue| queue.take_wakers());
        pulling.into_iter().flatten().for_each(Waker::wake);
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
