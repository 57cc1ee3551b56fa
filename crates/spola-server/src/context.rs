//! What a handler's arguments are extracted from.

use std::fmt;
use std::sync::Arc;

use bytestring::ByteString;
use spola_socketio::server::DisconnectReason;
use spola_socketio_packet as packet;

use crate::ack::Ack;
use crate::extensions::States;
use crate::handler::Situation;
use crate::handshake::Handshake;
use crate::packet_error::PacketError;
use crate::session::SessionHandle;
use crate::socket::Socket;

/// An event arrived.
#[derive(Clone, Debug)]
pub struct EventContext {
    pub(crate) socket: Socket,
    pub(crate) data: packet::Data,
    pub(crate) ack: Ack,
}

/// An event arrived, and is about to reach its listeners.
#[derive(Clone, Debug)]
pub struct IncomingContext {
    pub(crate) socket: Socket,
    pub(crate) data: packet::Data,
}

/// An event is about to be sent.
#[derive(Clone, Debug)]
pub struct OutgoingContext {
    pub(crate) socket: Socket,
    pub(crate) data: packet::Data,
}

/// A client asks to be let into a namespace, or has just been.
#[derive(Clone, Debug)]
pub struct ConnectContext {
    pub(crate) socket: Socket,
}

/// A client asks for a namespace that is there for nobody yet, or is a dynamic one.
#[derive(Clone)]
pub struct LookupContext {
    pub(crate) name: packet::Namespace,
    pub(crate) auth: Option<ByteString>,
    pub(crate) session: Arc<SessionHandle>,
    pub(crate) states: Arc<States>,
}

impl fmt::Debug for LookupContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookupContext").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A socket leaves, or has left.
#[derive(Clone, Debug)]
pub struct DisconnectContext {
    pub(crate) socket: Socket,
    pub(crate) reason: DisconnectReason,
}

/// A client sent what costs it its connection.
#[derive(Clone, Debug)]
pub struct ErrorContext {
    pub(crate) socket: Socket,
    pub(crate) error: PacketError,
}

/// A situation that is about a socket.
#[diagnostic::on_unimplemented(
    message = "there is no socket yet in this situation (`{Self}`)",
    note = "who decides on a namespace's name may take `NamespaceName`, `Auth<T>`, `Arc<Handshake>`, `State<T>`"
)]
pub trait HasSocket: Situation {
    /// The socket that it is about.
    fn socket(&self) -> &Socket;
}

/// A situation that is about an event.
#[diagnostic::on_unimplemented(
    message = "there is no event in this situation (`{Self}`)",
    note = "`Data<T>`, `RawData` and `EventName` are for handlers of events"
)]
pub trait HasEvent: Situation {
    /// The event's name and arguments.
    fn event(&self) -> &packet::Data;
}

/// A situation that is about a client, as each is.
pub trait HasClient: Situation {
    /// The request that opened its session.
    fn handshake(&self) -> &Arc<Handshake>;

    /// What the client gave as `auth`, as JSON.
    fn auth(&self) -> Option<&str>;

    /// The application's states.
    #[doc(hidden)]
    fn states(&self) -> &States;
}

macro_rules! has_socket {
    ($($context:ty),*) => {$(
        impl HasSocket for $context {
            fn socket(&self) -> &Socket {
                &self.socket
            }
        }
    )*};
}

has_socket!(
    EventContext,
    IncomingContext,
    OutgoingContext,
    ConnectContext,
    DisconnectContext,
    ErrorContext
);

macro_rules! has_event {
    ($($context:ty),*) => {$(
        impl HasEvent for $context {
            fn event(&self) -> &packet::Data {
                &self.data
            }
        }
    )*};
}

has_event!(EventContext, IncomingContext, OutgoingContext);

impl<C: HasSocket> HasClient for C {
    fn handshake(&self) -> &Arc<Handshake> {
        self.socket().handshake()
    }

    fn auth(&self) -> Option<&str> {
        self.socket().auth()
    }

    fn states(&self) -> &States {
        self.socket().namespace().states()
    }
}

impl HasClient for LookupContext {
    fn handshake(&self) -> &Arc<Handshake> {
        self.session.handshake()
    }

    fn auth(&self) -> Option<&str> {
        self.auth.as_deref()
    }

    fn states(&self) -> &States {
        &self.states
    }
}
