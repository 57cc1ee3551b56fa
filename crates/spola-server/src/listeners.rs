//! Listeners: what runs on events, several to an event, in order of registration.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::context::{
    DisconnectContext, ErrorContext, EventContext, IncomingContext, OutgoingContext,
};
use crate::handler::{Erased, Situation};

/// Names a listener of a socket, to take it off again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(u64);

impl ListenerId {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// # Panics
/// If the name is reserved: whoever listens to it would wait in vain.
#[track_caller]
pub(crate) fn check_event_name(event: &str) {
    let reserved = spola_socketio_packet::is_reserved_event(event);
    assert!(!reserved, "no event is called {event:?}: see `on_connect` and `on_disconnect`");
}

/// What runs on the events of a socket: a namespace has such a table for all of its sockets, and a
/// socket may have one of its own.
#[derive(Clone, Default)]
pub(crate) struct Listeners {
    pub(crate) middleware: Vec<Erased<IncomingContext>>,
    pub(crate) any: Vec<Listener<EventContext>>,
    named: BTreeMap<Box<str>, Vec<Listener<EventContext>>>,
    pub(crate) fallback: Option<Erased<EventContext>>,
    pub(crate) outgoing: Vec<Listener<OutgoingContext>>,
    pub(crate) error: Vec<Erased<ErrorContext>>,
    pub(crate) disconnecting: Vec<Erased<DisconnectContext>>,
    pub(crate) disconnect: Vec<Erased<DisconnectContext>>,
}

#[derive(Clone)]
pub(crate) struct Listener<C: Situation> {
    id: ListenerId,
    once: bool,
    pub(crate) handler: Erased<C>,
}

impl<C: Situation> Listener<C> {
    pub(crate) fn new(handler: Erased<C>) -> Self {
        Self { id: ListenerId::next(), once: false, handler }
    }

    /// One that is taken off when it runs.
    pub(crate) fn once(handler: Erased<C>) -> Self {
        Self { once: true, ..Self::new(handler) }
    }

    pub(crate) fn id(&self) -> ListenerId {
        self.id
    }
}

impl Listeners {
    pub(crate) fn add(&mut self, event: &str, listener: Listener<EventContext>) {
        self.named.entry(event.into()).or_default().push(listener);
    }

    pub(crate) fn named(&self, event: &str) -> &[Listener<EventContext>] {
        self.named.get(event).map_or(&[], Vec::as_slice)
    }

    /// The handlers of an event, those that run only once taken off.
    pub(crate) fn take_named(&mut self, event: &str) -> Vec<Erased<EventContext>> {
        let Some(listeners) = self.named.get_mut(event) else {
            return Vec::new();
        };
        let handlers = listeners.iter().map(|listener| Erased::clone(&listener.handler)).collect();
        listeners.retain(|listener| !listener.once);
        if listeners.is_empty() {
            self.named.remove(event);
        }
        handlers
    }

    /// Takes one listener off, wherever it is; `false` if it was not there.
    pub(crate) fn remove(&mut self, id: ListenerId) -> bool {
        let before = self.len();
        self.any.retain(|listener| listener.id != id);
        self.outgoing.retain(|listener| listener.id != id);
        self.named.retain(|_, listeners| {
            listeners.retain(|listener| listener.id != id);
            !listeners.is_empty()
        });
        self.len() < before
    }

    /// Takes all listeners of an event off.
    pub(crate) fn remove_named(&mut self, event: &str) {
        self.named.remove(event);
    }

    fn len(&self) -> usize {
        self.any.len() + self.outgoing.len() + self.named.values().map(Vec::len).sum::<usize>()
    }
}
