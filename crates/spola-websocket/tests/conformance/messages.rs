//! Fragments, sizes, text and time (RFC 6455 §5.4, §8.1).

use std::time::Duration;

use spola_websocket::Violation;

use crate::{
    common::oracle::{End, Received},
    row::Row,
    wire::{head, masked, plain},
};

const UNLIMITED: &str = "it does not count fragments";
const LATER: &str = "it looks at the size of a fragment when it is complete";

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = sequences();
    rows.extend(sizes());
    rows.extend(floods());
    rows.extend(texts());
    rows.extend(times());
    rows
}

fn sequences() -> Vec<Row> {
    let stray = |row: Row| row.refused(1002, Violation::UnexpectedContinuation);
    let inside = |row: Row| row.refused(1002, Violation::ExpectedContinuation);
    vec![
        stray(Row::server("a continuation of nothing", masked(0x00, b"a"))),
        stray(Row::server("a last continuation of nothing", masked(0x80, b"a"))),
        stray(Row::client("a continuation of a whole message", b"\x81\x01a\x80\x01b")).text("a"),
        stray(Row::client("a continuation after the last one", b"\x01\x01a\x80\x01b\x80\x01c"))
            .text("ab"),
        inside(Row::client("a text inside a text", b"\x01\x01a\x81\x01b")),
        inside(Row::client("bytes inside a text", b"\x01\x01a\x82\x01b")),
        inside(Row::client("a fragment inside bytes", b"\x02\x01a\x02\x01b")),
        Row::client("fragments", b"\x01\x01a\x00\x01b\x80\x01c").text("abc"),
        Row::client("fragments of bytes", b"\x02\x01\xff\x80\x01\xfe").binary(b"\xff\xfe"),
        Row::server(
            "a ping inside a message",
            b"\x01\x81\0\0\0\0a\x89\x81\0\0\0\0p\x80\x80\0\0\0\0",
        )
        .text("a")
        .writes(b"\x8a\x01p"),
        Row::client("a pong inside a message", b"\x01\x01a\x8a\x01p\x80\x01b")
            .pong(b"p")
            .text("ab"),
        Row::client("a Close frame inside a message", b"\x01\x01a\x88\x00").closed(None, ""),
        Row::client("the end inside a header", b"\x82"),
        Row::client("the end inside a payload", b"\x82\x05ab"),
        Row::client("the end inside a message", b"\x02\x02ab"),
    ]
}

/// The size of a message is summed over its fragments, and announced sizes count at once.
fn sizes() -> Vec<Row> {
    let ten = |row: Row| row.limits(|config| config.max_message_size = 10);
    let too_big = |row: Row| row.refused(1009, Violation::MessageTooBig);
    vec![
        ten(Row::client("as large as allowed", plain(0x82, &[1; 10]))).binary(&[1; 10]),
        too_big(ten(Row::client("one byte too large", plain(0x82, &[1; 11])))),
        too_big(ten(Row::client("a header that announces too much", head(0x82, 0, 11)))),
        ten(Row::client("fragments as large as allowed", fragments(&[4, 0, 6]))).binary(&[1; 10]),
        too_big(ten(Row::client("fragments one byte too large", fragments(&[4, 6, 1])))),
        too_big(ten(Row::client(
            "a fragment that announces too much",
            [plain(0x02, &[1; 10]), head(0x80, 0, 1)].concat(),
        )))
        .differs(LATER, vec![], End::Eof),
        too_big(Row::client(
            "a fragment that makes the sum overflow",
            [&plain(0x02, &[1; 2])[..], b"\x80\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"].concat(),
        )),
        too_big(Row::client("four GiB and a bit", b"\x82\x7f\0\0\0\x01\0\0\0\x05hello")),
        Row::client("an empty message where none may be larger", b"\x82\x00")
            .limits(|config| config.max_message_size = 0)
            .binary(b""),
        too_big(
            Row::client("one byte where none is allowed", b"\x82\x01a")
                .limits(|config| config.max_message_size = 0),
        ),
        too_big(Row::client("the default limit", head(0x81, 0, 1_000_001))),
        ten(Row::client("control frames do not count", b"\x02\x08abcdefgh\x8a\x03abc\x80\x02ij"))
            .pong(b"abc")
            .binary(b"abcdefghij"),
        too_big(ten(Row::client("a message before one too large", b"\x81\x01a\x82\x0b"))).text("a"),
    ]
}

/// A message of bytes, a fragment for each size.
fn fragments(sizes: &[usize]) -> Vec<u8> {
    let last = sizes.len() - 1;
    let fragment = |(at, size): (usize, &usize)| {
        let fin = if at == last { 0x80 } else { 0 };
        let opcode = if at == 0 { 2 } else { 0 };
        plain(fin | opcode, &vec![1; *size])
    };
    sizes.iter().enumerate().flat_map(fragment).collect()
}

fn floods() -> Vec<Row> {
    let many = |row: Row| row.refused(1008, Violation::TooManyFragments);
    let four = |row: Row| row.limits(|config| config.max_fragments = 4);
    vec![
        four(Row::client("as many fragments as allowed", fragments(&[1; 4]))).binary(&[1; 4]),
        many(four(Row::client("one fragment too many", fragments(&[1; 5])))).differs(
            UNLIMITED,
            vec![Received::Binary(vec![1; 5])],
            End::Eof,
        ),
        four(Row::client("empty fragments as many as allowed", fragments(&[0; 4]))).binary(b""),
        many(four(Row::client("an empty fragment too many", fragments(&[0; 5])))).differs(
            UNLIMITED,
            vec![Received::Binary(vec![])],
            End::Eof,
        ),
        Row::client("the default number of fragments", fragments(&[1; 1024])).binary(&[1; 1024]),
        many(Row::client("a flood of empty fragments", fragments(&[0; 100_000]))).differs(
            UNLIMITED,
            vec![Received::Binary(vec![])],
            End::Eof,
        ),
        many(Row::client(
            "a flood that never ends",
            b"\x01\x00".iter().chain(&[0; 4000]).copied().collect::<Vec<_>>(),
        ))
        .differs(UNLIMITED, vec![], End::Eof),
        Row::client(
            "fragments are counted for each message",
            [fragments(&[1; 4]), fragments(&[1; 4])].concat(),
        )
        .limits(|config| config.max_fragments = 4)
        .binary(&[1; 4])
        .binary(&[1; 4]),
        Row::client("whole messages are no fragments", b"\x81\x01a".repeat(3))
            .limits(|config| config.max_fragments = 1)
            .text("a")
            .text("a")
            .text("a"),
    ]
}

fn texts() -> Vec<Row> {
    let wrong = |row: Row| row.refused(1007, Violation::InvalidUtf8);
    let mut rows = vec![
        wrong(Row::client("a text that ends inside a character", b"\x81\x02\xe2\x82")),
        wrong(Row::client(
            "a fragmented text that ends inside a character",
            b"\x01\x01\xe2\x80\x01\x82",
        )),
        wrong(Row::client(
            "a text whose last fragment is empty, inside a character",
            b"\x01\x01\xe2\x80\x00",
        )),
        Row::client("a character in three fragments", b"\x01\x01\xe2\x00\x01\x82\x80\x01\xac")
            .text("\u{20ac}"),
        Row::client(
            "a character around an empty fragment",
            b"\x01\x01\xe2\x00\x00\x80\x02\x82\xac",
        )
        .text("\u{20ac}"),
        Row::client("a character around a pong", b"\x01\x01\xc3\x8a\x00\x80\x01\xa9")
            .pong(b"")
            .text("\u{e9}"),
        Row::client("bytes need not be text", b"\x82\x01\xff").binary(b"\xff"),
        wrong(Row::client("a fragment that is no text, before the next", b"\x01\x01\xff")),
        wrong(Row::client("half a frame that is no text", b"\x81\x05\xff")).differs(
            "it looks at a frame when it is complete",
            vec![],
            End::Eof,
        ),
        wrong(Row::client("a text before one that is none", b"\x81\x01a\x81\x01\xff")).text("a"),
    ];
    for (name, bytes) in [
        ("a surrogate", &b"\xed\xa0\x80"[..]),
        ("an overlong slash", b"\xc0\xaf"),
        ("an overlong euro", b"\xf0\x82\x82\xac"),
        ("more than U+10FFFF", b"\xf4\x90\x80\x80"),
        ("five bytes", b"\xf8\x88\x80\x80\x80"),
        ("a lone continuation byte", b"a\x80"),
    ] {
        rows.push(wrong(Row::server(format!("a text with {name}"), masked(0x81, bytes))));
    }
    for (name, text) in [
        ("nothing", ""),
        ("NUL", "\0"),
        ("a noncharacter", "\u{ffff}"),
        ("the last code point", "\u{10ffff}"),
    ] {
        rows.push(
            Row::server(format!("a text of {name}"), masked(0x81, text.as_bytes())).text(text),
        );
    }
    rows
}

fn times() -> Vec<Row> {
    let late = |row: Row| row.refused(1008, Violation::MessageTimeout);
    let seconds = Duration::from_secs;
    vec![
        late(
            Row::client("a fragmented message that is never completed", b"\x01\x01a")
                .after(seconds(30), b""),
        ),
        late(Row::client("a header that is never completed", b"\x81").after(seconds(30), b"")),
        late(
            Row::client("a payload that is never completed", b"\x82\x05ab").after(seconds(31), b""),
        ),
        late(
            Row::client("a message that trickles in", b"\x82\x05a")
                .after(seconds(15), b"b")
                .after(seconds(15), b"c"),
        ),
        Row::client("a message in just the time it has", b"\x82\x03a")
            .after(Duration::from_millis(29_999), b"bc")
            .binary(b"abc"),
        Row::client("silence between messages", b"\x82\x01a")
            .after(seconds(86_400), b"\x82\x01b")
            .binary(b"a")
            .binary(b"b"),
        Row::client("as long as it takes, where nothing says otherwise", b"\x82\x02a")
            .limits(|config| config.message_timeout = None)
            .after(seconds(86_400), b"b")
            .binary(b"ab"),
    ]
}
