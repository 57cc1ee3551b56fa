//! Requests (§2 of the limits text).

use spola_server::RejectReason as Reason;

use crate::arena::{Arena, Row, brief, row};
use crate::harness::{KEY, upgrade_request};

const UNKNOWN: &str = r#"400 {"code":1,"message":"Session ID unknown"}"#;
const BAD: &str = r#"400 {"code":3,"message":"Bad request"}"#;

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row(
            "Request target",
            "more than 8 KiB",
            |arena| get(arena, &format!("EIO=4&transport=polling&t={}", "x".repeat(8192))),
            ["414"],
        )
        .counts([Reason::TargetTooLong]),
        row(
            "Query parameters",
            "33 of them",
            |arena| get(arena, &format!("EIO=4&transport=polling{}", "&a=1".repeat(31))),
            [BAD],
        )
        .counts([Reason::QueryParameters]),
        row(
            "sid parameter",
            "of any other form",
            |arena| {
                let long = "A".repeat(7000);
                let odd = ["A", "AAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAA", "__proto__", &long];
                let escaped =
                    ["AAAAAAAAAAAAAAAAAA%E2%82%AC", "%00AAAAAAAAAAAAAAAAAAA", "%FF%FE", "%"];
                let odd = odd.into_iter().chain(escaped);
                let mut all: Vec<_> = odd
                    .flat_map(|sid| get(arena, &format!("EIO=4&transport=polling&sid={sid}")))
                    .collect();
                all.dedup();
                all
            },
            [UNKNOWN],
        )
        .counts([Reason::UnknownSession]),
        row(
            "Sec-WebSocket-Protocol",
            "17 tokens",
            |arena| upgrade(arena, &format!("Sec-WebSocket-Protocol: a{}", ",a".repeat(16))),
            ["400"],
        )
        .counts([Reason::Subprotocols]),
        row(
            "Open sessions",
            "one too many",
            |arena| {
                let target = "/socket.io/?EIO=4&transport=polling";
                let response = arena.world.plain(&format!("GET {target}")).response();
                let retry = response.header("retry-after").is_some();
                vec![response.status.to_string(), retry.to_string()]
            },
            ["503", "true"],
        )
        .counts([Reason::MaxSessions])
        .with(|config| config.max_sessions = Some(1)),
        row(
            "HTTP version for upgrade",
            "1.0",
            |arena| {
                let request = upgrade_request("EIO=4&transport=websocket");
                status(arena, &request.replace("HTTP/1.1", "HTTP/1.0"))
            },
            ["400"],
        )
        .counts([Reason::WebSocketHandshake]),
        row(
            "HTTP version for upgrade",
            "two hosts, or none",
            |arena| {
                let request = upgrade_request("EIO=4&transport=websocket");
                let two = status(arena, &request.replace("Host: x\r\n", "Host: x\r\nHost: y\r\n"));
                [two, status(arena, &request.replace("Host: x\r\n", ""))].concat()
            },
            ["400", "400"],
        )
        .counts([Reason::WebSocketHandshake]),
        row(
            "Request body codings",
            "gzip",
            |arena| framed(arena, "Content-Encoding: gzip\r\nContent-Length: 2"),
            ["415"],
        )
        .counts([Reason::BodyCoding]),
        row(
            "Response headers",
            "what the client says is not in them",
            |arena| {
                let query = "EIO=4&transport=polling&j=1%0d%0aX-Evil:%201&sid=%0d%0aX-Evil:%201";
                let response = arena.world.plain(&format!("GET /socket.io/?{query}")).response();
                let found = response.head.to_lowercase().contains("evil");
                vec![response.status.to_string(), found.to_string()]
            },
            ["400", "false"],
        )
        .counts([Reason::UnknownSession]),
    ]
}

fn get(arena: &Arena, query: &str) -> Vec<String> {
    vec![brief(&arena.world.plain(&format!("GET /socket.io/?{query}")).response())]
}

fn upgrade(arena: &Arena, field: &str) -> Vec<String> {
    let key = format!("Sec-WebSocket-Key: {KEY}\r\n");
    let request = upgrade_request("EIO=4&transport=websocket");
    status(arena, &request.replace(&key, &format!("{key}{field}\r\n")))
}

/// A POST with these fields, and two bytes of body in a chunk.
fn framed(arena: &Arena, fields: &str) -> Vec<String> {
    let target = arena.world.join_polling().target();
    status(arena, &format!("POST {target} HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n42"))
}

fn status(arena: &Arena, request: &str) -> Vec<String> {
    let mut client = arena.world.request(request);
    let status = client.raw();
    let status = String::from_utf8_lossy(&status);
    vec![status.split(' ').nth(1).unwrap_or("nothing").to_owned()]
}
