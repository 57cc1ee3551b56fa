//! Packets of Socket.IO (§5 of the limits text).

use spola_server::RejectReason as Reason;

use crate::arena::{Arena, Row, row};

pub(crate) const FORCED: [&str; 2] = ["Close", "forced close"];

pub(crate) fn rows() -> Vec<Row> {
    [events(), json(), attachments(), acks()].into_iter().flatten().collect()
}

fn events() -> Vec<Row> {
    vec![
        row("Event name", "1025 bytes", |arena| arena.sends([event(&"n".repeat(1025))]), FORCED)
            .counts([Reason::EventName]),
        row(
            "Event name",
            "1024 bytes written as 6144",
            |arena| {
                let seen = arena.sends([event(&"\\u0061".repeat(1024))]);
                vec![(seen.len(), seen[0].len() > 1024).0.to_string()]
            },
            ["1"],
        ),
        row(
            "Event name",
            "neither a string nor a number",
            |arena| {
                all_the_same(
                    arena,
                    ["2[]", "2[null]", "2[true]", "2[{}]", "2[[]]", "2{}", "2\"a\"", "2null"],
                )
            },
            FORCED,
        )
        .counts([Reason::MalformedPacket]),
        row(
            "Event name",
            "none",
            |arena| all_the_same(arena, ["2", "21", "2/", "3", "3/,", "31{}", "51-", "61-"]),
            FORCED,
        )
        .counts([Reason::MalformedPacket]),
        row(
            "Reserved names",
            "each of them, escapes included",
            |arena| {
                let names =
                    ["connect", "connect_error", "disconnect", "disconnecting", "newListener"];
                let more = ["removeListener", "\\u0063onnect", "disconn\\u0065ct"];
                let all = names.into_iter().chain(more);
                all_the_same(arena, all.map(|name| format!("2[\"{name}\"]")))
            },
            FORCED,
        )
        .counts([Reason::ReservedEvent]),
        row(
            "Packet type",
            "none that there is",
            |arena| all_the_same(arena, ["", "7", "9", "a", " 2[\"a\"]", "é", "١[\"a\"]", "-1"]),
            FORCED,
        )
        .counts([Reason::MalformedPacket]),
    ]
}

fn json() -> Vec<Row> {
    vec![
        row("JSON depth", "128", |arena| arena.sends([nested(127)]).split_off(1), []),
        row("JSON depth", "129", |arena| arena.sends([nested(128)]), FORCED)
            .counts([Reason::Depth]),
        row(
            "JSON depth",
            "a megabyte of brackets",
            |arena| arena.sends([format!("42[\"a\",{}", "[".repeat(999_000))]),
            FORCED,
        )
        .counts([Reason::Depth])
        .within(6 * 1024),
        row(
            "JSON depth",
            "a megabyte of objects",
            |arena| arena.sends([format!("42[\"a\",{}", "{\"a\":".repeat(199_000))]),
            FORCED,
        )
        .counts([Reason::Depth])
        .within(6 * 1024),
        row(
            "JSON",
            "cut short, followed by something, or no JSON",
            |arena| {
                let cut =
                    ["2[\"a\"", "2[\"a", "2[\"a\",]", "2[\"a\"]x", "2[\"a\"],", "2[\"a\",01]"];
                let more =
                    ["2[\"a\",+1]", "2[\"a\",.5]", "2['a']", "2[\"a\",NaN]", "2[\"a\",\"\\x\"]"];
                let wide = ["2[\"a\",\"\\ud83\"]", "2[\"a\",\u{a0}1]", "2[\"a\",\"\u{1}\"]"];
                all_the_same(arena, cut.into_iter().chain(more).chain(wide))
            },
            FORCED,
        )
        .counts([Reason::MalformedPacket]),
        row(
            "JSON",
            "a number beyond a double",
            |arena| {
                all_the_same(
                    arena,
                    ["2[\"a\",1e999]".to_owned(), format!("2[\"a\",{}]", "9".repeat(400))],
                )
            },
            FORCED,
        )
        .counts([Reason::MalformedPacket]),
        row(
            "JSON",
            "half of an emoji",
            |arena| arena.sends([r#"420["echo","\ud83d"]"#]),
            ["430[\"\u{fffd}\"]"],
        ),
        row(
            "JSON",
            "a megabyte of numbers",
            |arena| {
                let text = format!("42[\"echo\"{}]", ",1".repeat(499_000));
                arena.sends([text])
            },
            [],
        )
        .within(10 * 1024),
    ]
}

fn attachments() -> Vec<Row> {
    vec![
        row(
            "Attachments per packet",
            "none, eleven, or no plain digits",
            |arena| {
                let counts = [
                    "0",
                    "11",
                    "99999999999999999999",
                    "",
                    "x",
                    "-1",
                    "1.5",
                    "1e0",
                    " 1",
                    "+1",
                    "١",
                ];
                all_the_same(arena, counts.map(|count| format!("5{count}-[\"a\"]")))
            },
            FORCED,
        )
        .counts([Reason::Attachments]),
        row(
            "Attachments per packet",
            "text where one is due",
            |arena| arena.sends([header(1), "42[\"b\"]".to_owned()]),
            FORCED,
        )
        .counts([Reason::MalformedPacket]),
        row(
            "Attachments per packet",
            "one where none is due",
            |arena| {
                let mut client = arena.world.join();
                client.send_binary(&[0]);
                arena.came(client)
            },
            FORCED,
        )
        .counts([Reason::MalformedPacket]),
        row(
            "Binary packet total",
            "ten megabytes and a bit",
            |arena| {
                let mut client = arena.world.join();
                client.send(&header(10));
                for _ in 0..10 {
                    client.send_binary(&[0; 1_000_000]);
                }
                arena.came(client)
            },
            FORCED,
        )
        .counts([Reason::PacketTooLarge])
        .within(16 * 1024)
        .leaving(8 * 1024),
        row(
            "Time to complete a binary packet",
            "the last attachment never comes",
            |arena| {
                let mut client = arena.world.join();
                client.send(&header(2));
                client.send_binary(&[0]);
                arena.advance_seconds(20);
                client.send("3");
                arena.advance_seconds(10);
                arena.came(client)
            },
            ["2", "Close", "forced close"],
        )
        .counts([Reason::AttachmentsTimeout]),
        row(
            "Binary header for a namespace not joined",
            "closed before its attachments",
            |arena| arena.sends(["451-/1,[\"a\",{\"_placeholder\":true,\"num\":0}]"]),
            ["Close", "forced close"],
        )
        .counts([Reason::NotJoined]),
        row(
            "Placeholder index",
            "no index of an attachment",
            |arena| {
                let indices =
                    ["1", "-1", "0.5", "\"0\"", "null", "1e1", "18446744073709551616", "[0]"];
                let mut all = Vec::new();
                for index in indices {
                    let mut client = arena.world.join();
                    client.send(&format!("451-[\"a\",{{\"_placeholder\":true,\"num\":{index}}}]"));
                    client.send_binary(&[0]);
                    all.push(arena.came(client));
                }
                one_of(all)
            },
            FORCED,
        )
        .counts([Reason::Placeholder]),
        row(
            "Placeholder index",
            "a hundred kilobytes, named ninety times",
            |arena| {
                let mut client = arena.world.join();
                let named = vec![PLACEHOLDER; 90].join(",");
                client.send(&format!("451-0[\"bytes\",{PLACEHOLDER},[{named}]]"));
                client.send_binary(&[7; 100_000]);
                arena.came(client)
            },
            ["430[90]"],
        )
        .within(10 * 1024)
        .leaving(128),
        row(
            "Placeholder index",
            "a megabyte, named ten thousand times",
            |arena| {
                let mut client = arena.world.join();
                let named = vec![PLACEHOLDER; 10_000].join(",");
                client.send(&format!("451-0[\"bytes\",{PLACEHOLDER},[{named}]]"));
                client.send_binary(&[7; 1_000_000]);
                arena.came(client)
            },
            FORCED,
        )
        .counts([Reason::PacketTooLarge])
        .within(5 * 1024),
        row(
            "Partial binary packets",
            "dropped with the session",
            |arena| {
                let mut client = arena.world.join();
                client.send(&header(10));
                for _ in 0..9 {
                    client.send_binary(&[0; 100_000]);
                }
                client.reset();
                arena.told()
            },
            ["transport close"],
        )
        .within(2 * 1024)
        .leaving(256),
    ]
}

const PLACEHOLDER: &str = "{\"_placeholder\":true,\"num\":0}";

fn acks() -> Vec<Row> {
    vec![
        row(
            "Acknowledgement id",
            "beyond 2^53 - 1",
            |arena| {
                all_the_same(
                    arena,
                    [
                        "29007199254740992[\"a\"]",
                        "299999999999999999999[\"a\"]",
                        "39007199254740992[]",
                    ],
                )
            },
            FORCED,
        )
        .counts([Reason::AckId]),
        row(
            "Unknown acknowledgement",
            "ten thousand of them",
            |arena| {
                let mut client = arena.world.join();
                for id in 0..10_000 {
                    client.send(&format!("43{id}[]"));
                }
                client.send(r#"420["echo",1]"#);
                arena.came(client)
            },
            ["430[1]"],
        )
        .counts([Reason::UnknownAck]),
        row(
            "Outstanding acknowledgements we await",
            "none of 10 000 questions is answered",
            |arena| {
                let mut client = arena.world.join();
                for _ in 0..10_000 {
                    client.send(r#"42["ask"]"#);
                }
                let asked = client.texts().len();
                arena.advance_seconds(60);
                vec![asked.to_string(), arena.came(client).join(", ")]
            },
            ["8192", "2, Close, ping timeout"],
        )
        .counts([Reason::PingTimeout, Reason::CloseTimeout, Reason::AwaitedAcks])
        .within(32 * 1024),
    ]
}

fn event(name: &str) -> String {
    format!("42[\"{name}\"]")
}

fn nested(arrays: usize) -> String {
    format!("42[\"a\",{}{}]", "[".repeat(arrays), "]".repeat(arrays))
}

fn header(attachments: usize) -> String {
    format!("45{attachments}-[\"a\",{PLACEHOLDER}]")
}

/// What comes of each of these packets on a session of its own, if that is the same for all.
pub(crate) fn all_the_same<T: AsRef<str>>(
    arena: &mut Arena,
    packets: impl IntoIterator<Item = T>,
) -> Vec<String> {
    let all = packets.into_iter().map(|packet| {
        let mut seen = arena.sends([format!("4{}", packet.as_ref())]);
        if seen != FORCED {
            seen.push(format!("of {}", packet.as_ref()));
        }
        seen
    });
    one_of(all.collect())
}

pub(crate) fn one_of(mut all: Vec<Vec<String>>) -> Vec<String> {
    all.dedup();
    all.concat()
}
