//! What a socket listens to by itself, beside what its namespace does for all of its sockets.

use crate::context::{
    DisconnectContext, ErrorContext, EventContext, IncomingContext, OutgoingContext,
};
use crate::handler::Handler;
use crate::listeners::{Listener, ListenerId, Listeners, check_event_name};
use crate::socket::Socket;

/// # Listening
/// What is registered on a socket serves it until it leaves, and runs after what its
/// [`Namespace`](crate::Namespace) has for the same. Every function here panics if the handler asks
/// for a [`State`](crate::State) that the server does not have.
impl Socket {
    /// Adds a listener of an event: it starts after those that were added earlier. The first answer
    /// of any of them is the client's acknowledgement.
    ///
    /// # Panics
    /// Also if the name is reserved (`connect`, `disconnect`, …): no such event ever comes.
    #[track_caller]
    pub fn on<A>(&self, event: &str, handler: impl Handler<EventContext, A>) -> ListenerId {
        check_event_name(event);
        self.add(event, Listener::new(self.namespace().checked(handler)))
    }

    /// Adds a listener of the next event of this name, and no other.
    ///
    /// # Panics
    /// As [`on`](Self::on).
    #[track_caller]
    pub fn once<A>(&self, event: &str, handler: impl Handler<EventContext, A>) -> ListenerId {
        check_event_name(event);
        self.add(event, Listener::once(self.namespace().checked(handler)))
    }

    /// Adds a listener of every event, whatever its name. These run before
    /// [`middleware`](Self::middleware) and the listeners by name.
    #[track_caller]
    pub fn on_any<A>(&self, handler: impl Handler<EventContext, A>) -> ListenerId {
        let listener = Listener::new(self.namespace().checked(handler));
        let id = listener.id();
        self.listen(|own| own.any.push(listener));
        id
    }

    /// Adds a listener of every event that is sent to this socket, broadcasts included; answers to
    /// the client's events are no events. It runs as the event is about to go.
    #[track_caller]
    pub fn on_any_outgoing<A>(&self, handler: impl Handler<OutgoingContext, A>) -> ListenerId {
        let listener = Listener::new(self.namespace().checked(handler));
        let id = listener.id();
        self.listen(|own| own.outgoing.push(listener));
        self.session().note_outgoing();
        id
    }

    /// Adds a middleware of events: it sees each event before the listeners by name, and may refuse
    /// it with an `Err`, which the client gets as [`Refusal`](crate::Refusal) says. While one
    /// waits, later events go on.
    ///
    /// ```
    /// # use spola_server::{EventName, Refusal, Socket};
    /// # async fn connected(socket: Socket) {
    /// socket.middleware(async |EventName(name): EventName| match name.starts_with("admin:") {
    ///     true => Err(Refusal::new("not for you")),
    ///     false => Ok(()),
    /// });
    /// # }
    /// ```
    #[track_caller]
    pub fn middleware<A>(&self, handler: impl Handler<IncomingContext, A>) -> &Self {
        let handler = self.namespace().checked(handler);
        self.listen(|own| own.middleware.push(handler));
        self
    }

    /// Adds what runs when the client sent what costs it its connection, before
    /// [`on_disconnecting`](Self::on_disconnecting): see [`PacketError`](crate::PacketError).
    #[track_caller]
    pub fn on_error<A>(&self, handler: impl Handler<ErrorContext, A>) -> &Self {
        let handler = self.namespace().checked(handler);
        self.listen(|own| own.error.push(handler));
        self
    }

    /// Adds what runs when this socket leaves: until its first `await` the socket is still in its
    /// rooms. It can be sent nothing any more.
    #[track_caller]
    pub fn on_disconnecting<A>(&self, handler: impl Handler<DisconnectContext, A>) -> &Self {
        let handler = self.namespace().checked(handler);
        self.listen(|own| own.disconnecting.push(handler));
        self
    }

    /// Adds what runs when this socket has left. Its rooms are left by then.
    #[track_caller]
    pub fn on_disconnect<A>(&self, handler: impl Handler<DisconnectContext, A>) -> &Self {
        let handler = self.namespace().checked(handler);
        self.listen(|own| own.disconnect.push(handler));
        self
    }

    /// Takes one of its own listeners off; `false` if it is off already.
    pub fn off(&self, listener: ListenerId) -> bool {
        self.take_off(|own| own.remove(listener)).unwrap_or_default()
    }

    /// Takes all its own listeners of an event off.
    pub fn off_event(&self, event: &str) {
        self.take_off(|own| own.remove_named(event));
    }

    fn take_off<T>(&self, change: impl FnOnce(&mut Listeners) -> T) -> Option<T> {
        let mut own = self.own_listeners()?;
        // What handlers own is the application's: it is not dropped under the lock.
        let former = own.clone();
        let changed = change(&mut own);
        drop(own);
        drop(former);
        Some(changed)
    }

    fn add(&self, event: &str, listener: Listener<EventContext>) -> ListenerId {
        let id = listener.id();
        self.listen(|own| own.add(event, listener));
        id
    }
}
