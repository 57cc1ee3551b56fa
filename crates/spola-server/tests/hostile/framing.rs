//! Where requests end (§2 of the limits text): who stands in front must not be of another opinion.

use spola_server::RejectReason as Reason;

use crate::arena::{Arena, Row, row};
use crate::harness::{Client, Polling, upgrade_request};

const CHUNKS: &str = "7;a=b\r\n42[\"all\r\n2\r\n\"]\r\n0\r\nContent-Length: 1\r\n\r\n";

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row(
            "Message framing",
            "a length and chunks, in any order and case",
            |arena| {
                let length = ["Content-Length: 33", "content-length:33", "CONTENT-LENGTH: \t33 "];
                let chunked = ["Transfer-Encoding: chunked", "transfer-encoding:CHUNKED"];
                let both = length.iter().flat_map(|length| {
                    let pair = move |chunked: &str| {
                        [format!("{length}\r\n{chunked}"), format!("{chunked}\r\n{length}")]
                    };
                    chunked.into_iter().flat_map(pair)
                });
                refused(arena, both)
            },
            ["400, closed"],
        )
        .counts([Reason::MalformedHttp]),
        row(
            "Message framing",
            "a length that is none, beside chunks",
            |arena| {
                let lengths = ["", "+5", "0x5", "5, 5", "x", "99999999999999999999"];
                refused(
                    arena,
                    lengths.map(|length| {
                        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}")
                    }),
                )
            },
            ["400, closed"],
        )
        .counts([Reason::MalformedHttp]),
        row(
            "Message framing",
            "a length twice, equal or not",
            |arena| {
                let second = ["33", "033", "34", "0"];
                refused(
                    arena,
                    second.map(|second| {
                        format!("Content-Length: 33\r\nX-Between: x\r\nContent-Length: {second}")
                    }),
                )
            },
            ["400, closed"],
        )
        .counts([Reason::MalformedHttp]),
        row(
            "Message framing",
            "a length that is none",
            |arena| {
                let lengths = ["", "+5", "-1", "0x5", "5, 5", "5 5", "5.0", "99999999999999999999"];
                refused(arena, lengths.map(|length| format!("Content-Length: {length}")))
            },
            ["400, closed"],
        )
        .counts([Reason::MalformedHttp]),
        row(
            "Message framing",
            "other codings, or chunks in chunks",
            |arena| {
                let codings = [
                    "identity",
                    "gzip",
                    "gzip, chunked",
                    "chunked, chunked",
                    "chunked, identity",
                    "xchunked",
                    "",
                ];
                let twice = "chunked\r\nTransfer-Encoding: chunked";
                let codings = codings.into_iter().chain([twice]);
                refused(arena, codings.map(|coding| format!("Transfer-Encoding: {coding}")))
            },
            ["400, closed"],
        )
        .counts([Reason::MalformedHttp]),
        row(
            "Message framing",
            "chunks in HTTP/1.0",
            |arena| {
                let (session, mut client) = (arena.world.join_polling(), arena.site.connect());
                let head = post(&session, "Transfer-Encoding: chunked");
                client.write(head.replace("HTTP/1.1", "HTTP/1.0"));
                client.write(CHUNKS);
                outcome(arena, client)
            },
            ["400, closed"],
        )
        .counts([Reason::MalformedHttp]),
        row(
            "Message framing",
            "folded fields, and space behind a name",
            |arena| {
                let odd = [
                    "Content-Length: 33\r\n Transfer-Encoding: chunked",
                    "X-Folded: x\r\n\tContent-Length: 33",
                    "Content-Length : 33",
                    "Transfer-Encoding : chunked\r\nContent-Length: 33",
                    " Content-Length: 33",
                ];
                refused(arena, odd)
            },
            ["400, closed"],
        )
        .counts([Reason::MalformedHttp]),
        row(
            "Message framing",
            "the bytes come one by one, or in any two pieces",
            |arena| {
                let session = arena.world.join_polling();
                let request = post(&session, "Content-Length: 33\r\nTransfer-Encoding: chunked");
                let mut slow = arena.site.connect();
                for at in 0..request.len() {
                    slow.write(&request[at..=at]);
                }
                let mut all = outcome(arena, slow);
                for at in 1..request.len() {
                    let mut client = arena.site.connect();
                    client.write(&request[..at]);
                    client.write(&request[at..]);
                    all.extend(outcome(arena, client));
                }
                all.dedup();
                all
            },
            ["400, closed"],
        )
        .counts([Reason::MalformedHttp]),
        row(
            "Message framing",
            "only the third of three requests is in doubt",
            |arena| {
                let (session, mut client) = (arena.world.join_polling(), arena.site.connect());
                let chunked = post(&session, "Transfer-Encoding: chunked");
                let doubtful = post(&session, "Transfer-Encoding: chunked\r\nContent-Length: 33");
                let honest = session.post_bytes("42[\"first\"]");
                client.write([&honest, &chunked, CHUNKS, &doubtful, CHUNKS].concat());
                outcome(arena, client)
            },
            ["200, 200, 400, closed", "[\"first\"]", "[\"all\"]"],
        )
        .counts([Reason::MalformedHttp]),
        row(
            "Message framing",
            "a length and chunks within a body, and behind chunks",
            |arena| {
                let (session, mut client) = (arena.world.join_polling(), arena.site.connect());
                let text = "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
                let within = session
                    .post_bytes(&format!("42[\"it says\"]\x1e42[\"{}\"]", text.escape_default()));
                let chunked = post(&session, "Transfer-Encoding: chunked");
                let requests = [&within, &chunked, CHUNKS, "\r\n", &within].concat();
                for byte in requests.bytes() {
                    client.write([byte]);
                }
                let mut seen = outcome(arena, client);
                seen.retain(|line| !line.contains("Encoding"));
                seen
            },
            ["200, 200, 200, open", "[\"it says\"]", "[\"all\"]", "[\"it says\"]"],
        ),
        row(
            "Message framing",
            "what a WebSocket says is not looked at",
            |arena| {
                let mut client = arena.site.connect();
                client.write(upgrade_request("EIO=4&transport=websocket"));
                let mut seen = vec![client.response().status.to_string()];
                client.text();
                client.send("40");
                client.text();
                client.send("42[\"x\",\"Content-Length: 1\\r\\nContent-Length: 2\\r\\n\\r\\n\"]");
                client.send("420[\"echo\",1]");
                seen.push(client.text());
                seen
            },
            ["101", "430[1]"],
        ),
    ]
}

/// What comes of POSTs with these fields, and chunks behind them.
fn refused<T: AsRef<str>>(arena: &Arena, fields: impl IntoIterator<Item = T>) -> Vec<String> {
    let session = arena.world.join_polling();
    let attempts = fields.into_iter().flat_map(|fields| {
        let mut client = arena.site.connect();
        client.write([&post(&session, fields.as_ref()), CHUNKS].concat());
        outcome(arena, client)
    });
    let mut all: Vec<_> = attempts.collect();
    all.dedup();
    all
}

/// The head of a POST with these fields.
fn post(session: &Polling, fields: &str) -> String {
    format!("POST {} HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n", session.target())
}

/// The responses that have come, whether the connection has ended, and what was told.
fn outcome(arena: &Arena, mut client: Client) -> Vec<String> {
    let responses = std::iter::from_fn(|| client.try_response());
    let mut words: Vec<_> = responses.map(|response| response.status.to_string()).collect();
    words.push(if client.end.has_ended() { "closed" } else { "open" }.to_owned());
    [vec![words.join(", ")], arena.told()].concat()
}
