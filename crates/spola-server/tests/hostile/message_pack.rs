//! Packets in MessagePack (§5 of the limits text).

use spola_server::RejectReason as Reason;

use crate::arena::{Arena, Format, Row, connect, row};
use crate::harness::hex;
use crate::packets::{FORCED, one_of};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = vec![
        row(
            "MessagePack depth",
            "half a megabyte of arrays",
            |arena| packed(arena, &[&[0x92, 0xa1, b'a'][..], &[0x91; 500_000]].concat()),
            FORCED,
        )
        .counts([Reason::MalformedPacket])
        .within(4 * 1024),
        row(
            "MessagePack container sizes",
            "four billion announced",
            |arena| {
                let sizes =
                    ["dd ff ff ff ff", "df ff ff ff ff", "c6 ff ff ff ff", "db ff ff ff ff"];
                let more = ["c9 ff ff ff ff 05", "dc ff ff", "de ff ff"];
                let all = sizes.into_iter().chain(more);
                one_of(
                    all.map(|size| packed(arena, &[hex("92 a1 61"), hex(size)].concat())).collect(),
                )
            },
            FORCED,
        )
        .counts([Reason::MalformedPacket]),
        row(
            "MessagePack container sizes",
            "four billion announced for the packet itself",
            |arena| {
                let all = ["df ff ff ff ff", "dd ff ff ff ff", "c6 ff ff ff ff", "c1", ""];
                one_of(
                    all.map(|bytes| {
                        let mut client = arena.world.open_websocket();
                        client.send_binary(&connect());
                        client.frames();
                        client.send_binary(&hex(bytes));
                        arena.came(client)
                    })
                    .into(),
                )
            },
            FORCED,
        )
        .counts([Reason::MalformedPacket]),
        row(
            "MessagePack",
            "bytes behind the packet",
            |arena| packed(arena, &hex("91 a1 61 c0")),
            FORCED,
        )
        .counts([Reason::MalformedPacket]),
        row(
            "MessagePack",
            "a text that is none",
            |arena| packed(arena, &hex("91 a2 c3 28")),
            FORCED,
        )
        .counts([Reason::MalformedPacket]),
    ];
    for row in &mut rows {
        row.format = Format::MessagePack;
    }
    rows
}

/// An event in MessagePack whose data is `data`, to its end.
fn packed(arena: &mut Arena, data: &[u8]) -> Vec<String> {
    let mut client = arena.world.open_websocket();
    client.send_binary(&connect());
    client.frames();
    // `{type: 2, nsp: "/", data: …`
    let start = hex("83 a4 74 79 70 65 02 a3 6e 73 70 a1 2f a4 64 61 74 61");
    client.send_binary(&[&start, data].concat());
    arena.came(client)
}
