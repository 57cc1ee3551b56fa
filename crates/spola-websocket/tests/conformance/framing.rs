//! Masks, lengths, opcodes and reserved bits (RFC 6455 §5.1, §5.2).

use spola_websocket::{FrameError, Violation};

use crate::{
    common::oracle::{End, Received},
    row::{Row, refused},
    wire::{masked, plain},
};

const GOES_ON: &str = "it accepts lengths not in their shortest form";
const WAITS: &str = "it waits for the whole frame header before it looks at it";

pub(crate) fn rows() -> Vec<Row> {
    [masking(), lengths(), long_forms(), top_bits(), opcodes(), reserved_bits()]
        .into_iter()
        .flatten()
        .collect()
}

fn masking() -> Vec<Row> {
    let wrong = |row: Row| row.refused(1002, Violation::Masking);
    vec![
        wrong(Row::server("an unmasked text", b"\x81\x02hi")),
        wrong(Row::server("an unmasked empty message", b"\x82\x00")),
        wrong(Row::server("an unmasked ping", b"\x89\x00")),
        wrong(Row::server("an unmasked Close frame", b"\x88\x02\x03\xe8")),
        wrong(Row::server("an unmasked continuation", b"\x01\x81\0\0\0\0a\x80\x01b")),
        wrong(Row::server("an unmasked frame behind a good one", b"\x81\x81\0\0\0\0a\x81\x01b"))
            .text("a"),
        wrong(Row::client("a masked text", b"\x81\x82\0\0\0\0hi")),
        wrong(Row::client("a masked empty message", b"\x82\x80\0\0\0\0")),
        wrong(Row::client("a masked ping", b"\x89\x80\0\0\0\0")),
        wrong(Row::client("a masked Close frame", b"\x88\x82\0\0\0\0\x03\xe8")),
        wrong(Row::client("a masked continuation", b"\x01\x01a\x80\x81\0\0\0\0b")),
        Row::server("a key of zeros", b"\x81\x82\0\0\0\0hi").text("hi"),
        Row::server("another key for each frame", b"\x01\x81\x01\0\0\0`\x80\x81\x02\0\0\0`")
            .text("ab"),
    ]
}

/// The edges of each form.
fn lengths() -> Vec<Row> {
    [0, 1, 125, 126, 127, 65_535, 65_536]
        .into_iter()
        .flat_map(|len| {
            let payload = vec![0xe5; len];
            [
                Row::server(format!("{len} bytes to a server"), masked(0x82, &payload))
                    .binary(&payload),
                Row::client(format!("{len} bytes to a client"), plain(0x82, &payload))
                    .binary(&payload),
            ]
        })
        .collect()
}

fn long_forms() -> Vec<Row> {
    let mut rows = Vec::new();
    for (form, len) in
        [(126_u8, 0_usize), (126, 1), (126, 125), (127, 0), (127, 126), (127, 65_535)]
    {
        let digits = (len as u64).to_be_bytes();
        let digits = if form == 126 { &digits[6..] } else { &digits[..] };
        let payload = vec![b'x'; len];
        let wire = [&[0x82, 0x80 | form][..], digits, &[0; 4], &payload].concat();
        rows.push(
            Row::server(format!("length {len} in form {form}"), wire)
                .refused(1002, Violation::Frame(FrameError::NonMinimalLength))
                .differs(GOES_ON, vec![Received::Binary(payload)], End::Eof),
        );
    }
    let too_long = |row: Row| row.refused(1002, Violation::Frame(FrameError::ControlTooLong));
    rows.extend([
        too_long(Row::client("a pong with a length in form 126", b"\x8a\x7e\x00\x02hi")).differs(
            GOES_ON,
            vec![Received::Pong(b"hi".to_vec())],
            End::Eof,
        ),
        too_long(Row::server("a ping of 126 bytes", masked(0x89, &[0; 126]))),
        too_long(Row::client("a ping of 126 bytes to a client", plain(0x89, &[0; 126]))),
        too_long(Row::client("a Close frame of 126 bytes", plain(0x88, &[0; 126]))),
        too_long(Row::server("the start of a long ping", b"\x89\xfe")).differs(
            WAITS,
            vec![],
            End::Eof,
        ),
    ]);
    rows
}

fn top_bits() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, digits) in [
        ("the top bit alone", [0x80, 0, 0, 0, 0, 0, 0, 0]),
        ("the top bit and a small length", [0x80, 0, 0, 0, 0, 0, 0, 5]),
        ("all bits", [0xff; 8]),
    ] {
        let wire = [&b"\x82\xff"[..], &digits, &[0; 4], b"hello"].concat();
        rows.push(
            Row::server(format!("a length with {name}"), wire)
                .refused(1002, Violation::Frame(FrameError::LengthTopBit))
                .differs("it calls such a length too big", vec![], refused(1009)),
        );
    }
    let wire = [&b"\x82\xff\x7f"[..], &[0xff; 7], &[0; 4]].concat();
    rows.push(
        Row::server("the longest length there is", wire).refused(1009, Violation::MessageTooBig),
    );
    rows
}

fn opcodes() -> Vec<Row> {
    let mut rows = Vec::new();
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        let violation = Violation::Frame(FrameError::ReservedOpcode(opcode));
        rows.push(
            Row::server(format!("opcode {opcode}"), masked(0x80 | opcode, b""))
                .refused(1002, violation),
        );
        rows.push(
            Row::client(format!("opcode {opcode} to a client"), plain(opcode, b"hi"))
                .refused(1002, violation),
        );
    }
    for opcode in [8, 9, 10] {
        rows.push(
            Row::server(format!("a fragment with opcode {opcode}"), masked(opcode, b""))
                .refused(1002, Violation::Frame(FrameError::FragmentedControl)),
        );
    }
    rows.push(
        Row::server("a reserved opcode, before the rest of the header", b"\x83\x80")
            .refused(1002, Violation::Frame(FrameError::ReservedOpcode(3)))
            .differs(WAITS, vec![], End::Eof),
    );
    rows
}

/// Compression that nobody asked for, and bits that mean nothing.
fn reserved_bits() -> Vec<Row> {
    let wrong = |row: Row| row.refused(1002, Violation::ReservedBits);
    let mut rows = Vec::new();
    for (bits, name) in [(0x40, "RSV1"), (0x20, "RSV2"), (0x10, "RSV3"), (0x70, "all bits")] {
        for (first, frame) in
            [(0x81, "a text"), (0x82, "bytes"), (0x89, "a ping"), (0x88, "a Close frame")]
        {
            let name = format!("{name} on {frame} without an agreement");
            rows.push(wrong(Row::server(name, masked(first | bits, b""))));
        }
    }
    rows.extend([
        wrong(Row::client("RSV1 on a text to a client", b"\xc1\x01a")),
        wrong(Row::client("RSV1 on the first fragment", b"\x41\x01a")),
        wrong(Row::client("RSV1 on a continuation", b"\x01\x01a\xc0\x01b")),
    ]);
    rows
}
