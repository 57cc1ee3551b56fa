//! Writes the seeds: a few inputs for each target, from which the fuzzer sets out.
//!
//! `cargo run --example seeds` in this folder, after a change to the form of an input.

use std::{fs, io, path::Path};

use spola_fuzz::{
    differential::Stream,
    session::{Compression, Frame, Limits, Payload, Role, Session, Step},
};

fn main() -> io::Result<()> {
    codecs()?;
    compression()?;
    handshakes()?;
    engineio()?;
    socketio()?;
    for (role, target) in [(Role::Server, "server"), (Role::Client, "client")] {
        for (name, session) in sessions() {
            write(target, name, &session.to_bytes())?;
        }
        for (name, frames) in streams() {
            let name = format!("{target}_{name}");
            write("differential", &name, &Stream { role, frames, rest: vec![0x81] }.to_bytes())?;
        }
    }
    Ok(())
}

fn write(target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)
}

fn codecs() -> io::Result<()> {
    for (name, bytes) in [
        ("text", &b"\x81\x05"[..]),
        ("masked", b"\x82\x85\x37\xfa\x21\x3d"),
        ("length_16", b"\x01\x7e\x01\x00"),
        ("length_64_masked", b"\x00\xff\0\0\0\0\0\x01\0\0\x37\xfa\x21\x3d"),
        ("length_not_minimal", b"\x81\x7e\x00\x7d"),
        ("length_top_bit", b"\x82\x7f\x80\0\0\0\0\0\0\0"),
        ("control_too_long", b"\x89\x7e\x00\x7e"),
    ] {
        write("frame_header", name, bytes)?;
    }
    for (name, text) in [
        ("cut_emoji", &b"\x02a\xf0\x9f\x98\x80z"[..]),
        ("surrogate", b"\x00\xed\xa0\x80"),
        ("overlong", b"\x03ab\xc0\xaf"),
        ("too_high", b"\x01\xf4\x90\x80\x80"),
        ("mixed", "\u{1f}Gr\u{fc}\u{df}e, \u{4f60}\u{597d} \u{1f600}".as_bytes()),
    ] {
        write("utf8", name, text)?;
    }
    Ok(())
}

/// A packet or payload behind its kind; a session's steps behind its setup, each behind its mark.
fn engineio() -> io::Result<()> {
    for (name, bytes) in [
        ("text", &b"\x004hello"[..]),
        ("base64", b"\x00bAQIDBA=="),
        ("binary", b"\x01\x01\x02"),
        ("v3_base64", b"\x02b4AQIDBA=="),
        ("v3_binary", b"\x03\x04\x01\x02"),
        ("payload", b"\x044hello\x1e2\x1ebAQIDBA==\x1e4\xe2\x82\xac"),
        ("v3_text_payload", b"\x057:4\xe2\x82\xac5678910:b4AQIDBA==1:2"),
        ("v3_binary_payload", b"\x06\x00\x04\xff4\xe2\x82\xac\x01\x05\xff\x04\x01\x02\x03\x04"),
        ("jsonp", b"\x07d=4%3A4a%5C%5Cn"),
    ] {
        write("engineio_packet", name, bytes)?;
    }
    for (name, bytes) in [
        (
            "polling",
            &b"\x00\xff!g\xff>4hello\x1e4x\xff!s\x05\xff!g\xff!t\x19\xff!g\xff>3\xff>1"[..],
        ),
        ("upgrade", b"\x00\xff!g\xff!u\xff2probe\xff!m\x7f\xff!g\xff5\xff4hi\xff!b\x05\xff!c"),
        ("failed_upgrade", b"\x00\xff!u\xff2probe\xff!t\x0a\xff!g\xff>4still here\xff!w"),
        ("websocket", b"\x01\xff4hello\xfe\x01\x02\xff!s\x20\xff!t\x19\xff3\xff!t\x19\xff!t\x14"),
        ("overlap", b"\x00\xff!g\xff!g\xff!p\xff!p"),
        ("v3", b"\x02\xff!g\xff>2:4a1:2\xff!s\x03\xff!g\xff!d"),
        ("jsonp", b"\x0a\xff!g\xff!b\x03\xff!g\xff!x"),
        ("full", b"\x05\xff!s\x7f\xff!s\x7f\xff!c\xff!w\x01"),
        ("stream", b"\x20\xff<\x014hi\xff!s\x05\xff!a\x01\xff!s\x03\xff!e\x02\xff<\x124x\xff!q\x03\xff<\x034y\xff!t\x0f\xff!c"),
        ("stream_upgrade", b"\x10\xff!g\xff!e\0\xff<\x012probe\xff!m\x7f\xff!g\xff<\x025\xff!s\x05\xff!t\x19\xff<\x033"),
        ("stream_failed_upgrade", b"\x10\xff!e\0\xff<\x012probe\xff!a\x01\xff>4still here"),
        ("stream_gone", b"\x20\xff!a\0\xff!s\x05\xff!t\x0a"),
        ("stream_behind", b"\x20\xff!s\x50\xff!s\x50\xff!s\x50\xff!s\x50\xff!s\x50\xff!e\x01"),
    ] {
        write("engineio_session", name, bytes)?;
    }
    Ok(())
}

/// Messages, each behind its mark.
fn socketio() -> io::Result<()> {
    for (name, bytes) in [
        ("connect", &b"\xff0/admin,{\"token\":\"123\"}"[..]),
        ("event", b"\xff2/admin,456[\"project:delete\",123]\xff3/admin,456[]"),
        ("binary", b"\xff52-[\"a\",{\"_placeholder\":true,\"num\":0}]\xfe\x01\xfe"),
        ("error", b"\xff4/admin,{\"message\":\"no\",\"data\":7}"),
        ("six_bytes", b"\xff51\xe2\x82\xac-"),
        ("surrogates", b"\xff2[\"\\ud83d\",\"\\ud83d\\ude00\"]"),
        ("nested", b"\xff2[\"a\",[[{\"b\":[1e5,-0.5,null,true]}]]]"),
    ] {
        write("socketio_text", name, bytes)?;
        write("socketio_typed", name, &[b"t", bytes].concat())?;
    }
    let record = b"t\xff52-[\"a\",{\"b\":{\"_placeholder\":true,\"num\":1},\"c\":\"x\",\"d\":[\"Unit\",\
        {\"New\":-1},{\"Struct\":{\"x\":{\"_placeholder\":true,\"num\":0},\"y\":\"z\"}}],\"num\":1}]\xfe\x07\xfe";
    write("socketio_typed", "record", record)?;
    for (name, bytes) in [
        ("connect", &b"\x83\xa4type\x00\xa4data\xd4\0\0\xa3nsp\xa1/"[..]),
        ("event", b"\x83\xa4type\x02\xa4data\x93\xa5hello\x01\xc4\x02\x01\x02\xa3nsp\xa1/"),
        ("ack", b"\x84\xa2id\x00\xa4type\x03\xa4data\x91\xa2ok\xa3nsp\xa1/"),
        ("disconnect", b"\x82\xa4type\x01\xa3nsp\xa1/"),
        ("date", b"\x83\xa4type\x02\xa4data\x92\xa1d\xd7\0\0\0\x01\x8b\xcf\xe5\x68\x7b\xa3nsp\xa1/"),
        ("options", b"\x84\xa7options\x81\xa1c\xc3\xa4type\x02\xa4data\x92\xa1m\x81\xa1k\xcb?\xf8\0\0\0\0\0\0\xa3nsp\xa2/a"),
        ("huge", b"\x83\xa3nsp\xa1/\xa4type\x02\xa4data\xdd\xff\xff\xff\xff\xa1a"),
    ] {
        write("socketio_messagepack", name, bytes)?;
        write("socketio_typed", &format!("m_{name}"), &[b"m\xfe", bytes].concat())?;
    }
    for (name, bytes) in [
        ("join", &b"\x00\xff0\xff!a0\xff21[\"a\",1]\xff!e0\xff!q0\xff30[1]\xff1"[..]),
        ("refuse", b"\x00\xff0/a,\xff!r1\xff0/a,\xff!a1\xff!d1\xff2/a,[\"late\"]\xff0/a,"),
        ("binary", b"\x00\xff0\xff!a0\xff51-[\"a\",{\"_placeholder\":true,\"num\":0}]\xfe\x01\xff51-[\"b\"]\xff!t0\x1f"),
        ("questions", b"\x00\xff0\xff!a0\xff!q0\x05\xff!q0\x03\xff!q0\xff!t0\x04\xff!t0\x70\xff!q0\xff!c"),
        ("many", b"\x00\xff0\xff0/a,\xff0/b,\xff!a0\xff!a1\xff0/b,\xff0/c,\xff!a2"),
        ("silence", b"\x00\xff!t0\x2d"),
        ("legacy", b"\x02\xff!a0\xff0/a?token=1,\xff!a1\xff2/a,[\"e\"]\xff4/a,"),
        ("msgpack", b"\x01\xfe\x82\xa4type\0\xa3nsp\xa1/\xff!a0\xff!e0\xff!q0\xff!d0\xff0"),
    ] {
        write("socketio_connection", name, bytes)?;
    }
    Ok(())
}

/// RFC 7692 §7.2.3, behind the sizes of pieces and room.
fn compression() -> io::Result<()> {
    for (name, message) in [
        ("one_block", &b"\x00\x01\xf2\x48\xcd\xc9\xc9\x07\x00"[..]),
        ("stored", b"\x01\x00\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"),
        ("final_block", b"\x02\x01\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
        ("two_blocks", b"\x03\x02\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"),
        ("zeros", b"\x00\x10\xed\xc1\x01\x0d\x00\x00\x00\xc2\xa0\xf7\x4f\x6d\x0e\x07\x00"),
        ("invalid", b"\x07\x07\xff\xff\xff\xff"),
    ] {
        write("inflate", name, message)?;
    }
    for (name, messages) in [
        ("repeated", &b"\x81\x06\x20hello hello\nhello hello\n\nhello"[..]),
        ("fast", b"\x01\x00\x03abcabcabcabc\x00\x01\x02\n\xff\xff"),
        ("stored", b"\x00\x06\xffstored"),
    ] {
        write("deflate", name, messages)?;
    }
    Ok(())
}

const REQUEST: &str = "\x20GET /chat?x=1 HTTP/1.1\r\nHost: server.example.com\r\n\
    Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

const RESPONSE: &str = "\x20HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

fn handshakes() -> io::Result<()> {
    for (name, lines) in [
        ("plain", "\r\nand a frame"),
        (
            "protocols",
            "Sec-WebSocket-Protocol: chat, superchat\r\nOrigin: http://a.example\r\n\r\n",
        ),
        ("deflate", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"),
        ("body", "Content-Length: 5\r\n\r\nhello"),
        ("unfinished", "X-Folded: a\r\n b"),
    ] {
        write("request", name, format!("{REQUEST}{lines}").as_bytes())?;
    }
    for (name, lines) in [
        ("plain", "\r\nand a frame"),
        ("protocol", "Sec-WebSocket-Protocol: superchat\r\n\r\n"),
        ("deflate", "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
    ] {
        write("response", name, format!("{RESPONSE}{lines}").as_bytes())?;
    }
    write("response", "refusal", b"\x20HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")?;
    for (name, value) in [
        ("chromium", "permessage-deflate; client_max_window_bits"),
        ("fallbacks", "permessage-deflate; server_max_window_bits=10, permessage-deflate"),
        ("quoted", "a; x=\"1\\0\"; y,b"),
        ("lines", "permessage-deflate;server_no_context_takeover\nx-other;q=1\npermessage-deflate"),
        ("malformed", "permessage-deflate; =8,,"),
    ] {
        write("negotiation", name, value.as_bytes())?;
    }
    Ok(())
}

/// Opcodes with the FIN bit where it is usual.
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

fn frame(opcode: u8, payload: &[u8]) -> Step {
    Step::Frame(Frame::new(opcode, payload))
}

fn part(first: u8, payload: Payload) -> Frame {
    Frame { first, faults: 0, payload }
}

fn bytes(bytes: &[u8]) -> Payload {
    Payload::Bytes(bytes.to_vec())
}

/// 68 000 bytes.
fn large_payload() -> Payload {
    Payload::Fill(b'x', 17_000)
}

fn sessions() -> Vec<(&'static str, Session)> {
    let session = |limits, cut, steps| Session {
        limits: Limits(limits),
        compression: Compression(0),
        cut,
        steps,
    };
    let with = |compression, session| Session { compression: Compression(compression), ..session };
    let echo = vec![
        frame(TEXT, b"hello"),
        Step::Text(bytes(b"hello")),
        Step::Flush,
        frame(PING, b"p"),
        frame(PONG, b""),
        Step::Write(3),
        frame(CLOSE, b"\x03\xe8bye"),
    ];
    let fragments = vec![
        Step::Frame(part(TEXT, bytes(b"caf\xc3"))),
        frame(PING, b"between"),
        Step::Frame(part(0x00, bytes(b"\xa9"))),
        Step::Frame(part(0x80, bytes(b"!"))),
        frame(BINARY, b"\0\xff"),
    ];
    let large = vec![
        Step::Frame(part(0x80 | BINARY, large_payload())),
        Step::Binary(1, large_payload()),
        Step::Lend(true),
        Step::Binary(2, Payload::Fill(7, 1100)),
        Step::Write(5000),
        Step::Lend(false),
        Step::Frame(part(0x80 | TEXT, large_payload())),
    ];
    let closing = vec![
        Step::Ping(bytes(b"are you there")),
        Step::Close(4001, bytes(b"done")),
        frame(TEXT, b"late"),
        Step::Wait(49),
        Step::EarlyTimeout,
        Step::Wait(600),
        Step::Text(bytes(b"too late")),
    ];
    let slow = vec![
        Step::Bytes(bytes(b"\x82")),
        Step::Wait(50),
        Step::Bytes(bytes(b"\x84\0\0\0\0ab")),
        Step::Wait(3000),
        Step::CloseWithoutStatus,
    ];
    let parts = vec![
        Step::Fragment(1, bytes(b"caf\xc3")),
        Step::Ping(bytes(b"between")),
        Step::Text(bytes(b"not now")),
        Step::Fragment(1, Payload::Fill(b'a', 20)),
        Step::Fragment(1, bytes(b"\xa9")),
        Step::Fragment(1, Payload::Fill(b'a', 20)),
        Step::Write(60),
        frame(PING, b"overtakes"),
        Step::Fragment(3, bytes(b"!")),
        Step::Close(1000, bytes(b"")),
    ];
    let silence = vec![
        frame(TEXT, b"hello"),
        Step::Wait(30),
        frame(PONG, b""),
        Step::Wait(30),
        Step::Flush,
        Step::Wait(20),
    ];
    let announced = vec![Step::Frame(Frame {
        first: 0x80 | BINARY,
        faults: 4,
        payload: Payload::Fill(b'y', 0x6000),
    })];
    let squeezed = |payload: Payload| Step::Frame(Frame { first: 0x80 | TEXT, faults: 8, payload });
    let compressed = vec![
        squeezed(bytes(b"hello hello hello")),
        Step::Text(bytes(b"hello hello hello")),
        squeezed(large_payload()),
        Step::Binary(1, large_payload()),
        Step::Fragment(1, Payload::Fill(b'a', 40)),
        Step::Fragment(3, bytes(b"b")),
        frame(TEXT, b"not this one"),
        Step::Frame(Frame { first: 0x40 | BINARY, faults: 0, payload: bytes(b"\xf2\x48\xcd") }),
        Step::Frame(part(0x80, bytes(b"\xc9\xc9\x07\x00"))),
    ];
    let squeezed_noise = vec![squeezed(bytes(b"\xff")), frame(0x40 | BINARY, b"\xff\xff")];
    let flood = (0..24).map(|_| frame(PING, b"again")).chain([Step::Eof]).collect();
    vec![
        ("echo", session(0, 1, echo)),
        ("fragments", session(0b10, 2, fragments)),
        ("large", session(0, 201, large)),
        ("closing", session(0b10_0000, 7, closing)),
        ("parts", session(0b100_0000, 5, parts)),
        ("silence", session(0b1000_0000, 9, silence)),
        ("announced", session(0, 201, announced)),
        ("compressed", with(0b0001, session(0, 3, compressed.clone()))),
        ("takeover", with(0b1111, session(0b100_0000, 190, compressed))),
        ("inflates_to_no_text", with(0b1, session(0, 0, squeezed_noise))),
        ("slow", session(0b1_0000, 1, slow)),
        ("ping_flood", session(0b100, 33, flood)),
    ]
}

fn streams() -> Vec<(&'static str, Vec<Frame>)> {
    let fault =
        |opcode: u8, faults: u8, payload: &[u8]| Frame { faults, ..Frame::new(opcode, payload) };
    vec![
        ("messages", vec![Frame::new(TEXT, b"hello"), Frame::new(BINARY, &[0; 130])]),
        (
            "fragments",
            vec![
                part(TEXT, bytes(b"\xf0\x9f")),
                Frame::new(PONG, b"x"),
                part(0x80, bytes(b"\x98\x80")),
            ],
        ),
        (
            "large",
            vec![
                part(0x80 | BINARY, large_payload()),
                part(BINARY, large_payload()),
                part(0x80, large_payload()),
            ],
        ),
        ("closed", vec![Frame::new(CLOSE, b"\x0b\xb8later"), Frame::new(TEXT, b"ignored")]),
        ("masking", vec![Frame::new(TEXT, b"a"), fault(TEXT, 1, b"b")]),
        ("length", vec![fault(BINARY, 2, &[7; 20])]),
        ("close_code", vec![Frame::new(CLOSE, b"\x03\xed")]),
    ]
}
