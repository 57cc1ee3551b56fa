//! Close frames: their codes, their reasons, and what follows them (RFC 6455 §5.5.1, §7).

use std::time::Duration;

use spola_websocket::Violation;

use crate::{
    row::{Row, refused},
    wire::{masked, plain},
};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = codes();
    rows.extend(bodies());
    rows.extend(afterwards());
    rows
}

fn codes() -> Vec<Row> {
    let mut rows = Vec::new();
    for code in
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999]
    {
        rows.push(
            Row::server(format!("code {code}"), masked(0x88, &u16::to_be_bytes(code)))
                .closed(Some(code), ""),
        );
    }
    rows.push(
        Row::server("code 1014", masked(0x88, &u16::to_be_bytes(1014)))
            .closed(Some(1014), "")
            .differs("it was written before 1014 was registered", vec![], refused(1002)),
    );
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        rows.push(
            Row::server(
                format!("code {code}, which must not be sent"),
                masked(0x88, &u16::to_be_bytes(code)),
            )
            .refused(1002, Violation::CloseCode(code)),
        );
    }
    rows
}

fn bodies() -> Vec<Row> {
    let wrong = |row: Row| row.refused(1007, Violation::InvalidUtf8);
    let longest = "x".repeat(123);
    vec![
        Row::server("no body", masked(0x88, b"")).closed(None, ""),
        Row::server("a body of one byte", masked(0x88, b"\x03"))
            .refused(1002, Violation::CloseBody),
        Row::server("a reason", masked(0x88, b"\x03\xe8bye \xe2\x82\xac"))
            .closed(Some(1000), "bye \u{20ac}"),
        Row::server(
            "the longest reason",
            masked(0x88, &[b"\x03\xe8", longest.as_bytes()].concat()),
        )
        .closed(Some(1000), &longest),
        wrong(Row::server("a reason that is no text", masked(0x88, b"\x03\xe8\xff"))),
        wrong(Row::server(
            "a reason that ends inside a character",
            masked(0x88, b"\x03\xe8\xe2\x82"),
        )),
        Row::client("to a client", b"\x88\x05\x0f\xa1bye").closed(Some(4001), "bye"),
    ]
}

fn afterwards() -> Vec<Row> {
    let seconds = Duration::from_secs;
    vec![
        Row::server(
            "a message behind it",
            [masked(0x88, b"\x03\xe8"), masked(0x81, b"late")].concat(),
        )
        .closed(Some(1000), ""),
        Row::server("noise behind it", [&masked(0x88, b"\x03\xe8")[..], &[0xff; 50]].concat())
            .closed(Some(1000), ""),
        Row::client("a second one", b"\x88\x02\x03\xe8\x88\x02\x03\xe9").closed(Some(1000), ""),
        Row::client("a message before it", [plain(0x81, b"a"), plain(0x88, b"")].concat())
            .text("a")
            .closed(None, ""),
        Row::client("a good message behind a violation", b"\x83\x00\x81\x01a")
            .refused(1002, Violation::Frame(spola_websocket::FrameError::ReservedOpcode(3))),
        Row::client("a server that does not hang up", b"\x88\x02\x03\xe8")
            .after(seconds(5), b"")
            .closed(Some(1000), ""),
    ]
}
