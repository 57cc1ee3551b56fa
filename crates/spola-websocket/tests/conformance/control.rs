//! Pings and pongs (RFC 6455 §5.5.2, §5.5.3), floods of them, and peers that do not read.

use std::time::Duration;

use spola_websocket::Violation;

use crate::{
    common::oracle::{End, Received},
    row::Row,
    wire::{masked, plain},
};

const UNLIMITED: &str = "it does not count control frames";

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = answers();
    rows.extend(floods());
    rows
}

fn answers() -> Vec<Row> {
    let long = [b'p'; 125];
    vec![
        Row::server("a ping", masked(0x89, b"hi")).writes(b"\x8a\x02hi"),
        Row::server("an empty ping", masked(0x89, b"")).writes(b"\x8a\x00"),
        Row::server("the longest ping", masked(0x89, &long)).writes(plain(0x8a, &long)),
        Row::client("a ping to a client", b"\x89\x02hi").writes(b"\x8a\x82\0\0\0\0hi"),
        Row::client("a pong that nobody asked for", b"\x8a\x02hi").pong(b"hi"),
        Row::client("a ping that is no text", b"\x89\x01\xff").writes(b"\x8a\x81\0\0\0\0\xff"),
        Row::server(
            "pings are answered in order",
            [masked(0x89, b"1"), masked(0x89, b"2"), masked(0x89, b"3")].concat(),
        )
        .writes(b"\x8a\x011\x8a\x012\x8a\x013"),
        Row::server("a ping behind a Close frame", [masked(0x88, b""), masked(0x89, b"")].concat())
            .closed(None, ""),
    ]
}

fn pings(count: usize) -> Vec<u8> {
    (0..count).flat_map(|at| masked(0x89, &[at as u8])).collect()
}

fn pongs(numbers: impl IntoIterator<Item = u8>) -> Vec<u8> {
    numbers.into_iter().flat_map(|at| plain(0x8a, &[at])).collect()
}

/// None of these rows reads what is written before its end.
fn floods() -> Vec<Row> {
    let flood = |row: Row| row.refused(1008, Violation::ControlFlood);
    let few = |row: Row| {
        row.limits(|config| {
            config.control_frames_per_second = 10;
            config.control_frames_burst = 3;
        })
    };
    vec![
        Row::server("as many pings unread as are answered", pings(16)).writes(pongs(0..16)),
        Row::server("more: the latest is answered besides", pings(17)).writes(pongs(0..17)),
        Row::server("many more", pings(200)).writes(pongs((0..16).chain([199]))),
        flood(Row::server("a flood of pings", pings(201)).writes(pongs(0..16))).differs(
            UNLIMITED,
            vec![],
            End::Eof,
        ),
        Row::server("a flood where there is no limit", pings(5000))
            .limits(|config| config.control_frames_per_second = 0)
            .writes(pongs((0..16).chain([(4999 % 256) as u8]))),
        few(Row::client("a burst of pongs", b"\x8a\x00".repeat(3))).pong(b"").pong(b"").pong(b""),
        flood(few(Row::client("a pong too many", b"\x8a\x00".repeat(4))))
            .pong(b"")
            .pong(b"")
            .pong(b"")
            .differs(UNLIMITED, vec![Received::Pong(vec![]); 4], End::Eof),
        few(Row::client("pongs at the allowed rate", b"\x8a\x00".repeat(3)))
            .after(Duration::from_millis(100), b"\x8a\x00")
            .after(Duration::from_millis(200), b"\x8a\x00\x8a\x00")
            .pong(b"")
            .pong(b"")
            .pong(b"")
            .pong(b"")
            .pong(b"")
            .pong(b""),
        flood(
            few(Row::client("pongs above it", b"\x8a\x00".repeat(3)))
                .after(Duration::from_millis(100), b"\x8a\x00\x8a\x00"),
        )
        .pong(b"")
        .pong(b"")
        .pong(b"")
        .pong(b""),
        few(Row::client(
            "a Close frame is a control frame too, and the last",
            b"\x8a\x00\x8a\x00\x88\x00",
        ))
        .pong(b"")
        .pong(b"")
        .closed(None, ""),
        few(Row::client("messages are none", b"\x81\x01a".repeat(5)))
            .text("a")
            .text("a")
            .text("a")
            .text("a")
            .text("a"),
    ]
}
