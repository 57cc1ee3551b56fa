//! Compressed messages (RFC 7692 §6, §7.2).

use spola_websocket::{
    Violation,
    deflate::{Agreement, Deflater, Flush, Options},
    handshake::ExtensionOffer,
};

use crate::{
    row::Row,
    wire::{head, masked, plain},
};

/// A server's end, by the default options: no context takeover.
fn agreed() -> Agreement {
    with_takeover(false)
}

fn with_takeover(takeover: bool) -> Agreement {
    let mut options = Options::default();
    options.incoming_context_takeover = takeover;
    options.outgoing_context_takeover = takeover;
    let offer = ExtensionOffer { name: "permessage-deflate", parameters: Vec::new() };
    Agreement::accept(&[offer], &options).unwrap()
}

/// A message, compressed by itself.
fn compressed(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Deflater::new(6, 15).deflate(payload, &mut out, Flush::Message);
    out
}

fn row(name: &str, input: impl AsRef<[u8]>) -> Row {
    Row::server(name, input).compressed(agreed())
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = examples();
    rows.extend(bits());
    rows.extend(broken());
    rows.extend(sizes());
    rows
}

/// RFC 7692 §7.2.3.
fn examples() -> Vec<Row> {
    let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    let stored = b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00";
    let last_block = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
    let two_blocks = b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
    let again = [masked(0xc1, hello), masked(0xc1, b"\xf2\x00\x11\x00\x00")].concat();
    vec![
        row("one block", masked(0xc1, hello)).text("Hello"),
        row("two fragments", [masked(0x41, &hello[..3]), masked(0x80, &hello[3..])].concat())
            .text("Hello"),
        row("a block without compression", masked(0xc1, stored)).text("Hello"),
        row("a block with the final bit", masked(0xc1, last_block)).text("Hello"),
        row("two blocks", masked(0xc1, two_blocks)).text("Hello"),
        row("an empty message", masked(0xc1, b"\x00")).text(""),
        row("an empty last fragment", [masked(0x41, hello), masked(0x80, b"")].concat())
            .text("Hello"),
        Row::server("what refers to the message before", &again)
            .compressed(with_takeover(true))
            .text("Hello")
            .text("Hello"),
        row("what refers to the message before, without takeover", &again)
            .text("Hello")
            .refused(1007, Violation::Inflate),
    ]
}

fn bits() -> Vec<Row> {
    let hello = compressed(b"Hello");
    let wrong = |row: Row| row.refused(1002, Violation::ReservedBits);
    vec![
        row("an uncompressed message", masked(0x81, b"Hello")).text("Hello"),
        row(
            "both kinds in turn",
            [masked(0xc1, &hello), masked(0x81, b"a"), masked(0xc2, &hello)].concat(),
        )
        .text("Hello")
        .text("a")
        .binary(b"Hello"),
        wrong(row(
            "RSV1 on a continuation",
            [masked(0x41, &hello[..2]), masked(0xc0, &hello[2..])].concat(),
        )),
        wrong(row(
            "RSV1 on a continuation of a plain message",
            [masked(0x01, b"a"), masked(0xc0, b"b")].concat(),
        )),
        wrong(row("RSV1 on a ping", masked(0xc9, b"")).limits(|_| {})),
        wrong(row("RSV1 on a Close frame", masked(0xc8, b""))),
        wrong(row("RSV2 besides", masked(0xe1, &hello))),
        row(
            "a ping inside a compressed message",
            [masked(0x41, &hello[..2]), masked(0x89, b"p"), masked(0x80, &hello[2..])].concat(),
        )
        .writes(plain(0x8a, b"p"))
        .text("Hello"),
    ]
}

fn broken() -> Vec<Row> {
    let wrong = |row: Row| row.refused(1007, Violation::Inflate);
    let whole = compressed(b"a text that is long enough to be cut in the middle");
    vec![
        wrong(row("a block of a kind that is not", masked(0xc2, b"\xff\xff\xff\xff"))),
        wrong(row(
            "a stored block with a wrong length",
            masked(0xc2, b"\x00\x05\x00\x00\x00hello"),
        )),
        wrong(row("a reference before the beginning", masked(0xc2, b"\xf2\x00\x11\x00\x00"))),
        wrong(row("a message that ends inside a block", masked(0xc2, &whole[..whole.len() / 2]))),
        wrong(row("a first fragment that is noise", masked(0x42, b"\xff\xff\xff\xff"))),
        row("a text that inflates to none", masked(0xc1, &compressed(b"\xff")))
            .refused(1007, Violation::InvalidUtf8),
        row("a text that inflates to half a character", masked(0xc1, &compressed(b"\xe2\x82")))
            .refused(1007, Violation::InvalidUtf8),
    ]
}

/// The limit is that of the inflated message; what is announced may exceed it by little.
fn sizes() -> Vec<Row> {
    let small = |row: Row| row.limits(|config| config.max_message_size = 1000);
    let too_big = |row: Row| row.refused(1009, Violation::MessageTooBig);
    let wrong = [&b"\xff"[..], &[b'a'; 2000]].concat();
    let noise: Vec<u8> =
        (0..1000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    vec![
        small(row("as large as allowed", masked(0xc2, &compressed(&[1; 1000])))).binary(&[1; 1000]),
        small(row(
            "as large as allowed, and not to be compressed",
            masked(0xc2, &compressed(&noise)),
        ))
        .binary(&noise),
        too_big(small(row("one byte too large", masked(0xc2, &compressed(&[1; 1001]))))),
        too_big(small(row(
            "a thousand times too large",
            masked(0xc2, &compressed(&[1; 1_000_000])),
        ))),
        too_big(small(row(
            "a header that announces too much",
            head(0xc2, 0x80, 2000).into_iter().chain([0; 4]).collect::<Vec<_>>(),
        ))),
        small(row(
            "a text that is wrong before it is too large",
            masked(0xc1, &compressed(&wrong)),
        ))
        .refused(1007, Violation::InvalidUtf8),
        too_big(small(row("fragments that inflate to too much", {
            let whole = compressed(&[1; 2000]);
            [masked(0x42, &whole[..whole.len() / 2]), masked(0x80, &whole[whole.len() / 2..])]
                .concat()
        }))),
    ]
}
