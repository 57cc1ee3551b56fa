//! Namespaces: what an application serves under a name, and who is connected there.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytestring::ByteString;
use serde::Serialize;
use spola_socketio_packet as packet;

use crate::broadcast::Broadcast;
use crate::context::{ConnectContext, DisconnectContext, EventContext};
use crate::emit::EmitError;
use crate::extensions::Extensions;
use crate::handler::{Erased, Handler, Situation, erase};
use crate::rooms::{Rooms, Selection};
use crate::socket::Socket;

/// A namespace of the server. Cheap to clone.
///
/// What is registered here serves the sockets that connect afterwards: register before you serve.
#[derive(Clone)]
pub struct Namespace {
    inner: Arc<Inner>,
}

struct Inner {
    name: packet::Namespace,
    states: Arc<Extensions>,
    handlers: Mutex<Arc<Handlers>>,
    rooms: RwLock<Rooms>,
}

/// What an application has registered for a namespace.
#[derive(Clone, Default)]
pub(crate) struct Handlers {
    pub(crate) middleware: Vec<Erased<ConnectContext>>,
    pub(crate) connect: Option<Erased<ConnectContext>>,
    pub(crate) events: Events,
    pub(crate) disconnect: Option<Erased<DisconnectContext>>,
}

/// Event handlers by name.
#[derive(Clone, Default)]
pub(crate) struct Events {
    by_name: HashMap<Box<str>, Erased<EventContext>>,
    fallback: Option<Erased<EventContext>>,
}

impl Events {
    pub(crate) fn insert(&mut self, event: &str, handler: Erased<EventContext>) {
        self.by_name.insert(event.into(), handler);
    }

    pub(crate) fn set_fallback(&mut self, handler: Erased<EventContext>) {
        self.fallback = Some(handler);
    }

    pub(crate) fn named(&self, event: &str) -> Option<&Erased<EventContext>> {
        self.by_name.get(event)
    }

    pub(crate) fn fallback(&self) -> Option<&Erased<EventContext>> {
        self.fallback.as_ref()
    }
}

impl Namespace {
    pub(crate) fn new(name: packet::Namespace, states: Arc<Extensions>) -> Self {
        let (handlers, rooms) = (Mutex::default(), RwLock::default());
        Self { inner: Arc::new(Inner { name, states, handlers, rooms }) }
    }

    /// The name, with its slash.
    pub fn name(&self) -> &str {
        self.inner.name.as_str()
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

    /// Sets what runs once a client was let in; events wait until its first `await`. An `Err` ends
    /// the connection to this namespace.
    ///
    /// # Panics
    /// As [`middleware`](Self::middleware).
    pub fn on_connect<A>(&self, handler: impl Handler<ConnectContext, A>) -> &Self {
        let handler = self.checked(handler);
        self.register(|handlers| handlers.connect = Some(handler))
    }

    /// Sets the handler of an event, for every socket that has none of its own for it.
    ///
    /// # Panics
    /// As [`middleware`](Self::middleware).
    pub fn on<A>(&self, event: &str, handler: impl Handler<EventContext, A>) -> &Self {
        let handler = self.checked(handler);
        self.register(|handlers| handlers.events.insert(event, handler))
    }

    /// Sets the handler of events that have no other. Without one they are logged and dropped.
    ///
    /// # Panics
    /// As [`middleware`](Self::middleware).
    pub fn fallback<A>(&self, handler: impl Handler<EventContext, A>) -> &Self {
        let handler = self.checked(handler);
        self.register(|handlers| handlers.events.set_fallback(handler))
    }

    /// Sets what runs when a socket has left, for whatever reason. Its rooms are left by then.
    ///
    /// # Panics
    /// As [`middleware`](Self::middleware).
    pub fn on_disconnect<A>(&self, handler: impl Handler<DisconnectContext, A>) -> &Self {
        let handler = self.checked(handler);
        self.register(|handlers| handlers.disconnect = Some(handler))
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

    pub(crate) fn packet_name(&self) -> &packet::Namespace {
        &self.inner.name
    }

    pub(crate) fn states(&self) -> &Extensions {
        &self.inner.states
    }

    pub(crate) fn handlers(&self) -> Arc<Handlers> {
        Arc::clone(&self.inner.handlers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Checks a handler's wants against what the server has, before a client meets the gap.
    pub(crate) fn checked<C: Situation, A, H: Handler<C, A>>(&self, handler: H) -> Erased<C> {
        if let Err(missing) = H::check(self.states()) {
            panic!("{missing}");
        }
        erase(handler)
    }

    fn register(&self, change: impl FnOnce(&mut Handlers)) -> &Self {
        let mut handlers = self.inner.handlers.lock().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut handlers));
        self
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
