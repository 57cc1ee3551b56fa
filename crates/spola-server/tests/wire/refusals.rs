//! What the application is told of requests that are refused.

use std::sync::Arc;

use http::Request;
use spola_server::{AllowOrigin, Config, Cors, Handshake, Refusal};

use crate::harness::KEY;
use crate::requests::{BAD_REQUEST, OPEN, WEBSOCKET, server};

#[test]
fn every_refusal_is_told_to_the_application() {
    let (world, log) = server(|builder, log| {
        let log = log.clone();
        builder
            .http_middleware(async |request: Request<()>| {
                if request.uri().path().ends_with("/no") { Err("no") } else { Ok(request) }
            })
            .allow_request(
                async |handshake: Arc<Handshake>| {
                    if handshake.query("who").is_some() { Err("who?") } else { Ok(()) }
                },
            )
            .generate_id(|handshake: &Handshake| {
                handshake.query("id").unwrap_or_else(|| "A".repeat(20))
            })
            .on_connection_error(move |error| {
                let path = error.request.uri().path();
                let (code, message) = (error.code(), error.message());
                log.say(format!("{path} {code} {message} {}", error.details()));
            })
    });
    let plain = |target: &str| {
        let code = world.plain(target).response();
        assert!(code.status >= 400, "{target}");
        log.take().join("|")
    };
    for (request, told) in [
        (
            "GET /socket.io/no?transport=xyz",
            r#"/socket.io/no 3 Bad request {"name":"MIDDLEWARE_FAILURE"}"#,
        ),
        (
            "GET /socket.io/?transport=x&transport=%79",
            r#"/socket.io/ 0 Transport unknown {"transport":"y"}"#,
        ),
        ("GET /socket.io/?EIO=4", r#"/socket.io/ 0 Transport unknown {"transport":null}"#),
        (
            "GET /socket.io/?EIO=4&transport=polling&sid=nope",
            r#"/socket.io/ 1 Session ID unknown {"sid":"nope"}"#,
        ),
        (
            "DELETE /socket.io/?EIO=4&transport=polling",
            r#"/socket.io/ 2 Bad handshake method {"method":"DELETE"}"#,
        ),
        (
            "GET /socket.io/?EIO=4&transport=websocket",
            r#"/socket.io/ 3 Bad request {"name":"TRANSPORT_HANDSHAKE_ERROR"}"#,
        ),
        ("GET /socket.io/?EIO=4&transport=polling&who", r#"/socket.io/ 4 who? {"message":"who?"}"#),
        (
            "GET /socket.io/?EIO=3&transport=polling",
            r#"/socket.io/ 5 Unsupported protocol version {"protocol":3}"#,
        ),
        (
            "GET /socket.io/?EIO=4&transport=polling&id=x",
            r#"/socket.io/ 3 Bad request {"name":"ID_GENERATION_ERROR"}"#,
        ),
    ] {
        assert_eq!(plain(request), told, "{request}");
    }
    let sid = world.open_polling().sid;
    let mismatch = format!("GET /socket.io/?EIO=4&transport=websocket&sid={sid}");
    assert_eq!(
        plain(&mismatch),
        r#"/socket.io/ 3 Bad request {"name":"TRANSPORT_MISMATCH","previousTransport":"polling","transport":"websocket"}"#
    );
    let revision = format!("GET /socket.io/?EIO=3&transport=polling&sid={sid}");
    assert_eq!(
        plain(&revision),
        r#"/socket.io/ 3 Bad request {"name":"PROTOCOL_MISMATCH","previousProtocol":4,"protocol":3}"#
    );
    assert_eq!(world.upgrade("EIO=4&transport=xyz").response().status, 400);
    assert_eq!(log.take(), [r#"/socket.io/ 0 Transport unknown {"transport":"xyz"}"#]);
    // No sound request for a WebSocket.
    let headers =
        "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 12\r\n";
    let line = format!("GET /socket.io/?{WEBSOCKET}&id=B HTTP/1.1");
    let request = format!("{line}\r\n{headers}Sec-WebSocket-Key: {KEY}\r\n\r\n");
    assert_eq!(world.request(request).response().status, 400);
    assert_eq!(log.take(), [r#"/socket.io/ 3 Bad request {"name":"TRANSPORT_HANDSHAKE_ERROR"}"#]);
}

#[test]
fn a_failed_middleware_leaves_the_headers_of_cors() {
    let mut config = Config::default();
    config.cors = Some(Cors::new());
    let (world, _) = server(|builder, _| {
        builder
            .config(config)
            .http_middleware(async |_: Request<()>| Err::<_, Refusal>("no".into()))
    });
    let response = world.plain(OPEN).response();
    assert_eq!(response.brief(), BAD_REQUEST);
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn a_page_of_another_origin_is_told_to_the_application() {
    let mut config = Config::default();
    config.cors = Some(Cors::new().allow_origin(AllowOrigin::exact("https://a.example")));
    let (world, log) = server(|builder, log| {
        let log = log.clone();
        builder.config(config).on_connection_error(move |error| {
            log.say(format!("{} {} {}", error.code(), error.message(), error.details()));
        })
    });
    let request = format!("{OPEN} HTTP/1.1\r\nHost: x\r\nOrigin: https://b.example\r\n\r\n");
    assert_eq!(world.request(request).response().status, 403);
    assert_eq!(
        log.take(),
        [r#"4 Forbidden {"name":"ORIGIN_NOT_ALLOWED","origin":"https://b.example"}"#]
    );
}
