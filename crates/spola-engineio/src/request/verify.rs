use super::{
    query::Query,
    refusal::{Context, Refusal},
};
use crate::{
    config::{Config, Transport},
    revision::Revision,
    server::{BinaryMode, Dialect, PostMark},
    sid::Sid,
};

/// The method of a request, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// OPTIONS. With CORS on, it is answered before [`verify`].
    Options,
    /// Any other.
    Other,
}

/// What [`verify`] needs of a request that belongs to the server's path.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: Method,
    /// The part of the target behind the `?`, not decoded; empty without one.
    pub query: &'a str,
    /// Whether the request asks for an upgrade to WebSocket.
    pub upgrade: bool,
    /// The value of the `Origin` header.
    pub origin: Option<&'a [u8]>,
}

/// What [`verify`] needs of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionStatus {
    /// The transport that the session uses now.
    pub transport: Transport,
    /// Whether a WebSocket may begin an upgrade now.
    pub accepts_upgrade: bool,
    /// The revision of the session, which all of its requests have.
    pub revision: Revision,
}

/// What a request that passed the checks asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verified {
    /// Open a session: over polling, whose first response is the open packet; over a WebSocket, whose
    /// 101 goes out first; or over an event stream, which begins with the open packet.
    Open {
        /// The transport that the session opens on.
        transport: Transport,
        /// How the client writes and reads.
        dialect: Dialect,
    },
    /// A GET of the session: [`handle_poll`](crate::server::Session::handle_poll).
    Poll(Sid),
    /// A POST of the session:
    /// [`handle_post_started`](crate::server::Session::handle_post_started).
    Post(Sid),
    /// A GET for an event stream of the session: [`handle_stream`](crate::server::Session::handle_stream).
    Stream {
        /// The session.
        sid: Sid,
        /// What the query says of the last event that has arrived. The header `Last-Event-ID`, where
        /// there is one, says it better.
        last_event_id: Option<u64>,
    },
    /// A POST of an event stream's client:
    /// [`handle_stream_post_started`](crate::server::Session::handle_stream_post_started).
    StreamPost {
        /// The session.
        sid: Sid,
        /// What the POST says of itself.
        mark: PostMark,
    },
    /// A WebSocket that the session may move to: answer 101, then
    /// [`handle_websocket_opened`](crate::server::Session::handle_websocket_opened).
    Upgrade {
        /// The session.
        sid: Sid,
        /// How binary messages go over the WebSocket.
        binary: BinaryMode,
    },
    /// A WebSocket for a session that has one already or is upgrading to one. The official server
    /// answers 101, then a Close frame without a status; the session is untouched (§3.3).
    SecondWebSocket(Sid),
    /// A method that sessions do not know: answer 500 with an empty body; the session is untouched
    /// (§5.4).
    UnsupportedMethod(Sid),
}

/// Checks a request, in the order of the official server (Engine.IO v4, §3.1). Nothing is allocated.
///
/// `lookup` gives the status of the session with an id, and is called at most once.
///
/// # Errors
/// The request is refused; [`Refusal`] says how to answer.
pub fn verify(
    head: &RequestHead<'_>,
    config: &Config,
    lookup: impl FnOnce(&Sid) -> Option<SessionStatus>,
) -> Result<Verified, Refusal> {
    let query = Query::parse(head.query).map_err(|_| Refusal::new(Context::TooManyParameters))?;
    let transport = query
        .transport()
        .filter(|&transport| config.transports.contains(transport))
        .ok_or(Refusal::new(Context::TransportUnknown))?;
    if head.origin.is_some_and(|origin| !origin.iter().copied().all(is_header_byte)) {
        return Err(Refusal::new(Context::InvalidOrigin));
    }
    let verified = match query.sid() {
        None => verify_opening(head, &query, transport, config),
        Some(Err(_)) => Err(Context::SessionUnknown),
        Some(Ok(sid)) => match lookup(&sid) {
            None => Err(Context::SessionUnknown),
            Some(status) => verify_session(head, &query, transport, sid, status),
        },
    };
    verified.map_err(Refusal::new)
}

fn verify_opening(
    head: &RequestHead<'_>,
    query: &Query<'_>,
    transport: Transport,
    config: &Config,
) -> Result<Verified, Context> {
    if head.method != Method::Get {
        return Err(Context::BadHandshakeMethod(head.method));
    }
    // A polling session by an upgrade request: the official server sends a 101 and hangs up (§3.3).
    if head.upgrade != (transport == Transport::WebSocket) {
        return Err(Context::TransportHandshake);
    }
    let served = config.allow_eio3 && transport != Transport::Sse;
    if query.revision() == Revision::V3 && !served {
        return Err(Context::UnsupportedProtocolVersion);
    }
    let revision = query.revision();
    let dialect = Dialect {
        revision,
        binary: binary_mode(query),
        jsonp: query.jsonp(),
        knows_sse: query.knows_sse(),
    };
    Ok(Verified::Open { transport, dialect })
}

fn verify_session(
    head: &RequestHead<'_>,
    query: &Query<'_>,
    transport: Transport,
    sid: Sid,
    status: SessionStatus,
) -> Result<Verified, Context> {
    let current = status.transport;
    // A session that polls may be about to move: it knows by itself.
    let may_move = transport == Transport::Sse && current == Transport::Polling;
    if !head.upgrade && transport != current && !may_move {
        return Err(Context::TransportMismatch { requested: transport, current });
    }
    if head.upgrade != (transport == Transport::WebSocket) {
        return Err(Context::TransportHandshake);
    }
    if query.revision() != status.revision {
        let (requested, current) = (query.revision(), status.revision);
        return Err(Context::ProtocolMismatch { requested, current });
    }
    Ok(match (head.upgrade, head.method) {
        (true, _) if status.accepts_upgrade => {
            Verified::Upgrade { sid, binary: binary_mode(query) }
        }
        (true, _) => Verified::SecondWebSocket(sid),
        (false, Method::Get) if transport == Transport::Sse => {
            let last_event_id = query.last_event_id().map_err(|_| Context::NotANumber)?;
            Verified::Stream { sid, last_event_id }
        }
        (false, Method::Post) if transport == Transport::Sse => {
            let mark = query.post_mark().map_err(|_| Context::NotANumber)?;
            Verified::StreamPost { sid, mark }
        }
        (false, Method::Get) => Verified::Poll(sid),
        (false, Method::Post) => Verified::Post(sid),
        (false, Method::Options | Method::Other) => Verified::UnsupportedMethod(sid),
    })
}

fn binary_mode(query: &Query<'_>) -> BinaryMode {
    if query.wants_base64() { BinaryMode::Base64 } else { BinaryMode::Native }
}

const fn is_header_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}
