//! Requests that are refused (§3 of the wire text).

use crate::harness::{KEY, Polling, World, millis, recorder};

const SID: &str = "AAECAwQFBgcICQoLAAAA";

const TRANSPORT: &str = r#"{"code":0,"message":"Transport unknown"}"#;
const SESSION: &str = r#"{"code":1,"message":"Session ID unknown"}"#;
const METHOD: &str = r#"{"code":2,"message":"Bad handshake method"}"#;
const REQUEST: &str = r#"{"code":3,"message":"Bad request"}"#;
const REVISION: &str = r#"{"code":5,"message":"Unsupported protocol version"}"#;

#[test]
fn a_refusal_is_json_with_a_numeric_code() {
    let (world, _) = recorder();
    let mut client = world.plain("GET /socket.io/?EIO=4&transport=polling&sid=nope");
    let response = String::from_utf8(client.raw()).unwrap();
    assert_eq!(
        response,
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 41\r\n\r\n\
         {\"code\":1,\"message\":\"Session ID unknown\"}"
    );
}

#[test]
fn plain_requests_are_checked_in_order_and_answered_with_a_code() {
    let unknown = format!("GET /socket.io/?EIO=4&transport=polling&sid={SID}");
    let unknown_ws = format!("GET /socket.io/?EIO=4&transport=websocket&sid={SID}");
    let cases = [
        // The transport comes first, whatever else is wrong.
        ("GET /socket.io/", TRANSPORT),
        ("GET /socket.io/?EIO=4", TRANSPORT),
        ("GET /socket.io/?EIO=4&transport=", TRANSPORT),
        ("GET /socket.io/?EIO=4&transport=xyz", TRANSPORT),
        ("GET /socket.io/?EIO=4&transport=webtransport", TRANSPORT),
        ("GET /socket.io/?EIO=4&transport=Polling", TRANSPORT),
        ("POST /socket.io/?EIO=3&transport=xyz&sid=nope", TRANSPORT),
        ("GET /socket.io/anything/else?EIO=4&transport=xyz", TRANSPORT),
        ("GET /socket.io/?transport=polling&transport=xyz", TRANSPORT),
        // Then the session.
        (&unknown, SESSION),
        (&unknown_ws, SESSION),
        ("GET /socket.io/?EIO=4&transport=polling&sid=__proto__", SESSION),
        ("GET /socket.io/?EIO=3&transport=polling&sid=x", SESSION),
        ("PUT /socket.io/?EIO=4&transport=polling&sid=x", SESSION),
        ("GET /socket.io/?EIO=4&transport=polling&sid=%00", SESSION),
        ("GET /socket.io/?EIO=4&transport=polling&sid=AAECAwQFBgcICQoLAAA", SESSION),
        ("GET /socket.io/?EIO=4&transport=polling&sid=AAECAwQFBgcICQoLAAA!", SESSION),
        ("GET /socket.io/?EIO=4&transport=polling&sid=AAECAwQFBgcICQoLAAAAA", SESSION),
        // Then, to open a session, the method, the transport's needs, and the revision.
        ("POST /socket.io/?EIO=4&transport=polling", METHOD),
        ("PUT /socket.io/?EIO=3&transport=websocket", METHOD),
        ("OPTIONS /socket.io/?EIO=4&transport=polling", METHOD),
        ("POST /socket.io/?EIO=4&transport=polling&sid=", METHOD),
        ("GET /socket.io/?EIO=4&transport=websocket", REQUEST),
        ("GET /socket.io/?EIO=3&transport=websocket", REQUEST),
        ("GET /socket.io/?EIO=3&transport=polling", REVISION),
        ("GET /socket.io/?transport=polling", REVISION),
        ("GET /socket.io/?EIO=5&transport=polling", REVISION),
        ("GET /socket.io/?EIO=04&transport=polling", REVISION),
        ("GET /socket.io/?EIO=4&EIO=3&transport=polling", REVISION),
    ];
    let (world, _) = recorder();
    for (request, body) in cases {
        let response = world.plain(request).response();
        assert_eq!(response.brief(), (400, body), "{request}");
        assert_eq!(response.header("content-type"), Some("application/json"), "{request}");
    }
    assert_eq!(world.io().session_count(), 0);
}

#[test]
fn a_head_request_is_refused_without_a_body() {
    let (world, _) = recorder();
    let mut client = world.plain("HEAD /socket.io/?EIO=4&transport=polling");
    let response = String::from_utf8(client.raw()).unwrap();
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    assert!(response.ends_with("\r\n\r\n"), "{response}");
}

#[test]
fn more_than_32_parameters_are_a_bad_request() {
    let (world, _) = recorder();
    let query =
        |others: usize| format!("GET /socket.io/?EIO=4&transport=polling{}", "&a=b".repeat(others));
    assert_eq!(world.plain(&query(30)).response().status, 200);
    assert_eq!(world.plain(&query(31)).response().brief(), (400, REQUEST));
}

#[test]
fn percent_encoding_is_understood_in_the_query() {
    let (world, _) = recorder();
    let mut client = world.plain("GET /socket.io/?%45IO=%34&transpor%74=p%6flling&t=x");
    assert_eq!(client.response().status, 200);
}

#[test]
fn paths_are_matched_by_their_prefix() {
    let (world, _) = recorder();
    for (path, status) in [
        ("/socket.io/", 200),
        ("/socket.io/anything/else", 200),
        ("/socket.io", 404),
        ("/Socket.IO/", 404),
        ("/socket%2eio/", 404),
        ("/", 404),
    ] {
        let request = format!("GET {path}?EIO=4&transport=polling");
        assert_eq!(world.plain(&request).response().status, status, "{path}");
    }
}

#[test]
fn a_session_on_polling_refuses_what_does_not_fit_it() {
    let (world, _) = recorder();
    let Polling { sid, .. } = &world.open_polling();
    for (request, status, body) in [
        (format!("GET /socket.io/?EIO=4&transport=websocket&sid={sid}"), 400, REQUEST),
        (format!("GET /socket.io/?EIO=3&transport=polling&sid={sid}"), 400, REQUEST),
        (format!("PUT /socket.io/?EIO=4&transport=polling&sid={sid}"), 500, ""),
        (format!("DELETE /socket.io/?EIO=4&transport=polling&sid={sid}"), 500, ""),
        (format!("OPTIONS /socket.io/?EIO=4&transport=polling&sid={sid}"), 500, ""),
    ] {
        assert_eq!(world.plain(&request).response().brief(), (status, body), "{request}");
    }
    assert_eq!(world.io().session_count(), 1, "the session is untouched");
}

/// An upgrade request, with other headers than the usual ones.
fn upgrade(world: &World, line: &str, headers: &str) -> String {
    let mut client = world.request(format!("{line}\r\n{headers}\r\n"));
    let response = String::from_utf8(client.raw()).unwrap();
    let ended = client.is_closed();
    world.advance(millis(0));
    assert_eq!(ended, !response.starts_with("HTTP/1.1 101"), "{response}");
    response
}

#[test]
fn upgrade_requests_are_refused_with_the_bare_message() {
    let cases = [
        ("EIO=4&transport=xyz", "Transport unknown"),
        ("EIO=4&transport=websocket&sid=nope", "Session ID unknown"),
        ("EIO=4&transport=websocket&sid=AAECAwQFBgcICQoLAAAA", "Session ID unknown"),
        // The official server answers these two with 101 and hangs up; we say it before.
        ("EIO=4&transport=polling", "Bad request"),
        ("EIO=3&transport=websocket", "Unsupported protocol version"),
    ];
    let (world, _) = recorder();
    let headers = format!(
        "Host: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
    );
    for (query, message) in cases {
        let line = format!("GET /socket.io/?{query} HTTP/1.1");
        assert_eq!(
            upgrade(&world, &line, &headers),
            format!(
                "HTTP/1.1 400 Bad Request\r\ncontent-type: text/html\r\nconnection: close\r\n\
                 content-length: {}\r\n\r\n{message}",
                message.len()
            )
        );
    }
    let line = "POST /socket.io/?EIO=4&transport=websocket HTTP/1.1";
    let response = upgrade(&world, line, &headers);
    assert!(response.ends_with("\r\n\r\nBad handshake method"), "{response}");
    assert_eq!(world.io().session_count(), 0);
}

#[test]
fn the_opening_handshake_of_the_websocket_is_checked_before_a_session_opens() {
    let key = format!("Sec-WebSocket-Key: {KEY}\r\n");
    let cases = [
        ("HTTP/1.1", "", "Missing or invalid Sec-WebSocket-Key"),
        ("HTTP/1.1", "Sec-WebSocket-Key: short\r\n", "Missing or invalid Sec-WebSocket-Key"),
        ("HTTP/1.0", &key, "HTTP version must be 1.1"),
    ];
    let (world, _) = recorder();
    for (version, key, message) in cases {
        let line = format!("GET /socket.io/?EIO=4&transport=websocket {version}");
        let headers = format!(
            "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n{key}"
        );
        let response = upgrade(&world, &line, &headers);
        assert!(response.contains(" 400 Bad Request\r\n"), "{response}");
        assert!(response.ends_with(message), "{response}");
    }
    let hosts = [("", "no Host"), ("Host: x\r\nHost: y\r\n", "two of them")];
    for (host, case) in hosts {
        let line = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1";
        let headers = format!(
            "{host}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n{key}"
        );
        let response = upgrade(&world, line, &headers);
        assert!(response.starts_with("HTTP/1.1 400 "), "{case}: {response}");
    }
    assert_eq!(world.io().session_count(), 0);
}

#[test]
fn other_websocket_versions_are_told_ours() {
    let (world, _) = recorder();
    for version in ["12", "14", "", "13, 8"] {
        let line = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1";
        let headers = format!(
            "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: {version}\r\n\
             Sec-WebSocket-Key: {KEY}\r\n"
        );
        let response = upgrade(&world, line, &headers);
        assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
        assert!(response.contains("\r\nsec-websocket-version: 13, 8\r\n"), "{response}");
    }
}

#[test]
fn the_101_answers_the_key_and_takes_the_first_subprotocol() {
    let (world, _) = recorder();
    let line = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1";
    let headers = format!(
        "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: foo, bar\r\nSec-WebSocket-Key: {KEY}\r\n"
    );
    let response = world.request(format!("{line}\r\n{headers}\r\n")).response();
    assert_eq!(response.status, 101);
    assert_eq!(response.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(response.header("sec-websocket-protocol"), Some("foo"));
    assert_eq!(response.header("upgrade"), Some("websocket"));
    assert_eq!(response.header("sec-websocket-extensions"), None);
}

#[test]
fn a_closing_server_lets_nobody_in() {
    let (world, _) = recorder();
    world.io().close();
    let response = world.plain("GET /socket.io/?EIO=4&transport=polling").response();
    assert_eq!(response.brief(), (503, "the server is shutting down"));
    assert_eq!(response.header("retry-after"), Some("1"));
    let response = world.upgrade("EIO=4&transport=websocket").response();
    assert_eq!(response.status, 503);
}
