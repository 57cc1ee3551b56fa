//! Event streams (`docs/guide/sse.md`), by the limits of the transports they stand for.

use spola_server::{Config, RejectReason as Reason};

use crate::arena::{Arena, Row, brief, row};
use crate::harness::{Client, Stream, Streaming};

const GONE: &str = r#"400 {"code":1,"message":"Session ID unknown"}"#;
const BAD: &str = r#"400 {"code":3,"message":"Bad request"}"#;
const OK: &str = "200 ok";

pub(crate) fn rows() -> Vec<Row> {
    [posts(), streams()]
        .into_iter()
        .flatten()
        .map(|row| row.with(offered))
        .chain([queue()])
        .collect()
}

fn offered(config: &mut Config) {
    config.engine.transports.sse = true;
}

fn posts() -> Vec<Row> {
    vec![
        row(
            "POST body",
            "a byte more than the limit, up an event stream's POST",
            |arena| posts_once(arena, &format!("4{}", "x".repeat(1_000_000))),
            ["413"],
        )
        .counts([Reason::BodyTooLarge])
        .within(4500),
        row(
            "Outstanding POSTs of a stream",
            "two at once",
            |arena| {
                let session = Streaming::join(&arena.world);
                let whole = session.post_bytes(2, "42[\"a\"]");
                let mut first = arena.world.request(&whole[..whole.len() - 1]);
                let mut second = arena.world.request(session.post_bytes(3, "42[\"b\"]"));
                [vec![brief(&first.response()), brief(&second.response())], arena.told()].concat()
            },
            ["400", "400", "transport error"],
        )
        .counts([Reason::OverlappingRequest]),
        row(
            "Marks of a stream's POSTs",
            "out of turn",
            |arena| {
                let session = Streaming::join(&arena.world);
                let mut post = arena.world.request(session.post_bytes(9, "42[\"a\"]"));
                [vec![brief(&post.response())], arena.told()].concat()
            },
            ["400", "transport error"],
        )
        .counts([Reason::PostMark]),
        row(
            "Marks of a stream's POSTs",
            "what is no number",
            |arena| {
                let session = Streaming::join(&arena.world);
                let marks = ["-1", "x", "1e0", "99999999999999999999", "%31x"];
                let mut all: Vec<_> = marks
                    .into_iter()
                    .map(|mark| {
                        let target = session.target(&format!("&seq={mark}"));
                        let post = format!(
                            "POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
                        );
                        brief(&arena.world.request(post).response())
                    })
                    .collect();
                all.dedup();
                [all, arena.told()].concat()
            },
            [BAD],
        )
        .counts([Reason::MalformedNumber]),
        row(
            "Time to receive a POST body",
            "up an event stream's POST",
            |arena| {
                let session = Streaming::join(&arena.world);
                let whole = session.post_bytes(2, "42[\"a\"]");
                let mut post = arena.world.request(&whole[..whole.len() - 1]);
                arena.advance_seconds(30);
                [vec![brief(&post.response())], arena.told()].concat()
            },
            ["408"],
        )
        .counts([Reason::BodyTimeout]),
        row(
            "Payload of a stream's POST",
            "what is no packet",
            |arena| posts_once(arena, "4[\"a\"]\x1e9"),
            [OK, "forced close"],
        )
        .counts([Reason::MalformedPayload, Reason::MalformedPacket]),
    ]
}

fn streams() -> Vec<Row> {
    vec![
        row(
            "Streams per session",
            "a thousand, each in place of the one before",
            |arena| {
                let mut session = Streaming::join(&arena.world);
                let mut old = Vec::new();
                for _ in 0..1000 {
                    let target = session.target("&lastEventId=2");
                    let next = Stream::opened(arena.world.plain(&format!("GET {target}")));
                    old.push(std::mem::replace(&mut session.stream, next).client);
                    let len = old.len();
                    if len > 2 {
                        old.remove(0).expect_end_of_response();
                    }
                }
                let alive = brief(&session.post("42[\"alive\"]").response());
                [vec![alive], arena.told()].concat()
            },
            [OK, r#"["alive"]"#],
        ),
        row(
            "Last-Event-ID",
            "what is no number, or was never sent",
            |arena| {
                let session = Streaming::join(&arena.world);
                let mut seen = Vec::new();
                for id in ["x", "-1", "1e0", "99999999999999999999", "é"] {
                    let target = session.target("&lastEventId=2");
                    let head =
                        format!("GET {target} HTTP/1.1\r\nHost: x\r\nLast-Event-ID: {id}\r\n\r\n");
                    seen.push(brief(&arena.world.request(head).response()));
                }
                seen.dedup();
                [seen, arena.told()].concat()
            },
            [BAD],
        )
        .counts([Reason::MalformedNumber]),
        row(
            "Time to resume",
            "nobody comes",
            |arena| {
                let mut session = Streaming::join(&arena.world);
                session.drop_stream();
                arena.advance_seconds(10);
                let target = session.target("&lastEventId=2");
                let late = brief(&arena.world.plain(&format!("GET {target}")).response());
                [vec![late], arena.told()].concat()
            },
            [GONE, "transport close"],
        )
        .counts([Reason::UnknownSession, Reason::ResumeTimeout]),
        row(
            "Packets kept for resumption",
            "20 MB are sent, and none is said to have arrived",
            |arena| {
                let mut session = Streaming::join(&arena.world);
                for _ in 0..200 {
                    session.post(r#"42["flood",1,100000]"#).response();
                    session.stream.events();
                }
                let target = session.target("&lastEventId=2");
                let mut again = arena.world.plain(&format!("GET {target}"));
                let head = String::from_utf8_lossy(&again.raw()).starts_with("HTTP/1.1 400");
                [vec![head.to_string()], arena.told()].concat()
            },
            ["true", "transport error"],
        )
        .counts([Reason::UnknownSession, Reason::NotResumable])
        .within(3 * 1024),
        row(
            "No write progress with data queued",
            "a stream that nobody reads",
            |arena| {
                let mut session = Streaming::join(&arena.world);
                session.stream.client.end.set_capacity(10);
                session.post(r#"42["flood",100,10000]"#).response();
                arena.advance_seconds(45);
                arena.told()
            },
            ["ping timeout"],
        )
        .counts([Reason::PingTimeout])
        .within(4 * 1024),
    ]
}

/// Asks without reading, until the queue is at its cap.
fn queue() -> Row {
    row(
        "Hard cap per connection",
        "a stream that nobody reads, and answers all the time",
        |arena| {
            let mut session = Streaming::join(&arena.world);
            session.stream.client.end.set_capacity(10);
            for _ in 0..100 {
                session.post(r#"42["flood",1,100000]"#).response();
            }
            let mut told = arena.told();
            told.dedup();
            told
        },
        ["transport error"],
    )
    .counts([Reason::UnknownSession, Reason::OutgoingHardCap])
    .with(|config| {
        offered(config);
        config.outgoing_hard_cap = 2 << 20;
        config.engine.max_queued_bytes = 2 << 20;
    })
    .within(7 * 1024)
}

fn posts_once(arena: &Arena, body: &str) -> Vec<String> {
    let mut session = Streaming::join(&arena.world);
    let response = brief(&session.post(body).response());
    [vec![response], arena.told()].concat()
}

trait ExpectEnd {
    fn expect_end_of_response(&mut self);
}

impl ExpectEnd for Client {
    fn expect_end_of_response(&mut self) {
        assert!(self.raw().ends_with(b"0\r\n\r\n"), "the stream goes on");
    }
}
