//! Requests that touch no session: why, and how they are answered (§3.2).

use http::{Request, Response};
use spola_engineio::request::{Context, Refusal};
use spola_websocket::handshake::server::Rejection;

use crate::hooks::Hooks;
use crate::reject_reason::RejectReason;
use crate::response::{Body, refused, rejected, unavailable};
use crate::sessions::NotOpened;

/// Why a request is not answered by a session.
pub(crate) enum Denial {
    /// By the rules of Engine.IO, or by the application.
    Refused(Refusal),
    /// It is no sound request for a WebSocket.
    Rejected(Rejection),
    /// The server takes no more sessions now.
    Unavailable(NotOpened),
    /// The HTTP server below cannot hand its connection over.
    NoUpgrade,
}

impl Denial {
    /// Why, as it is counted.
    pub(crate) fn reason(&self) -> Option<RejectReason> {
        match self {
            Self::Refused(refusal) => Some(refusal.into()),
            Self::Rejected(rejection) => Some((*rejection).into()),
            Self::Unavailable(NotOpened::Closing) => Some(RejectReason::ShuttingDown),
            Self::Unavailable(NotOpened::Full | NotOpened::Taken) => {
                Some(RejectReason::MaxSessions)
            }
            Self::NoUpgrade => None,
        }
    }

    pub(crate) fn report(&self, hooks: &Hooks, request: &Request<()>) {
        match self {
            Self::Refused(refusal) => hooks.report(request, refusal),
            Self::Rejected(_) => hooks.report(request, &Refusal::new(Context::TransportHandshake)),
            Self::Unavailable(_) | Self::NoUpgrade => {}
        }
    }

    /// The answer; `upgrade` says whether the request asks for a WebSocket.
    pub(crate) fn to_response(&self, upgrade: bool) -> Response<Body> {
        match self {
            Self::Refused(refusal) => refused(refusal, upgrade),
            Self::Rejected(rejection) => rejected(*rejection),
            Self::Unavailable(NotOpened::Closing) => unavailable("the server is shutting down"),
            Self::Unavailable(NotOpened::Full | NotOpened::Taken) => {
                unavailable("the server is full")
            }
            Self::NoUpgrade => {
                tracing::error!(
                    "the HTTP server offers no upgrade: it must put `OnUpgrade` into the request"
                );
                crate::response::empty(http::StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

impl From<Refusal> for Denial {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Rejection> for Denial {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<NotOpened> for Denial {
    fn from(reason: NotOpened) -> Self {
        match reason {
            NotOpened::Closing | NotOpened::Full => Self::Unavailable(reason),
            NotOpened::Taken => Self::Refused(Refusal::new(Context::IdGeneration)),
        }
    }
}
