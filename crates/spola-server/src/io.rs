//! The server as an application sees it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use bytestring::ByteString;
use serde::Serialize;
use spola_socketio_packet::{self as packet, Format, Parser};

use crate::broadcast::Broadcast;
use crate::config::{AtHardCap, Config};
use crate::context::LookupContext;
use crate::dynamic::{Dynamic, Predicate};
use crate::emit::EmitError;
use crate::extensions::States;
use crate::handler::{Handler, checked};
use crate::hooks::Hooks;
use crate::meters::Meters;
use crate::namespace::Namespace;
use crate::recovery::Budget;
use crate::sessions::Sessions;
use crate::socket::Socket;
use crate::statistics::Statistics;

/// A Socket.IO server: its namespaces, and the sessions of its clients. Cheap to clone, and usable
/// from anywhere.
///
/// It speaks to nobody by itself: a driver, such as `spola-tokio`, joins it to sockets and clocks.
#[derive(Clone)]
pub struct Io {
    inner: Arc<Inner>,
}

struct Inner {
    config: Arc<Config>,
    format: Format,
    states: Arc<States>,
    hooks: Hooks,
    namespaces: RwLock<HashMap<ByteString, Namespace>>,
    dynamic: Arc<Dynamic>,
    sessions: Sessions,
    meters: Arc<Meters>,
    /// Set if clients may come back to what they left.
    budget: Option<Arc<Budget>>,
}

/// Collects what a server starts with.
#[derive(Debug, Default)]
pub struct IoBuilder {
    config: Config,
    format: Format,
    states: States,
    pub(crate) hooks: Hooks,
}

impl IoBuilder {
    /// Replaces the settings.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets the packet format: `MessagePack` (feature `msgpack`), or the application's own. Every
    /// client has to use it, too. Handlers see no difference.
    #[must_use]
    pub fn parser(mut self, parser: impl Parser + 'static) -> Self {
        self.format = Format::of(parser);
        self
    }

    /// Gives handlers a state to share, which they take by [`State<T>`](crate::State). One value per
    /// type; an `Arc` makes anything shareable.
    #[must_use]
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, state: T) -> Self {
        self.states.insert(state);
        self
    }

    /// The server.
    ///
    /// # Panics
    /// If the settings of CORS allow credentials to any origin.
    pub fn build(self) -> Io {
        let mut config = self.config;
        if let Some(cors) = &config.cors {
            cors.check();
        }
        let (cap, engine) = (config.outgoing_hard_cap, &mut config.engine);
        if cap == 0 {
            (engine.max_queued_bytes, engine.max_queued_packets) = (usize::MAX, usize::MAX);
        } else if config.at_hard_cap == AtHardCap::Refuse {
            // What is refused is refused before; what was taken may grow by a third, in base64.
            engine.max_queued_bytes = cap.saturating_add(cap / 2);
        }
        let (config, states) = (Arc::new(config), Arc::new(self.states));
        let (namespaces, sessions) = (RwLock::default(), Sessions::default());
        let (format, hooks) = (self.format, self.hooks);
        let meters: Arc<Meters> = Arc::default();
        let dynamic = Arc::new(Dynamic::new(&config, Arc::clone(&meters)));
        let budget = Budget::of(&config, &meters);
        let inner =
            Inner { config, format, states, hooks, namespaces, dynamic, sessions, meters, budget };
        Io { inner: Arc::new(inner) }
    }
}

impl Io {
    /// A server with default settings and no state.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Starts a server with settings or state of its own.
    pub fn builder() -> IoBuilder {
        IoBuilder::default()
    }

    /// The namespace of this name, which is served from now on; `/` is the root. A missing slash is
    /// added. If a [`dynamic_namespace`](Self::dynamic_namespace) accepts the name, it is a child of
    /// that.
    ///
    /// # Panics
    /// If the name cannot be one: longer than 255 bytes, or with a comma or control characters.
    pub fn namespace(&self, name: &str) -> Namespace {
        if !name.starts_with('/') {
            return self.namespace(&format!("/{name}"));
        }
        if let Some(namespace) = self.find(name) {
            return namespace;
        }
        let parsed: packet::Namespace = match name.parse() {
            Ok(parsed) => parsed,
            Err(error) => panic!("{name:?} cannot name a namespace: {error}"),
        };
        if let Some(child) = self.inner.dynamic.child(&parsed) {
            return child;
        }
        let mut namespaces = self.inner.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        let (format, states) = (self.format().clone(), Arc::clone(&self.inner.states));
        let key = parsed.clone().into_inner();
        let new = || Namespace::new(parsed, format, states, self.inner.budget.as_ref());
        namespaces.entry(key).or_insert_with(new).clone()
    }

    /// Serves every namespace whose name `accepts` says `true` to, unless it is served already. The
    /// first client that asks for a name makes it; when
    /// the last one has left, it is removed ([`Config::cleanup_empty_children`]).
    ///
    /// What is returned is their parent: its middleware, handlers and listeners are theirs, and what
    /// is sent to it goes to everybody in any of them. Each of them is a namespace of its own, with
    /// its own sockets and rooms.
    ///
    /// ```
    /// # use spola_server::{Io, Namespace, Socket};
    /// let io = Io::new();
    /// let documents = io.dynamic_namespace(|name| name.starts_with("/document-"));
    /// documents.on("edit", async |socket: Socket, namespace: Namespace| {
    ///     println!("somebody edits {}", namespace.name());
    ///     let _ = socket.broadcast().emit("edited", ());
    /// });
    /// documents.emit("maintenance", "in five minutes").unwrap();
    /// io.namespace("/document-7").emit("saved", ()).unwrap();
    /// ```
    pub fn dynamic_namespace(
        &self,
        accepts: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Namespace {
        self.parent(Predicate::Name(Box::new(accepts)))
    }

    /// The same, but who decides is a handler, which sees the client too: it takes
    /// [`NamespaceName`](crate::NamespaceName), [`Auth`](crate::Auth), [`State`](crate::State) or the
    /// `Arc<Handshake>`, and returns a `bool`, or an `Err` that the client gets to see. It is asked
    /// for each client, and its time is that of the middleware.
    ///
    /// ```
    /// # use spola_server::{Auth, Io, NamespaceName};
    /// # #[derive(serde::Deserialize)]
    /// # struct Member { team: String }
    /// # let io = Io::new();
    /// let teams = io.dynamic_namespace_async(
    ///     async |NamespaceName(name): NamespaceName, Auth(member): Auth<Member>| {
    ///         name.strip_prefix("/team/").is_some_and(|team| team == member.team)
    ///     },
    /// );
    /// ```
    ///
    /// # Panics
    /// If the handler asks for a [`State`](crate::State) that the server does not have.
    #[track_caller]
    pub fn dynamic_namespace_async<A>(&self, accepts: impl Handler<LookupContext, A>) -> Namespace {
        let accepts = checked(&self.inner.states, accepts);
        self.parent(Predicate::Client(accepts))
    }

    /// Sends an event to everybody in the root namespace; returns how many that are.
    ///
    /// # Errors
    /// If the event cannot be encoded.
    pub fn emit(&self, event: &str, arguments: impl Serialize) -> Result<usize, EmitError> {
        self.namespace("/").emit(event, arguments)
    }

    /// Addresses a room of the root namespace.
    pub fn to(&self, room: impl Into<ByteString>) -> Broadcast {
        self.namespace("/").to(room)
    }

    /// The sockets of the root namespace, in no order.
    pub fn sockets(&self) -> Vec<Socket> {
        self.namespace("/").sockets()
    }

    /// The settings.
    pub fn config(&self) -> &Arc<Config> {
        &self.inner.config
    }

    /// How many sessions there are.
    pub fn session_count(&self) -> usize {
        self.inner.sessions.len()
    }

    /// How the server is: what there is at this moment, and what it has turned down so far. Takes a
    /// look at each session, but asks none: good for every few seconds.
    pub fn statistics(&self) -> Statistics {
        let mut statistics = Statistics::of(self.meters());
        self.inner.sessions.add_to(&mut statistics);
        if let Some(budget) = &self.inner.budget {
            budget.add_to(&mut statistics);
        }
        let mut namespaces = self.inner.dynamic.namespaces();
        let served = self.inner.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        namespaces.extend(served.values().cloned());
        drop(served);
        statistics.namespaces = namespaces.len();
        statistics.sockets = namespaces.iter().map(|namespace| namespace.rooms().len()).sum();
        statistics
    }

    /// Ends every session, with the reason `server shutting down`, and lets nobody in any more.
    /// Clients see the transport close and try to come back.
    pub fn close(&self) {
        self.inner.sessions.close();
    }

    /// Ends every session at once, and drops the handlers that still run. Sensible when
    /// [`drained`](Self::drained) takes too long.
    pub fn abort(&self) {
        self.inner.sessions.close();
        self.inner.sessions.abort();
    }

    /// Waits until no session is left and every handler has ended. Sensible after
    /// [`close`](Self::close).
    pub async fn drained(&self) {
        self.inner.sessions.drained().await;
    }

    pub(crate) fn find(&self, name: &str) -> Option<Namespace> {
        self.inner.namespaces.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn meters(&self) -> &Arc<Meters> {
        &self.inner.meters
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.inner.hooks
    }

    pub(crate) fn dynamic(&self) -> &Arc<Dynamic> {
        &self.inner.dynamic
    }

    pub(crate) fn states(&self) -> &Arc<States> {
        &self.inner.states
    }

    pub(crate) fn format(&self) -> &Format {
        &self.inner.format
    }

    /// A parent of namespaces. Its own name is never on the wire.
    fn parent(&self, predicate: Predicate) -> Namespace {
        let (dynamic, states) = (&self.inner.dynamic, Arc::clone(&self.inner.states));
        let (name, format) = (packet::Namespace::root(), self.format().clone());
        let (parent, budget) = (dynamic.parent(predicate), self.inner.budget.as_ref());
        let parent = Namespace::new_parent(name, format, states, budget, parent);
        dynamic.add(parent.clone());
        parent
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.inner.sessions
    }
}

impl Default for Io {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").field("sessions", &self.session_count()).finish_non_exhaustive()
    }
}
