//! What handlers return.

use serde::Serialize;
use spola_socketio_packet::Data;

use crate::context::EventContext;
use crate::handler::{Admission, EventOutcome};
use crate::refusal::Refusal;
use crate::socket::Socket;

/// Answers the client's acknowledgement with `T`: a tuple is several arguments, `()` none, anything
/// else one. Where the client asked for no acknowledgement, the value is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<T>(pub T);

/// The encoded arguments of an answer.
#[derive(Clone, Debug)]
pub struct ReplyBody(pub(crate) Data);

impl ReplyBody {
    pub(crate) fn encode(arguments: &impl Serialize) -> Result<Self, Refusal> {
        match Data::ack(arguments) {
            Ok(data) => Ok(Self(data)),
            Err(error) => {
                tracing::error!(%error, "an answer could not be encoded");
                Err(Refusal::new("internal error"))
            }
        }
    }

    /// The answer that tells of a refusal.
    pub(crate) fn refusal(refusal: &Refusal) -> Option<Self> {
        #[derive(Serialize)]
        struct Body<'a> {
            error: &'a Refusal,
        }
        Self::encode(&Body { error: refusal }).ok()
    }
}

/// What an event handler may return.
#[diagnostic::on_unimplemented(
    message = "an event handler cannot return `{Self}`",
    note = "it returns nothing, `Reply(value)`, or a `Result` of these with an error that is `Into<Refusal>`"
)]
pub trait IntoReply {
    /// Turns the value into the answer, or the refusal.
    #[doc(hidden)]
    fn into_reply(self) -> EventOutcome;
}

impl IntoReply for () {
    fn into_reply(self) -> EventOutcome {
        Ok(None)
    }
}

impl<T: Serialize> IntoReply for Reply<T> {
    fn into_reply(self) -> EventOutcome {
        ReplyBody::encode(&self.0).map(Some)
    }
}

impl<R: IntoReply, E: Into<Refusal>> IntoReply for Result<R, E> {
    fn into_reply(self) -> EventOutcome {
        self.map_err(Into::into)?.into_reply()
    }
}

/// What a middleware or connect handler may return.
#[diagnostic::on_unimplemented(
    message = "a middleware or connect handler cannot return `{Self}`",
    note = "it returns nothing, or a `Result<(), _>` with an error that is `Into<Refusal>`"
)]
pub trait IntoAdmission {
    /// Turns the value into an admission.
    #[doc(hidden)]
    fn into_admission(self) -> Admission;
}

impl IntoAdmission for () {
    fn into_admission(self) -> Admission {
        Ok(())
    }
}

impl<E: Into<Refusal>> IntoAdmission for Result<(), E> {
    fn into_admission(self) -> Admission {
        self.map_err(Into::into)
    }
}

/// Answers an event, or tells why not.
pub(crate) fn conclude(context: &EventContext, outcome: EventOutcome) {
    let EventContext { socket, data, ack } = context;
    match outcome {
        Ok(None) => {}
        Ok(Some(body)) => ack.send_encoded(body),
        Err(refusal) if ack.is_awaited() => {
            if let Some(body) = ReplyBody::refusal(&refusal) {
                ack.send_encoded(body);
            }
        }
        Err(refusal) => report(socket, data, &refusal),
    }
}

/// Sends a refusal as the event `error`, where the client asked for no answer or has one.
fn report(socket: &Socket, event: &Data, refusal: &Refusal) {
    #[derive(Serialize)]
    struct Report<'a> {
        event: &'a str,
        #[serde(flatten)]
        refusal: &'a Refusal,
    }
    let name = event.event_name().unwrap_or_default();
    // A client that has left needs no report.
    let _ = socket.emit("error", Report { event: &name, refusal });
}
