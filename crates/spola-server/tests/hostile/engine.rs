//! Sessions and polling (§4 of the limits text).

use spola_server::RejectReason as Reason;

use crate::arena::{Row, brief, frames, row};

const GONE: &str = r#"400 {"code":1,"message":"Session ID unknown"}"#;
const BAD: &str = r#"400 {"code":3,"message":"Bad request"}"#;
const OK: &str = "200 ok";

pub(crate) fn rows() -> Vec<Row> {
    [heartbeat(), upgrades(), posts(), polls()].into_iter().flatten().collect()
}

fn heartbeat() -> Vec<Row> {
    vec![
        row(
            "Ping interval / timeout",
            "no pong over a WebSocket",
            |arena| {
                let client = arena.world.join();
                arena.advance_seconds(45);
                arena.came(client)
            },
            ["2", "Close", "ping timeout"],
        )
        .counts([Reason::PingTimeout]),
        row(
            "Ping interval / timeout",
            "no GET at all",
            |arena| {
                let session = arena.world.join_polling();
                arena.advance_seconds(45);
                [vec![brief(&session.get().response())], arena.told()].concat()
            },
            [GONE, "ping timeout"],
        )
        .counts([Reason::UnknownSession, Reason::PingTimeout]),
        row(
            "Extension of the pong deadline by other traffic",
            "events all the time, but no pong",
            |arena| {
                let mut client = arena.world.join();
                for _ in 0..65 {
                    arena.advance_seconds(1);
                    client.send(r#"42["echo"]"#);
                }
                arena.came(client)
            },
            ["2", "Close", "ping timeout"],
        )
        .counts([Reason::PingTimeout, Reason::CloseTimeout]),
        row(
            "Unsolicited pong",
            "a thousand of them instead of one in time",
            |arena| {
                let mut client = arena.world.join();
                (0..1000).for_each(|_| client.send("3"));
                arena.advance_seconds(45);
                arena.came(client)
            },
            ["2", "Close", "ping timeout"],
        )
        .counts([Reason::PingTimeout]),
    ]
}

fn upgrades() -> Vec<Row> {
    vec![
        row(
            "Upgrade probe to completion",
            "it never completes",
            |arena| {
                let session = arena.world.join_polling();
                let mut probe = session.websocket();
                probe.send("2probe");
                arena.advance_seconds(10);
                let alive = brief(&session.post("42[\"alive\"]").response());
                [frames(&mut probe), vec![alive], arena.told()].concat()
            },
            ["3probe", "Close", OK, r#"["alive"]"#],
        )
        .counts([Reason::Upgrade]),
        row(
            "Upgrade probe to completion",
            "what is no probe",
            |arena| {
                let session = arena.world.join_polling();
                for text in ["", "2", "40", "9", "b!!", "é", "4é"] {
                    let mut probe = session.websocket();
                    probe.send(text);
                    assert_eq!(frames(&mut probe), ["Close"], "{text}");
                }
                let alive = brief(&session.post("42[\"alive\"]").response());
                [vec![alive], arena.told()].concat()
            },
            [OK, r#"["alive"]"#],
        )
        .counts([Reason::Upgrade]),
        row(
            "Concurrent upgrades per session",
            "a hundred at once",
            |arena| {
                let session = arena.world.join_polling();
                let first = session.websocket();
                for _ in 0..100 {
                    assert_eq!(frames(&mut session.websocket()), ["Close"]);
                }
                let alive = brief(&session.post("42[\"alive\"]").response());
                [vec![alive], arena.told(), arena.came(first)].concat()
            },
            [OK, r#"["alive"]"#],
        )
        .counts([Reason::SecondUpgrade]),
        row(
            "Revision of every request of a session",
            "another one",
            |arena| {
                let session = arena.world.join_polling();
                let target = session.target().replace("EIO=4", "EIO=3");
                let other = brief(&arena.world.plain(&format!("GET {target}")).response());
                let alive = brief(&session.post("42[\"alive\"]").response());
                [vec![other, alive], arena.told()].concat()
            },
            [BAD, OK, r#"["alive"]"#],
        )
        .counts([Reason::RevisionMismatch])
        .with(|config| config.engine.allow_eio3 = true),
    ]
}

fn posts() -> Vec<Row> {
    vec![
        row(
            "Outstanding GET / POST per session",
            "two GETs",
            |arena| {
                let session = arena.world.join_polling();
                let (mut first, mut second) = (session.get(), session.get());
                let seen = vec![brief(&first.response()), brief(&second.response())];
                [seen, arena.told()].concat()
            },
            ["200 1", "400", "transport error"],
        ).counts([Reason::OverlappingRequest]),
        row(
            "Outstanding GET / POST per session",
            "two POSTs",
            |arena| {
                let session = arena.world.join_polling();
                let mut first = arena.world.request(session.post_head(10));
                let mut second = session.post("42[\"a\"]");
                let seen = vec![brief(&first.response()), brief(&second.response())];
                [seen, arena.told()].concat()
            },
            ["400", "400", "transport error"],
        ).counts([Reason::OverlappingRequest]),
        row(
            "POST body",
            "a byte more than the limit",
            |arena| arena.posts(&message(1_000_001)),
            ["413"],
        ).counts([Reason::BodyTooLarge])
        .within(4500),
        row(
            "POST body",
            "a terabyte is announced",
            |arena| {
                let session = arena.world.join_polling();
                let mut post = arena.world.request(session.post_head(1 << 40));
                [vec![brief(&post.response())], arena.told()].concat()
            },
            ["413"],
        ).counts([Reason::BodyTooLarge]),
        row(
            "POST body",
            "chunks without an end",
            |arena| {
                let session = arena.world.join_polling();
                let mut post = arena.world.request(format!(
                    "POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
                    session.target()
                ));
                let chunk = format!("2710\r\n{}\r\n", "x".repeat(10_000));
                for _ in 0..300 {
                    post.write(&chunk);
                }
                arena.advance_seconds(30);
                [vec![brief(&post.response())], arena.told()].concat()
            },
            ["413"],
        ).counts([Reason::BodyTooLarge])
        .within(2500),
        row(
            "Time to receive a POST body",
            "a byte a second",
            |arena| {
                let session = arena.world.join_polling();
                let mut post = arena.world.request(session.post_head(100));
                for _ in 0..30 {
                    post.write("4");
                    arena.advance_seconds(1);
                }
                [vec![brief(&post.response())], arena.told()].concat()
            },
            ["408", "transport error"],
        ).counts([Reason::BodyTimeout]),
        row(
            "Binary content type on revision 4",
            "it is 400",
            |arena| {
                let session = arena.world.join_polling();
                let target = session.target();
                let mut post = arena.world.request(format!(
                    "POST {target} HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n\
                     Content-Length: 4\r\n\r\n\x004é"
                ));
                [vec![brief(&post.response())], arena.told()].concat()
            },
            ["400", "transport error"],
        ).counts([Reason::ContentType]),
    ]
}

fn polls() -> Vec<Row> {
    vec![
        row(
            "Poll response",
            "3 MiB wait for a GET",
            |arena| {
                let session = arena.world.join_polling();
                session.post(r#"42["flood",30,100000]"#).response();
                let response = session.get().response();
                let within = response.body.len() <= 1 << 20;
                vec![response.status.to_string(), within.to_string()]
            },
            ["200", "true"],
        )
        .within(12 * 1024),
        row(
            "Session without a first poll",
            "a thousand of them",
            |arena| {
                for _ in 0..1000 {
                    arena.world.open_polling();
                }
                let before = arena.world.io().session_count();
                arena.advance_seconds(45);
                [before, arena.world.io().session_count()].map(|count| count.to_string()).into()
            },
            ["1001", "1"],
        )
        .counts([Reason::PingTimeout])
        .within(4 * 1024)
        .leaving(160),
        row(
            "State per idle polling session",
            "a thousand of them, joined",
            |arena| {
                for _ in 0..1000 {
                    arena.world.join_polling();
                }
                vec![arena.world.io().session_count().to_string()]
            },
            ["1001"],
        )
        .within(4 * 1024)
        .leaving(320),
        row(
            "GET given up",
            "again and again",
            |arena| {
                let mut told = Vec::new();
                for _ in 0..100 {
                    let session = arena.world.join_polling();
                    session.get().reset();
                    told.extend(arena.told());
                }
                told.dedup();
                told
            },
            ["transport error"],
        ),
    ]
}

fn message(len: usize) -> String {
    format!("4{}", "x".repeat(len - 1))
}
