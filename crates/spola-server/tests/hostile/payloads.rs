//! Payloads (§4 of the limits text).

use spola_server::RejectReason as Reason;

use crate::arena::{Arena, Row, brief, row};
use crate::harness::sid_of;

const GONE: &str = r#"400 {"code":1,"message":"Session ID unknown"}"#;
const OK: &str = "200 ok";
const TEXT: &str = "text/plain";

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row(
            "Six bytes with a multi-byte character",
            "in a POST of revision 4",
            |arena| six_bytes().iter().flat_map(|text| survived(arena.posts(text))).collect(),
            [],
        )
        .counts([
            Reason::UnknownSession,
            Reason::HeartbeatDirection,
            Reason::MalformedPayload,
            Reason::UnknownNamespace,
            Reason::NotJoined,
            Reason::MalformedPacket,
            Reason::Attachments,
        ]),
        row(
            "Six bytes with a multi-byte character",
            "over a WebSocket",
            |arena| six_bytes().iter().flat_map(|text| survived(arena.sends([text]))).collect(),
            [],
        )
        .counts([
            Reason::HeartbeatDirection,
            Reason::MalformedPayload,
            Reason::UnknownNamespace,
            Reason::NotJoined,
            Reason::MalformedPacket,
            Reason::Attachments,
        ]),
        row(
            "Six bytes with a multi-byte character",
            "in a POST of revision 3",
            |arena| {
                let revision_3 = ["4:4€", "2:4😀", "3:4é", "5:4€é", "1:€4", "€:4ab", "3€4a"];
                let texts = revision_3.map(str::to_owned).into_iter().chain(six_bytes());
                texts
                    .flat_map(|text| survived(posts_revision_3(arena, "", TEXT, text.as_bytes())))
                    .collect()
            },
            [],
        )
        .counts([Reason::MalformedPayload])
        .with(|config| config.engine.allow_eio3 = true),
        row(
            "Six bytes with a multi-byte character",
            "cut anywhere",
            |arena| {
                let mut seen = Vec::new();
                for text in six_bytes() {
                    for end in 1..text.len() {
                        seen.extend(survived(posts_bytes(arena, &text.as_bytes()[..end])));
                    }
                }
                seen
            },
            [],
        )
        .counts([
            Reason::HeartbeatDirection,
            Reason::MalformedPayload,
            Reason::UnknownNamespace,
            Reason::DuplicateConnect,
            Reason::NotJoined,
            Reason::MalformedPacket,
            Reason::Attachments,
            Reason::UnknownAck,
        ])
        .within(2 * 1024),
        row(
            "Packets per payload",
            "one too many",
            |arena| arena.posts(&vec!["6"; 65_537].join("\x1e")),
            [OK, GONE, "parse error"],
        )
        .counts([Reason::UnknownSession, Reason::MalformedPayload])
        .within(4 * 1024),
        row(
            "Packets per payload",
            "nothing but separators",
            |arena| arena.posts(&"\x1e".repeat(900_000)),
            [OK, GONE, "parse error"],
        )
        .counts([Reason::UnknownSession, Reason::MalformedPayload])
        .within(6 * 1024),
        row("Base64", "no padding", |arena| arena.posts("bAQ"), [OK, GONE, "parse error"])
            .counts([Reason::UnknownSession, Reason::MalformedPayload]),
        row("Base64", "another alphabet", |arena| arena.posts("b_-8="), [OK, GONE, "parse error"])
            .counts([Reason::UnknownSession, Reason::MalformedPayload]),
        row("Base64", "bits too many", |arena| arena.posts("bAR=="), [OK, GONE, "parse error"])
            .counts([Reason::UnknownSession, Reason::MalformedPayload]),
        row(
            "Base64",
            "over a WebSocket",
            |arena| {
                let mut client = arena.world.join();
                client.send("b!!!!");
                arena.came(client)
            },
            ["Close", "parse error"],
        )
        .counts([Reason::MalformedPayload]),
        row(
            "Revision 3 length prefix",
            "of any other form",
            |arena| {
                let lengths = [
                    "9999999999:4a",
                    "00000000002:4a",
                    "-1:4a",
                    "+2:4a",
                    "0x2:4a",
                    "2.0:4a",
                    ":4a",
                ];
                let more = ["18446744073709551618:4a", "2", "9999999999", "3:4a"];
                let bodies = lengths.into_iter().chain(more);
                let mut all: Vec<_> = bodies
                    .map(|body| posts_revision_3(arena, "", TEXT, body.as_bytes()).join(", "))
                    .collect();
                all.dedup();
                all
            },
            ["200 ok, parse error"],
        )
        .counts([Reason::MalformedPayload])
        .with(|config| config.engine.allow_eio3 = true),
        row(
            "Revision 3 length prefix",
            "of any other form, in binary",
            |arena| {
                let long = [&[0][..], &[9; 400], b"\xff4a"].concat();
                let bodies: [&[u8]; 9] = [
                    b"\x00\xff4a",
                    b"\x00\x02",
                    b"\x00\x02\xff4",
                    b"\x00\x0a\xff4a",
                    b"\x00\xfe\xff4a",
                    b"\x02\x02\xff4a",
                    b"\x01\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff\x04",
                    b"\x00\x02\xff\xc3\xa9",
                    &long,
                ];
                let answers = bodies.map(|body| {
                    posts_revision_3(arena, "", "application/octet-stream", body).join(", ")
                });
                let mut all = Vec::from(answers);
                all.dedup();
                all
            },
            ["200 ok, parse error"],
        )
        .counts([Reason::MalformedPayload])
        .with(|config| config.engine.allow_eio3 = true),
        row(
            "JSONP",
            "forms that are none",
            |arena| {
                let forms = [
                    "",
                    "d",
                    "d=",
                    "d=%",
                    "d=%F",
                    "d=%FF%FE",
                    "d=1:",
                    "d=2:4é",
                    "d=4%3A4%E2%82",
                    "é=d",
                ];
                let form = "application/x-www-form-urlencoded";
                let posts =
                    forms.map(|body| posts_revision_3(arena, "&j=0", form, body.as_bytes()));
                posts.into_iter().flat_map(survived).collect()
            },
            [],
        )
        .counts([Reason::MalformedPayload, Reason::MalformedPacket])
        .with(|config| config.engine.allow_eio3 = true),
    ]
}

/// Text packets of six bytes with a character of several anywhere in them.
fn six_bytes() -> Vec<String> {
    let mut all = Vec::new();
    for wide in ["é", "€", "😀"] {
        for filling in
            ["4aaaa", "42[\"a", "451-[", "40/aa", "b4AQI", "2prob", "43123", "61-[]", "41/aa"]
        {
            for at in 0..=6 - wide.len() {
                let mut text = filling[..at.min(filling.len())].to_owned();
                text.push_str(wide);
                let rest = 6 - text.len();
                text.push_str(&"a]1-,\"/"[..rest]);
                assert_eq!(text.len(), 6);
                all.push(text);
            }
        }
    }
    all
}

/// Nothing, if a session went on or was closed by the rules.
fn survived(seen: Vec<String>) -> Option<String> {
    let by_the_rules = |one: &String| {
        matches!(
            &**one,
            "200 ok" | "Close" | "parse error" | "forced close" | "forced server close"
        ) || matches!(&**one, "transport error" | "transport close" | "client namespace disconnect")
            || one == GONE
            || one.starts_with("200 6\x1e1")
            || one.starts_with("44/")
            || one.starts_with('[')
    };
    (!seen.iter().all(by_the_rules)).then(|| seen.join(", "))
}

fn posts_bytes(arena: &Arena, body: &[u8]) -> Vec<String> {
    let session = arena.world.join_polling();
    let head = session.post_head(body.len());
    let mut post = arena.world.request([head.as_bytes(), body].concat());
    [vec![brief(&post.response())], arena.told()].concat()
}

/// A POST to a session of revision 3, with this in the query besides.
fn posts_revision_3(arena: &Arena, more: &str, content_type: &str, body: &[u8]) -> Vec<String> {
    let target = format!("/socket.io/?EIO=3&transport=polling{more}");
    let open = arena.world.plain(&format!("GET {target}")).response();
    let sid = sid_of(&open.body.replace('\\', ""));
    let len = body.len();
    let head = format!(
        "POST {target}&sid={sid} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\n\
         Content-Length: {len}\r\n\r\n"
    );
    let mut post = arena.world.request([head.as_bytes(), body].concat());
    [vec![brief(&post.response())], arena.told()].concat()
}
