use ::http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use proptest::prelude::*;

use super::{client, server};
use crate::handshake::{
    HeaderError, MAX_HEADERS,
    client::HandshakeError,
    server::{MAX_TARGET_LEN, Rejection},
};

fn nonce(buf: &mut [u8]) {
    buf.copy_from_slice(b"the sample nonce");
}

fn request(uri: &str) -> client::Request {
    client::Request::new(&uri.parse().unwrap()).unwrap()
}

fn upgrade() -> Request<()> {
    let request = request("ws://server.example.com/chat").protocol("chat").unwrap();
    request.protocol("superchat").unwrap().start(&mut nonce).0
}

fn connect() -> Request<()> {
    request("wss://server.example.com/chat").protocol("chat").unwrap().start_connect().0
}

fn changed<M>(mut message: M, change: impl FnOnce(&mut M)) -> M {
    change(&mut message);
    message
}

fn value(headers: &::http::HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| value.to_str().unwrap().to_owned())
}

fn checked(request: &Request<()>) -> Result<(), Rejection> {
    let protocol = (request.version() >= Version::HTTP_2).then_some("websocket");
    server::check(request, protocol).map(|_| ())
}

#[test]
fn an_upgrade_is_asked_for_and_answered_as_in_the_example_of_the_rfc() {
    let (request, handshake) =
        request("ws://server.example.com/chat?x=1").protocol("chat").unwrap().start(&mut nonce);
    assert_eq!((request.method(), request.version()), (&Method::GET, Version::HTTP_11));
    assert_eq!(request.uri(), "/chat?x=1");
    for (name, expected) in [
        ("host", "server.example.com"),
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "chat"),
    ] {
        assert_eq!(value(request.headers(), name).as_deref(), Some(expected), "{name}");
    }
    let found = server::check(&request, None).unwrap();
    assert_eq!(found.protocols, ["chat"]);
    let response = found.accept().protocol("chat").unwrap().into_response();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    for (name, expected) in [
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("sec-websocket-protocol", "chat"),
    ] {
        assert_eq!(value(response.headers(), name).as_deref(), Some(expected), "{name}");
    }
    assert_eq!(handshake.check(&response).unwrap().protocol, Some("chat"));
}

#[test]
fn an_extended_connect_needs_no_key_and_is_answered_with_200() {
    let (request, handshake) =
        request("wss://server.example.com/chat?x=1").protocol("chat").unwrap().start_connect();
    assert_eq!((request.method(), request.version()), (&Method::CONNECT, Version::HTTP_2));
    assert_eq!(request.uri(), "https://server.example.com/chat?x=1");
    let names: Vec<_> = request.headers().keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["sec-websocket-version", "sec-websocket-protocol"]);
    let found = server::check(&request, Some("websocket")).unwrap();
    let response = found.accept().protocol("chat").unwrap().into_response();
    assert_eq!(response.status(), StatusCode::OK);
    let names: Vec<_> = response.headers().keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["sec-websocket-protocol"]);
    assert_eq!(handshake.check(&response).unwrap().protocol, Some("chat"));
}

#[test]
fn uris_become_hosts_and_targets() {
    for (uri, host, target, absolute) in [
        ("ws://h", "h", "/", "http://h/"),
        ("ws://h:80/a", "h", "/a", "http://h/a"),
        ("wss://h:80/a", "h:80", "/a", "https://h:80/a"),
        ("https://h:443/a?b", "h", "/a?b", "https://h/a?b"),
        ("ws://h?b", "h", "/?b", "http://h/?b"),
        ("ws://[::1]:9/", "[::1]:9", "/", "http://[::1]:9/"),
        ("ws://user:secret@h/", "h", "/", "http://h/"),
    ] {
        let (upgrade, _) = request(uri).start(&mut nonce);
        assert_eq!(value(upgrade.headers(), "host").as_deref(), Some(host), "{uri}");
        assert_eq!(upgrade.uri(), target, "{uri}");
        assert_eq!(request(uri).start_connect().0.uri(), absolute, "{uri}");
    }
    for uri in ["/chat", "h:1", "ftp://h/", "*"] {
        let refused = client::Request::new(&uri.parse().unwrap()).err();
        assert_eq!(refused, Some(HeaderError::InvalidValue), "{uri}");
    }
    assert_eq!(request("ws://h").protocol("a, b").err(), Some(HeaderError::InvalidName));
    assert_eq!(request("ws://h").protocol("a\r\nb").err(), Some(HeaderError::InvalidName));
}

#[test]
fn unsound_requests_are_rejected_with_their_reason() {
    let set = |name: &'static str, value: &'static str| {
        move |request: &mut Request<()>| {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    };
    let unset = |name: &'static str| {
        move |request: &mut Request<()>| {
            request.headers_mut().remove(name);
        }
    };
    let long = format!("/{}", "x".repeat(MAX_TARGET_LEN));
    for (name, request, expected) in [
        ("method", changed(upgrade(), |r| *r.method_mut() = Method::POST), Rejection::Method),
        (
            "version",
            changed(upgrade(), |r| *r.version_mut() = Version::HTTP_10),
            Rejection::HttpVersion,
        ),
        ("host", changed(upgrade(), unset("host")), Rejection::Host),
        ("key", changed(upgrade(), unset("sec-websocket-key")), Rejection::Key),
        ("upgrade", changed(upgrade(), set("upgrade", "h2c")), Rejection::Upgrade),
        (
            "target",
            changed(upgrade(), |r| *r.uri_mut() = long.parse().unwrap()),
            Rejection::TargetTooLong,
        ),
        (
            "GET over HTTP/2",
            changed(connect(), |r| *r.method_mut() = Method::GET),
            Rejection::Connect,
        ),
        (
            "upgrade over HTTP/2",
            changed(upgrade(), |r| *r.version_mut() = Version::HTTP_2),
            Rejection::Connect,
        ),
        (
            "no scheme",
            changed(connect(), |r| *r.uri_mut() = "server.example.com:443".parse().unwrap()),
            Rejection::Malformed,
        ),
        ("connection", changed(connect(), set("connection", "upgrade")), Rejection::Malformed),
        ("upgrade", changed(connect(), set("upgrade", "websocket")), Rejection::Malformed),
        ("chunked", changed(connect(), set("transfer-encoding", "chunked")), Rejection::Malformed),
        ("body", changed(connect(), set("content-length", "1")), Rejection::Body),
        (
            "no version",
            changed(connect(), unset("sec-websocket-version")),
            Rejection::WebSocketVersion,
        ),
        (
            "version 8",
            changed(connect(), set("sec-websocket-version", "8")),
            Rejection::WebSocketVersion,
        ),
        (
            "protocols",
            changed(connect(), set("sec-websocket-protocol", "a, a")),
            Rejection::Protocols,
        ),
        (
            "extensions",
            changed(connect(), set("sec-websocket-extensions", "a;")),
            Rejection::Extensions,
        ),
    ] {
        assert_eq!(checked(&request), Err(expected), "{name}");
    }
    for request in [upgrade(), connect()] {
        assert_eq!(checked(&request), Ok(()));
        let crowded = changed(request, |request| {
            while request.headers().len() <= MAX_HEADERS {
                request.headers_mut().append("x", HeaderValue::from_static("y"));
            }
        });
        assert_eq!(checked(&crowded), Err(Rejection::TooManyHeaders));
    }
    let rejected = |protocol| server::check(&connect(), protocol).err();
    assert_eq!(rejected(None), Some(Rejection::Connect));
    assert_eq!(rejected(Some("connect-udp")), Some(Rejection::ConnectProtocol));
}

#[test]
fn rejections_are_responses_that_fit_the_version() {
    let told = |rejection: Rejection, version| {
        let response = rejection.to_response(version);
        let (status, headers) = (response.status().as_u16(), response.headers());
        let names: Vec<_> = headers
            .iter()
            .filter(|(name, _)| *name != "content-type")
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        (status, names.join(", "))
    };
    for (rejection, version, status, headers) in [
        (Rejection::Key, Version::HTTP_11, 400, ""),
        (Rejection::Method, Version::HTTP_11, 405, "allow: GET"),
        (Rejection::Upgrade, Version::HTTP_11, 426, "upgrade: websocket, connection: Upgrade"),
        (
            Rejection::WebSocketVersion,
            Version::HTTP_11,
            426,
            "upgrade: websocket, sec-websocket-version: 13, connection: Upgrade",
        ),
        (Rejection::WebSocketVersion, Version::HTTP_2, 400, "sec-websocket-version: 13"),
        (Rejection::Connect, Version::HTTP_2, 400, ""),
        (Rejection::ConnectProtocol, Version::HTTP_3, 501, ""),
    ] {
        let expected = (status, headers.to_owned());
        assert_eq!(told(rejection, version), expected, "{rejection:?}, {version:?}");
    }
    assert_eq!(*Rejection::Key.to_response(Version::HTTP_11).body(), Rejection::Key.message());
}

#[test]
fn a_choice_stays_within_the_offers() {
    let request = changed(connect(), |request| {
        let offers = HeaderValue::from_static("x-a; b, x-c");
        request.headers_mut().insert("sec-websocket-extensions", offers);
    });
    let found = server::check(&request, Some("websocket")).unwrap();
    let answer = || found.accept();
    assert_eq!(answer().protocol("other").err(), Some(HeaderError::NotOffered));
    let chosen = answer().protocol("chat").unwrap();
    assert_eq!(chosen.protocol("chat").err(), Some(HeaderError::NotOffered));
    for (extension, expected) in [
        ("x-b", HeaderError::NotOffered),
        ("x-a, x-c", HeaderError::InvalidValue),
        ("x-a; b=\"c\nd\"", HeaderError::InvalidValue),
        ("x-a\r\nx: y", HeaderError::InvalidValue),
        ("x-a; \u{e9}", HeaderError::InvalidValue),
        ("", HeaderError::InvalidValue),
    ] {
        assert_eq!(answer().extension(extension).err(), Some(expected), "{extension:?}");
    }
    let agreed = answer().extension("x-c; d=\"1\"").unwrap();
    assert_eq!(agreed.clone().extension("x-c").err(), Some(HeaderError::NotOffered));
    let response = agreed.extension("x-a").unwrap().into_response();
    let extensions = value(response.headers(), "sec-websocket-extensions");
    assert_eq!(extensions.as_deref(), Some("x-c; d=\"1\", x-a"));
}

#[test]
fn a_client_refuses_answers_that_do_not_fit() {
    let (upgrade, after_upgrade) = request("ws://h/").protocol("chat").unwrap().start(&mut nonce);
    let (_, after_connect) = request("ws://h/").protocol("chat").unwrap().start_connect();
    let accepted = || {
        server::check(&upgrade, None).unwrap().accept().protocol("chat").unwrap().into_response()
    };
    let opened = || Response::new(());
    let status = |status: u16| {
        move |response: &mut Response<()>| {
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
        }
    };
    let set = |name: &'static str, value: &'static str| {
        move |response: &mut Response<()>| {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    };
    assert!(after_upgrade.check(&accepted()).is_ok());
    assert!(after_connect.check(&opened()).is_ok());
    assert!(after_connect.check(&changed(opened(), status(204))).is_ok());
    for (handshake, response, expected) in [
        (&after_upgrade, changed(accepted(), status(200)), HandshakeError::Status(200)),
        (&after_upgrade, changed(accepted(), status(302)), HandshakeError::Status(302)),
        (
            &after_upgrade,
            changed(accepted(), |response| *response.version_mut() = Version::HTTP_10),
            HandshakeError::Malformed,
        ),
        (&after_upgrade, changed(accepted(), set("upgrade", "h2c")), HandshakeError::Upgrade),
        (&after_upgrade, changed(accepted(), set("connection", "close")), HandshakeError::Upgrade),
        (&after_upgrade, opened(), HandshakeError::Status(200)),
        (
            &after_upgrade,
            changed(accepted(), set("sec-websocket-accept", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=")),
            HandshakeError::Accept,
        ),
        (
            &after_upgrade,
            changed(accepted(), set("sec-websocket-protocol", "other")),
            HandshakeError::Protocol,
        ),
        (
            &after_upgrade,
            changed(accepted(), set("sec-websocket-extensions", "x-a")),
            HandshakeError::Extension,
        ),
        (&after_connect, changed(opened(), status(101)), HandshakeError::Status(101)),
        (&after_connect, changed(opened(), status(501)), HandshakeError::Status(501)),
        (&after_connect, changed(opened(), set("upgrade", "websocket")), HandshakeError::Malformed),
        (
            &after_connect,
            changed(opened(), set("sec-websocket-protocol", "other")),
            HandshakeError::Protocol,
        ),
        (
            &after_connect,
            changed(opened(), set("sec-websocket-extensions", "x-a")),
            HandshakeError::Extension,
        ),
    ] {
        assert_eq!(handshake.check(&response), Err(expected), "{response:?}");
    }
}

#[cfg(feature = "deflate")]
#[test]
fn compression_is_agreed_on_over_either_version() {
    use crate::deflate::Options;

    let offer = || request("ws://h/").deflate(Options::default());
    for ((request, handshake), protocol) in
        [(offer().start(&mut nonce), None), (offer().start_connect(), Some("websocket"))]
    {
        let found = server::check(&request, protocol).unwrap();
        let (response, served) = found.accept().deflate(&Options::default());
        // Once is enough.
        let (response, again) = response.deflate(&Options::default());
        assert_eq!(again, None);
        let response = response.into_response();
        assert_eq!(
            value(response.headers(), "sec-websocket-extensions").as_deref(),
            Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover")
        );
        let called = handshake.check(&response).unwrap().deflate.unwrap();
        let served = served.unwrap();
        assert_eq!(called.outgoing(), Some(served.incoming()));
        assert_eq!(Some(called.incoming()), served.outgoing());
        // A server that declines.
        let plain = found.accept().into_response();
        assert_eq!(handshake.check(&plain).unwrap().deflate, None);
    }
}

proptest! {
    #[test]
    fn no_header_panics(
        name in prop_oneof![
            Just("sec-websocket-extensions"),
            Just("sec-websocket-protocol"),
            Just("sec-websocket-version"),
            Just("sec-websocket-key"),
            Just("connection"),
        ],
        bytes in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            for mut request in [upgrade(), connect()] {
                request.headers_mut().insert(name, value.clone());
                let _ = checked(&request);
            }
            let (_, handshake) = request("ws://h/").start_connect();
            let mut response = Response::new(());
            response.headers_mut().insert(name, value);
            let _ = handshake.check(&response);
        }
    }
}
