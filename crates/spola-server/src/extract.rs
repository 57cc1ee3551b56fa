//! Extractors: what a handler may ask for by naming it as an argument.

use std::any::type_name;
use std::sync::Arc;

use bytestring::ByteString;
use serde::de::DeserializeOwned;
use spola_socketio::server::DisconnectReason;
use spola_socketio_packet as packet;

use crate::ack::Ack;
use crate::context::{
    DisconnectContext, ErrorContext, EventContext, HasClient, HasEvent, HasSocket, LookupContext,
};
use crate::extensions::States;
use crate::handler::Situation;
use crate::handshake::Handshake;
use crate::namespace::Namespace;
use crate::packet_error::PacketError;
use crate::refusal::Refusal;
use crate::socket::Socket;

/// A value that a handler in the situation `C` may take as an argument.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be extracted here",
    note = "everywhere: `Socket`, `Namespace`, `State<T>`, `Auth<T>`, `Arc<Handshake>`; \
            for events also `Data<T>`, `RawData`, `EventName` and, to answer, `Ack`; for disconnects also `DisconnectReason`; \
            for errors also `PacketError`"
)]
pub trait Extract<C: Situation>: Sized {
    /// Takes the value out of the context. The error goes to the client, as [`Refusal`] says.
    fn extract(context: &C) -> Result<Self, Refusal>;

    /// Checks, when the handler is registered, that the server has the state this needs.
    #[doc(hidden)]
    fn check(_states: &States) -> Result<(), MissingState> {
        Ok(())
    }
}

/// A handler asks for a state that the server was not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a handler asks for State<{0}>, which the server was not given: call `.state(…)` on the builder"
)]
pub struct MissingState(pub(crate) &'static str);

/// The arguments of an event, as `T`: a tuple takes several, anything else the first; missing ones
/// are null. `Bytes` fields take binary attachments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<T>(pub T);

/// What the client gave as `auth`, as `T`; an empty object if it gave none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auth<T>(pub T);

/// A clone of the application's state of type `T`, which the builder was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State<T>(pub T);

/// The name of the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventName(pub ByteString);

/// The name of the namespace that a client asks for, with its slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceName(pub ByteString);

impl<C: HasSocket> Extract<C> for Socket {
    fn extract(context: &C) -> Result<Self, Refusal> {
        Ok(context.socket().clone())
    }
}

impl<C: HasSocket> Extract<C> for Namespace {
    fn extract(context: &C) -> Result<Self, Refusal> {
        Ok(context.socket().namespace().clone())
    }
}

impl<C: HasClient> Extract<C> for Arc<Handshake> {
    fn extract(context: &C) -> Result<Self, Refusal> {
        Ok(Self::clone(context.handshake()))
    }
}

impl<C: HasClient, T: Clone + Send + Sync + 'static> Extract<C> for State<T> {
    fn extract(context: &C) -> Result<Self, Refusal> {
        let state = context.states().get();
        state.map(Self).ok_or_else(|| Refusal::new("internal error"))
    }

    fn check(states: &States) -> Result<(), MissingState> {
        if states.contains::<T>() { Ok(()) } else { Err(MissingState(type_name::<T>())) }
    }
}

impl<C: HasClient, T: DeserializeOwned> Extract<C> for Auth<T> {
    fn extract(context: &C) -> Result<Self, Refusal> {
        let auth = serde_json::from_str(context.auth().unwrap_or("{}"));
        auth.map(Self).map_err(|error| Refusal::new(format!("unfit auth: {error}")))
    }
}

impl<C: HasEvent, T: DeserializeOwned> Extract<C> for Data<T> {
    fn extract(context: &C) -> Result<Self, Refusal> {
        Ok(Self(context.event().extract()?))
    }
}

impl<C: HasEvent> Extract<C> for packet::Data {
    fn extract(context: &C) -> Result<Self, Refusal> {
        Ok(context.event().clone())
    }
}

impl<C: HasEvent> Extract<C> for EventName {
    fn extract(context: &C) -> Result<Self, Refusal> {
        Ok(Self(ByteString::from(context.event().event_name().unwrap_or_default().into_owned())))
    }
}

impl Extract<EventContext> for Ack {
    fn extract(context: &EventContext) -> Result<Self, Refusal> {
        Ok(context.ack.clone())
    }
}

impl Extract<LookupContext> for NamespaceName {
    fn extract(context: &LookupContext) -> Result<Self, Refusal> {
        Ok(Self(context.name.clone().into_inner()))
    }
}

impl Extract<DisconnectContext> for DisconnectReason {
    fn extract(context: &DisconnectContext) -> Result<Self, Refusal> {
        Ok(context.reason)
    }
}

impl Extract<ErrorContext> for PacketError {
    fn extract(context: &ErrorContext) -> Result<Self, Refusal> {
        Ok(context.error)
    }
}
