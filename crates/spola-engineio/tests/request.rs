//! The checks before a session, request by request (Engine.IO v4, §§1–3).

use bytestring::ByteString;
use proptest::prelude::*;
use spola_engineio::{
    Config, Revision, Sid, Transport, Transports,
    request::{
        Context, ErrorCode, MAX_PARAMETERS, Method, NotANumber, Query, Refusal, RequestHead,
        SessionStatus, TooManyParameters, UPGRADE_REFUSAL_STATUS, Verified, event_id, verify,
    },
    server::{BinaryMode, Dialect, PostMark},
};

const POLLING: &str = "AAECAwQFBgcICQoLAAAA";
const UPGRADING: &str = "AAECAwQFBgcICQoLAAAB";
const WEBSOCKET: &str = "AAECAwQFBgcICQoLAAAC";
const POLLING_V3: &str = "AAECAwQFBgcICQoLAAAD";
const SSE: &str = "AAECAwQFBgcICQoLAAAE";

/// A request of revision 3 for a session of revision 4.
const MISMATCH: Context =
    Context::ProtocolMismatch { requested: Revision::V3, current: Revision::V4 };

fn sid(text: &str) -> Sid {
    text.parse().expect("an id")
}

fn lookup(id: &Sid) -> Option<SessionStatus> {
    let (transport, accepts_upgrade) = match id.as_str() {
        POLLING => (Transport::Polling, true),
        POLLING_V3 => (Transport::Polling, true),
        UPGRADING => (Transport::Polling, false),
        WEBSOCKET => (Transport::WebSocket, false),
        SSE => (Transport::Sse, false),
        _ => return None,
    };
    let revision = if id.as_str() == POLLING_V3 { Revision::V3 } else { Revision::V4 };
    Some(SessionStatus { transport, accepts_upgrade, revision })
}

fn get(query: &str) -> RequestHead<'_> {
    RequestHead { method: Method::Get, query, upgrade: false, origin: None }
}

fn upgrade(query: &str) -> RequestHead<'_> {
    RequestHead { upgrade: true, ..get(query) }
}

fn check(head: RequestHead<'_>) -> Result<Verified, Refusal> {
    verify(&head, &Config::default(), lookup)
}

#[test]
fn good_requests() {
    let native = BinaryMode::Native;
    let opening = |transport, binary| {
        let dialect = Dialect { binary, ..Dialect::default() };
        Verified::Open { transport, dialect }
    };
    let table = [
        (get("EIO=4&transport=polling"), opening(Transport::Polling, native)),
        (get("EIO=4&transport=polling&t=k3wz81qa&sid="), opening(Transport::Polling, native)),
        (get("EIO=4&transport=polling&b64=0"), opening(Transport::Polling, BinaryMode::Base64)),
        (get("EIO=4&transport=polling&b64="), opening(Transport::Polling, native)),
        (upgrade("EIO=4&transport=websocket"), opening(Transport::WebSocket, native)),
        (upgrade("b64=1&EIO=4&transport=websocket"), {
            opening(Transport::WebSocket, BinaryMode::Base64)
        }),
        // The last value counts.
        (get("EIO=3&EIO=4&transport=xyz&transport=polling"), opening(Transport::Polling, native)),
        (get("EIO=4&transport=polling&sid=nope&sid="), opening(Transport::Polling, native)),
        // Names and values are percent-encoded.
        (get("%45IO=%34&transport=%70olling"), opening(Transport::Polling, native)),
        (get("&&EIO=4&&transport=polling&"), opening(Transport::Polling, native)),
        (get("EIO=4&transport=polling&sid=AAECAwQFBgcICQoLAAAA"), Verified::Poll(sid(POLLING))),
        (get("EIO=4&transport=polling&sid=%41AECAwQFBgcICQoLAAAA"), Verified::Poll(sid(POLLING))),
        (get("EIO=4&transport=polling&sid=AAECAwQFBgcICQoLAAAB"), Verified::Poll(sid(UPGRADING))),
        (
            upgrade("EIO=4&transport=websocket&sid=AAECAwQFBgcICQoLAAAA&b64=1"),
            Verified::Upgrade { sid: sid(POLLING), binary: BinaryMode::Base64 },
        ),
        (upgrade("EIO=4&transport=websocket&sid=AAECAwQFBgcICQoLAAAB"), {
            Verified::SecondWebSocket(sid(UPGRADING))
        }),
        (upgrade("EIO=4&transport=websocket&sid=AAECAwQFBgcICQoLAAAC"), {
            Verified::SecondWebSocket(sid(WEBSOCKET))
        }),
    ];
    for (head, verified) in table {
        assert_eq!(check(head), Ok(verified), "{head:?}");
    }
}

#[test]
fn revision_3_is_served_if_allowed() {
    let mut config = Config::default();
    config.allow_eio3 = true;
    let v3 = Dialect { revision: Revision::V3, ..Dialect::default() };
    let (polling, binary) = (Transport::Polling, BinaryMode::Base64);
    for (head, transport, dialect) in [
        (get("EIO=3&transport=polling"), polling, v3),
        (get("transport=polling"), polling, v3),
        (get("EIO=04&transport=polling"), polling, v3),
        (get("EIO=4&transport=polling"), polling, Dialect::default()),
        (get("EIO=3&transport=polling&b64=1"), polling, Dialect { binary, ..v3 }),
        (get("EIO=3&transport=polling&b64=1&j=0"), polling, {
            Dialect { binary, jsonp: Some(0), ..v3 }
        }),
        (get("EIO=3&transport=polling&j=1%3b2x"), polling, Dialect { jsonp: Some(12), ..v3 }),
        (get("EIO=3&transport=polling&j="), polling, Dialect { jsonp: Some(0), ..v3 }),
        (get("EIO=3&transport=polling&j=99999999999999999999999"), polling, {
            Dialect { jsonp: Some(u32::MAX), ..v3 }
        }),
        (get("EIO=4&transport=polling&j=3"), polling, {
            Dialect { jsonp: Some(3), ..Dialect::default() }
        }),
        (upgrade("EIO=3&transport=websocket"), Transport::WebSocket, v3),
    ] {
        let verified = Verified::Open { transport, dialect };
        assert_eq!(verify(&head, &config, lookup), Ok(verified), "{head:?}");
    }
    for allow_eio3 in [false, true] {
        config.allow_eio3 = allow_eio3;
        let same = get("EIO=3&transport=polling&sid=AAECAwQFBgcICQoLAAAD");
        assert_eq!(verify(&same, &config, lookup), Ok(Verified::Poll(sid(POLLING_V3))));
        let (v3, v4) = (Revision::V3, Revision::V4);
        for (other, requested, current) in [
            ("EIO=4&transport=polling&sid=AAECAwQFBgcICQoLAAAD", v4, v3),
            ("EIO=3&transport=polling&sid=AAECAwQFBgcICQoLAAAA", v3, v4),
        ] {
            let mismatch = Refusal::new(Context::ProtocolMismatch { requested, current });
            assert_eq!(verify(&get(other), &config, lookup), Err(mismatch), "{other}");
        }
    }
}

#[test]
fn methods_of_a_session() {
    let polling = sid(POLLING);
    for (method, verified) in [
        (Method::Get, Verified::Poll(polling)),
        (Method::Post, Verified::Post(polling)),
        (Method::Options, Verified::UnsupportedMethod(polling)),
        (Method::Other, Verified::UnsupportedMethod(polling)),
    ] {
        let query = "EIO=4&transport=polling&sid=AAECAwQFBgcICQoLAAAA";
        assert_eq!(check(RequestHead { method, ..get(query) }), Ok(verified));
    }
}

#[test]
fn refused_requests() {
    let other = |head, method| RequestHead { method, ..head };
    let with_origin = |origin: &'static [u8]| RequestHead {
        origin: Some(origin),
        ..get("EIO=4&transport=polling")
    };
    let table = [
        (get(""), Context::TransportUnknown),
        (get("EIO=4"), Context::TransportUnknown),
        (get("EIO=4&transport="), Context::TransportUnknown),
        (get("EIO=4&transport=xyz"), Context::TransportUnknown),
        (get("EIO=4&transport=Polling"), Context::TransportUnknown),
        (get("EIO=4&transport=webtransport"), Context::TransportUnknown),
        (get("EIO=4&transport=polling&transport=xyz"), Context::TransportUnknown),
        // The transport comes before all else, a bad id included.
        (get("EIO=4&transport=xyz&sid=nope"), Context::TransportUnknown),
        (with_origin(b"http://a\x01"), Context::InvalidOrigin),
        (with_origin(b"http://a\x7f"), Context::InvalidOrigin),
        (get("EIO=4&transport=polling&sid=nope"), Context::SessionUnknown),
        (get("EIO=4&transport=polling&sid=__proto__"), Context::SessionUnknown),
        (get("EIO=4&transport=polling&sid=BBBBBBBBBBBBBBBBBBBB"), Context::SessionUnknown),
        (get("EIO=4&transport=polling&sid=AAECAwQFBgcICQoLAAAA1"), Context::SessionUnknown),
        (get("EIO=4&transport=polling&sid=AAECAwQFBgcICQoLAA%00A"), Context::SessionUnknown),
        (get("EIO=4&transport=polling&sid=AAECAwQFBgcICQoL+AAA"), Context::SessionUnknown),
        (upgrade("EIO=4&transport=websocket&sid=nope"), Context::SessionUnknown),
        // An unknown id comes before an unknown revision.
        (get("EIO=3&transport=polling&sid=nope"), Context::SessionUnknown),
        (
            get("EIO=4&transport=polling&sid=AAECAwQFBgcICQoLAAAC"),
            Context::TransportMismatch {
                requested: Transport::Polling,
                current: Transport::WebSocket,
            },
        ),
        (
            get("EIO=4&transport=websocket&sid=AAECAwQFBgcICQoLAAAA"),
            Context::TransportMismatch {
                requested: Transport::WebSocket,
                current: Transport::Polling,
            },
        ),
        (get("EIO=4&transport=websocket&sid=AAECAwQFBgcICQoLAAAC"), Context::TransportHandshake),
        (upgrade("EIO=4&transport=polling&sid=AAECAwQFBgcICQoLAAAA"), Context::TransportHandshake),
        (get("EIO=3&transport=polling&sid=AAECAwQFBgcICQoLAAAA"), MISMATCH),
        (get("transport=polling&sid=AAECAwQFBgcICQoLAAAA"), MISMATCH),
        (upgrade("EIO=3&transport=websocket&sid=AAECAwQFBgcICQoLAAAA"), MISMATCH),
        (other(get("EIO=4&transport=polling"), Method::Post), {
            Context::BadHandshakeMethod(Method::Post)
        }),
        (other(get("EIO=4&transport=polling"), Method::Options), {
            Context::BadHandshakeMethod(Method::Options)
        }),
        (other(get("EIO=3&transport=websocket"), Method::Other), {
            Context::BadHandshakeMethod(Method::Other)
        }),
        (get("EIO=4&transport=websocket"), Context::TransportHandshake),
        (upgrade("EIO=4&transport=polling"), Context::TransportHandshake),
        (get("EIO=3&transport=websocket"), Context::TransportHandshake),
        (get("EIO=3&transport=polling"), Context::UnsupportedProtocolVersion),
        (get("transport=polling"), Context::UnsupportedProtocolVersion),
        (get("EIO=04&transport=polling"), Context::UnsupportedProtocolVersion),
        (get("EIO=4%20&transport=polling"), Context::UnsupportedProtocolVersion),
        (get("EIO=%&transport=polling"), Context::UnsupportedProtocolVersion),
        (upgrade("EIO=3&transport=websocket"), Context::UnsupportedProtocolVersion),
    ];
    for (head, context) in table {
        assert_eq!(check(head), Err(Refusal::new(context)), "{head:?}");
    }
}

#[test]
fn origin_of_ordinary_characters_is_admitted() {
    for origin in ["http://a.example", "null", "", "caf\u{e9}", "a\tb"] {
        let head =
            RequestHead { origin: Some(origin.as_bytes()), ..get("EIO=4&transport=polling") };
        assert!(check(head).is_ok(), "{origin}");
    }
}

#[test]
fn transports_that_are_not_offered_are_unknown() {
    let mut config = Config::default();
    for (transports, head) in [
        (Transports::WEBSOCKET, get("EIO=4&transport=polling")),
        (Transports::POLLING, upgrade("EIO=4&transport=websocket")),
    ] {
        config.transports = transports;
        let refusal = verify(&head, &config, lookup).unwrap_err();
        assert_eq!(refusal.code(), ErrorCode::TransportUnknown);
    }
}

fn check_sse(head: RequestHead<'_>) -> Result<Verified, Context> {
    let mut config = Config::default();
    config.transports.sse = true;
    verify(&head, &config, lookup).map_err(|refusal| refusal.context())
}

fn sse(id: &str, parameters: &str) -> String {
    format!("EIO=4&transport=sse&sid={id}{parameters}")
}

#[test]
fn event_streams_are_unknown_unless_offered() {
    let refusal = check(get("EIO=4&transport=sse")).unwrap_err();
    assert_eq!(refusal.context(), Context::TransportUnknown);
    let open = |transport, knows_sse| {
        Ok(Verified::Open { transport, dialect: Dialect { knows_sse, ..Dialect::default() } })
    };
    for (query, verified) in [
        ("EIO=4&transport=sse", open(Transport::Sse, false)),
        ("EIO=4&transport=polling&sse=1", open(Transport::Polling, true)),
        ("EIO=4&transport=polling&sse=", open(Transport::Polling, false)),
        ("EIO=3&transport=sse", Err(Context::UnsupportedProtocolVersion)),
    ] {
        assert_eq!(check_sse(get(query)), verified, "{query}");
    }
    assert_eq!(check_sse(upgrade("EIO=4&transport=sse")), Err(Context::TransportHandshake));
}

#[test]
fn streams_of_a_session() {
    let stream = |id, last_event_id| Ok(Verified::Stream { sid: sid(id), last_event_id });
    for (query, verified) in [
        (sse(SSE, ""), stream(SSE, None)),
        (sse(SSE, "&lastEventId="), stream(SSE, None)),
        (sse(SSE, "&lastEventId=17"), stream(SSE, Some(17))),
        (sse(SSE, "&lastEventId=18446744073709551615"), stream(SSE, Some(u64::MAX))),
        (sse(SSE, "&lastEventId=18446744073709551616"), Err(Context::NotANumber)),
        (sse(SSE, "&lastEventId=-1"), Err(Context::NotANumber)),
        (sse(SSE, "&lastEventId=+1"), Err(Context::NotANumber)),
        (sse(SSE, "&lastEventId=x"), Err(Context::NotANumber)),
        // What polls may upgrade: the session says whether it does.
        (sse(POLLING, ""), stream(POLLING, None)),
        (sse(UPGRADING, ""), stream(UPGRADING, None)),
        (sse(WEBSOCKET, ""), {
            let (requested, current) = (Transport::Sse, Transport::WebSocket);
            Err(Context::TransportMismatch { requested, current })
        }),
        (format!("EIO=4&transport=polling&sid={SSE}"), {
            let (requested, current) = (Transport::Polling, Transport::Sse);
            Err(Context::TransportMismatch { requested, current })
        }),
    ] {
        assert_eq!(check_sse(get(&query)), verified, "{query}");
    }
}

#[test]
fn posts_of_an_event_streams_client() {
    let post = |seq, ack| Ok(Verified::StreamPost { sid: sid(SSE), mark: PostMark { seq, ack } });
    for (parameters, verified) in [
        ("", post(None, None)),
        ("&seq=1&ack=0", post(Some(1), Some(0))),
        ("&ack=3", post(None, Some(3))),
        ("&seq=1x", Err(Context::NotANumber)),
        ("&ack=%31", Err(Context::NotANumber)),
    ] {
        let query = sse(SSE, parameters);
        let head = RequestHead { method: Method::Post, ..get(&query) };
        assert_eq!(check_sse(head), verified, "{query}");
    }
}

#[test]
fn event_ids_are_decimal_digits() {
    for (value, number) in [(&b"0"[..], Some(0)), (b"42", Some(42)), (b"007", Some(7))] {
        assert_eq!(event_id(value).ok(), number);
    }
    for value in [&b""[..], b" 1", b"1 ", b"+1", b"1e3", b"\xff", b"99999999999999999999"] {
        assert_eq!(event_id(value), Err(NotANumber), "{value:?}");
    }
}

#[test]
fn query_has_so_many_parameters_and_no_more() {
    let mut query = String::from("EIO=4&transport=polling");
    query.push_str(&"&x=1".repeat(MAX_PARAMETERS - 2));
    assert!(check(get(&query)).is_ok());
    query.push_str("&x");
    assert_eq!(Query::parse(&query).unwrap_err(), TooManyParameters);
    let refusal = check(get(&query)).unwrap_err();
    assert_eq!(refusal.context(), Context::TooManyParameters);
    assert_eq!(refusal.code(), ErrorCode::BadRequest);
}

#[test]
fn error_table() {
    let table = [
        (Context::TransportUnknown, 0, "Transport unknown", 400),
        (Context::SessionUnknown, 1, "Session ID unknown", 400),
        (Context::BadHandshakeMethod(Method::Post), 2, "Bad handshake method", 400),
        (MISMATCH, 3, "Bad request", 400),
        (Context::Middleware, 3, "Bad request", 400),
        (Context::IdGeneration, 3, "Bad request", 400),
        (Context::Forbidden, 4, "Forbidden", 403),
        (Context::OriginNotAllowed, 4, "Forbidden", 403),
        (Context::UnsupportedProtocolVersion, 5, "Unsupported protocol version", 400),
    ];
    for (context, code, message, status) in table {
        let refusal = Refusal::new(context);
        assert_eq!(refusal.code().as_u8(), code);
        assert_eq!(refusal.message(), message);
        assert_eq!(refusal.to_string(), message);
        assert_eq!(refusal.status(), status);
        let body = format!(r#"{{"code":{code},"message":"{message}"}}"#);
        assert_eq!(refusal.json_body(), body);
        assert_eq!(refusal.code().json_body(), body);
    }
    assert_eq!(UPGRADE_REFUSAL_STATUS, 400);
    let mismatch =
        Context::TransportMismatch { requested: Transport::Polling, current: Transport::WebSocket };
    assert_eq!(mismatch.name(), "TRANSPORT_MISMATCH");
}

#[test]
fn application_refuses_in_its_own_words() {
    let refusal = Refusal::forbidden(ByteString::from_static("say \"please\"\\\n\u{1f}é"));
    assert_eq!((refusal.code(), refusal.status()), (ErrorCode::Forbidden, 403));
    let body = "{\"code\":4,\"message\":\"say \\\"please\\\"\\\\\\u000a\\u001fé\"}";
    assert_eq!(refusal.json_body(), body);
}

proptest! {
    #[test]
    fn any_query_is_answered(
        query in "([&=%+]|EIO|transport|polling|websocket|sid|b64|j|4|%34|AAECAwQFBgcICQoLAAAA|\\PC){0,30}",
        upgrade: bool,
        post: bool,
    ) {
        let method = if post { Method::Post } else { Method::Get };
        let _ = check(RequestHead { method, query: &query, upgrade, origin: None });
    }

    #[test]
    fn an_encoded_id_is_the_id(bytes: [u8; 15], encoded: [bool; 20]) {
        let sid = Sid::from_bytes(bytes);
        let value: String = sid.as_str().bytes().zip(encoded).map(|(byte, encode)| {
            if encode { format!("%{byte:02x}") } else { char::from(byte).to_string() }
        }).collect();
        let query = format!("sid={value}");
        prop_assert_eq!(Query::parse(&query).map(|query| query.sid()), Ok(Some(Ok(sid))));
    }
}
