//! Namespaces: what an application serves under a name, and who is connected there.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytestring::ByteString;
use serde::Serialize;
use spola_socketio_packet::{self as packet, AckId, Format};

use crate::broadcast::Broadcast;
use crate::context::{
    ConnectContext, DisconnectContext, ErrorContext, EventContext, IncomingContext, OutgoingContext,
};
use crate::dynamic::{Parent, Predicate};
use crate::emit::EmitError;
use crate::extensions::States;
use crate::handler::{Erased, Handler, Situation, checked};
use crate::listeners::{Listener, Listeners, check_event_name};
use crate::recovery::{Budget, Recovery};
use crate::rooms::{Rooms, Selection};
use crate::socket::Socket;

/// A namespace of the server. Cheap to clone.
///
/// What is registered here serves the sockets that connect afterwards: register before you serve.
///
/// A parent, which [`Io::dynamic_namespace`](crate::Io::dynamic_namespace) gives, has children in
/// place of sockets. What is registered with it serves the children that are made afterwards; what
/// is sent to it goes to the sockets of them all.
#[derive(Clone)]
pub struct Namespace {
    inner: Arc<Inner>,
}

struct Inner {
    name: packet::Namespace,
    format: Format,
    states: Arc<States>,
    handlers: Mutex<Arc<Handlers>>,
    rooms: RwLock<Rooms>,
    /// The next acknowledgement id of its sockets and broadcasts (§18.2).
    next_ack: AtomicU64,
    /// Set if clients may come back to what they left.
    recovery: Option<Arc<Recovery>>,
    /// Set if it has children in place of sockets.
    parent: Option<Parent>,
}

/// What an application has registered for a namespace.
#[derive(Clone, Default)]
pub(crate) struct Handlers {
    pub(crate) middleware: Vec<Erased<ConnectContext>>,
    pub(crate) connect: Vec<Erased<ConnectContext>>,
    pub(crate) listeners: Listeners,
}

impl Namespace {
    pub(crate) fn new(
        name: packet::Namespace,
        format: Format,
        states: Arc<States>,
        budget: Option<&Arc<Budget>>,
    ) -> Self {
        Self::with(name, format, states, Arc::default(), budget, None)
    }

    /// A parent of dynamic namespaces.
    pub(crate) fn new_parent(
        name: packet::Namespace,
        format: Format,
        states: Arc<States>,
        budget: Option<&Arc<Budget>>,
        parent: Parent,
    ) -> Self {
        Self::with(name, format, states, Arc::default(), budget, Some(parent))
    }

    /// A namespace that does what this one does for its children.
    pub(crate) fn make_child(&self, name: packet::Namespace) -> Self {
        let (format, states) = (self.inner.format.clone(), Arc::clone(&self.inner.states));
        let budget = self.recovery().map(|recovery| recovery.budget());
        Self::with(name, format, states, self.handlers(), budget, None)
    }

    fn with(
        name: packet::Namespace,
        format: Format,
        states: Arc<States>,
        handlers: Arc<Handlers>,
        budget: Option<&Arc<Budget>>,
        parent: Option<Parent>,
    ) -> Self {
        let inner = Inner {
            name,
            format,
            states,
            handlers: Mutex::new(handlers),
            rooms: RwLock::default(),
            next_ack: AtomicU64::new(0),
            recovery: budget.map(|budget| Recovery::new(Arc::clone(budget))),
            parent,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The name, with its slash.
    pub fn name(&self) -> &str {
        self.inner.name.as_str()
    }

    /// The dynamic namespaces that there are of this parent, in no order; none if it is no parent.
    pub fn children(&self) -> Vec<Self> {
        self.inner.parent.as_ref().map_or_else(Vec::new, |parent| parent.children(self))
    }

    /// Adds a middleware: it runs before a client is let in, after those added earlier, and may
    /// refuse it with an `Err`, which the client sees as `connect_error`. The socket has its id,
    /// but cannot emit or join yet.
    ///
    /// # Panics
    /// If the handler asks for a [`State`](crate::State) that the server does not have.
    pub fn middleware<A>(&self, handler: impl Handler<ConnectContext, A>) -> &Self {
        let handler = self.checked(handler);
        self.register(|handlers| handlers.middleware.push(handler))
    }

    /// Adds what runs once a client was let in, after what was added earlier; events wait until its
    /// first `await`. An `Err` ends the connection to this namespace.
    ///
    /// # Panics
    /// As [`middleware`](Self::middleware).
    pub fn on_connect<A>(&self, handler: impl Handler<ConnectContext, A>) -> &Self {
        let handler = self.checked(handler);
        self.register(|handlers| handlers.connect.push(handler))
    }

    /// Adds a listener of an event, for every socket. Listeners start in the order in which they
    /// were added, those of the namespace before a socket's own; the first answer of any of them is
    /// the client's acknowledgement.
    ///
    /// # Panics
    /// As [`middleware`](Self::middleware), and if the name is reserved (`connect`, `disconnect`, …):
    /// no such event ever comes.
    #[track_caller]
    pub fn on<A>(&self, event: &str, handler: impl Handler<EventContext, A>) -> &Self {
        check_event_name(event);
        let listener = Listener::new(self.checked(handler));
        self.listen(|listeners| listeners.add(event, listener))
    }

    /// Takes all listeners of an event off, for the sockets that connect afterwards.
    pub fn off_event(&self, event: &str) -> &Self {
        self.listen(|listeners| listeners.remove_named(event))
    }

    /// Adds a listener of every event, whatever its name. These run first, before
    /// [`event_middleware`](Self::event_middleware) and the listeners by name.
    ///
    /// # Panics
    /// As [`middleware`](Self::middleware).
    pub fn on_any<A>(&self, handler: impl Handler<EventContext, A>) -> &Self {
        let listener = Listener::new(self.checked(handler));
        self.listen(|listeners| listeners.any.push(listener))
    }

    /// Adds a middleware of events: it sees each event before the listeners by name and may refuse
    /// it with an `Err`, which the client gets as [`Refusal`](crate::Refusal) says. While one waits, later events
    /// go on.
    ///
    /// This is also the place for a limit on their rate, of which there is none by default: see the
    /// guide, "In production".
    ///
    /// # Panics
    /// As [`middleware`](Self::middleware).
    pub fn event_middleware<A>(&self, handler: impl Handler<IncomingContext, A>) -> &Self {
        let handler = self.checked(handler);
        self.listen(|listeners| listeners.middleware.push(handler))
    }

    /// Sets the handler of events for which there is no listener by name. Without one they are
    /// logged and dropped.
    ///
    /// # Panics
    /// As [`middleware`](Self::middleware).
    pub fn fallback<A>(&self, handler: impl Handler<EventContext, A>) -> &Self {
        let handler = self.checked(handler);
        self.listen(|listeners| listeners.fallback = Some(handler))
    }

    /// Adds a listener of every event that is sent to a socket, broadcasts included; answers to the
    /// client's events are no events. It runs as the event is about to go.
    ///
    /// # Panics
    /// As [`middleware`](Self::middleware).
    pub fn on_any_outgoing<A>(&self, handler: impl Handler<OutgoingContext, A>) -> &Self {
        let listener = Listener::new(self.checked(handler));
        self.listen(|listeners| listeners.outgoing.push(listener))
    }

    /// Adds what runs for each socket here of a client that sent what costs it its connection, a
    /// malformed packet for one: see [`PacketError`](crate::PacketError). It runs before
    /// [`on_disconnecting`](Self::on_disconnecting); the socket can be sent nothing any more.
    ///
    /// ```
    /// # use spola_server::{Io, PacketError, Socket};
    /// # let io = Io::new();
    /// io.namespace("/").on_error(async |socket: Socket, error: PacketError| {
    ///     eprintln!("{}: {error}", socket.id());
    /// });
    /// ```
    ///
    /// # Panics
    /// As [`middleware`](Self::middleware).
    pub fn on_error<A>(&self, handler: impl Handler<ErrorContext, A>) -> &Self {
        let handler = self.checked(handler);
        self.listen(|listeners| listeners.error.push(handler))
    }

    /// Adds what runs when a socket leaves, for whatever reason: until its first `await` the socket
    /// is still in its rooms. It can be sent nothing any more.
    ///
    /// # Panics
    /// As [`middleware`](Self::middleware).
    pub fn on_disconnecting<A>(&self, handler: impl Handler<DisconnectContext, A>) -> &Self {
        let handler = self.checked(handler);
        self.listen(|listeners| listeners.disconnecting.push(handler))
    }

    /// Adds what runs when a socket has left. Its rooms are left by then.
    ///
    /// # Panics
    /// As [`middleware`](Self::middleware).
    pub fn on_disconnect<A>(&self, handler: impl Handler<DisconnectContext, A>) -> &Self {
        let handler = self.checked(handler);
        self.listen(|listeners| listeners.disconnect.push(handler))
    }

    /// Sends an event to everybody here; returns how many that are.
    ///
    /// # Errors
    /// If the event cannot be encoded.
    pub fn emit(&self, event: &str, arguments: impl Serialize) -> Result<usize, EmitError> {
        self.everybody().emit(event, arguments)
    }

    /// Addresses a room; see [`Broadcast::to`].
    pub fn to(&self, room: impl Into<ByteString>) -> Broadcast {
        self.everybody().to(room)
    }

    /// Addresses everybody but a room; see [`Broadcast::except`].
    pub fn except(&self, room: impl Into<ByteString>) -> Broadcast {
        self.everybody().except(room)
    }

    /// Addresses everybody, to be narrowed down; see [`Broadcast`].
    pub fn everybody(&self) -> Broadcast {
        Broadcast::new(self.clone())
    }

    /// The sockets that are connected, in no order.
    pub fn sockets(&self) -> Vec<Socket> {
        self.everybody().sockets()
    }

    pub(crate) fn predicate(&self) -> Option<&Predicate> {
        self.inner.parent.as_ref().map(Parent::predicate)
    }

    /// The namespaces that what is sent here goes to, each under its own name.
    pub(crate) fn targets(&self) -> Vec<Self> {
        if self.inner.parent.is_some() { self.children() } else { vec![self.clone()] }
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub(crate) fn packet_name(&self) -> &packet::Namespace {
        &self.inner.name
    }

    pub(crate) fn format(&self) -> &Format {
        &self.inner.format
    }

    /// An acknowledgement id that no other question here has: they would have to wait for each other
    /// through 2^53 of them.
    pub(crate) fn next_ack(&self) -> AckId {
        let next = self.inner.next_ack.fetch_add(1, Ordering::Relaxed);
        AckId::new(next & AckId::MAX.value()).unwrap_or(AckId::MAX)
    }

    pub(crate) fn recovery(&self) -> Option<&Arc<Recovery>> {
        self.inner.recovery.as_ref()
    }

    pub(crate) fn states(&self) -> &States {
        &self.inner.states
    }

    pub(crate) fn handlers(&self) -> Arc<Handlers> {
        Arc::clone(&self.inner.handlers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Checks a handler's wants against what the server has, before a client meets the gap.
    #[track_caller]
    pub(crate) fn checked<C: Situation, A, H: Handler<C, A>>(&self, handler: H) -> Erased<C> {
        checked(self.states(), handler)
    }

    fn register(&self, change: impl FnOnce(&mut Handlers)) -> &Self {
        let mut handlers = self.inner.handlers.lock().unwrap_or_else(PoisonError::into_inner);
        // What handlers own is the application's: it is not dropped under the lock.
        let former = Arc::clone(&handlers);
        change(Arc::make_mut(&mut handlers));
        drop(handlers);
        drop(former);
        self
    }

    fn listen(&self, change: impl FnOnce(&mut Listeners)) -> &Self {
        self.register(|handlers| change(&mut handlers.listeners))
    }

    pub(crate) fn rooms(&self) -> RwLockReadGuard<'_, Rooms> {
        self.inner.rooms.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn rooms_mut(&self) -> RwLockWriteGuard<'_, Rooms> {
        self.inner.rooms.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn select(&self, selection: &Selection, visit: impl FnMut(&Socket)) {
        self.rooms().select(selection, visit);
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Namespace").field(&self.name()).finish()
    }
}
