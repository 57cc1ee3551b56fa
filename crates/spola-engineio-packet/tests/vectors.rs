//! The vectors of the Engine.IO reference, both ways.

use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use spola_engineio_packet::{
    EncodedMessage, Handshake, Message, NotAMessage, Packet, PacketError, WebSocketMessage,
    event_stream,
    payload::{self, Decoder, Encoder, PayloadError, SeparatorInText},
};

const OPEN: &str = r#"{"sid":"AAECAwQFBgcICQoLAAAA","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

fn text(text: &'static str) -> Packet {
    Packet::Message(Message::from(text))
}

fn binary(data: &'static [u8]) -> Packet {
    Packet::Message(Message::Binary(Bytes::from_static(data)))
}

fn decode(wire: &'static str) -> Result<Packet, PacketError> {
    Packet::decode_text(ByteString::from_static(wire))
}

#[test]
fn packets_in_text_form() {
    let table = [
        ("0x", Packet::Open("x".into())),
        ("1", Packet::Close),
        ("2", Packet::Ping { probe: false }),
        ("2probe", Packet::Ping { probe: true }),
        ("3", Packet::Pong { probe: false }),
        ("3probe", Packet::Pong { probe: true }),
        ("4hello", text("hello")),
        ("4", text("")),
        ("4€", text("€")),
        ("4b", text("b")),
        ("5", Packet::Upgrade),
        ("6", Packet::Noop),
    ];
    for (wire, packet) in table {
        assert_eq!(decode(wire), Ok(packet.clone()), "{wire}");
        assert_eq!(packet.encode(), WebSocketMessage::from_static(wire));
    }
}

#[test]
fn binary_as_text() {
    let table: [(&str, &[u8]); 4] = [
        ("bAQIDBA==", &[1, 2, 3, 4]),
        ("b", &[]),
        ("bAQIDBAU=", &[1, 2, 3, 4, 5]),
        ("b+/+/", &[0xfb, 0xff, 0xbf]),
    ];
    for (wire, data) in table {
        assert_eq!(decode(wire), Ok(binary(data)), "{wire}");
        let native = binary(data).encode();
        assert_eq!(native, WebSocketMessage::Binary(Bytes::from_static(data)));
        assert_eq!(Packet::decode(native.clone()), Ok(binary(data)));
        assert_eq!(payload::packet_len(&native), wire.len());
        assert_eq!(native.into_text(), wire);
    }
}

#[test]
fn data_of_packets_that_have_none_is_dropped() {
    let table = [
        ("1x", Packet::Close),
        ("2prob", Packet::Ping { probe: false }),
        ("2probes", Packet::Ping { probe: false }),
        ("3x", Packet::Pong { probe: false }),
        ("5x", Packet::Upgrade),
        ("6x", Packet::Noop),
    ];
    for (wire, packet) in table {
        assert_eq!(decode(wire), Ok(packet), "{wire}");
    }
}

#[test]
fn texts_that_are_no_packets() {
    let table = [
        ("", PacketError::Empty),
        ("7", PacketError::UnknownType(b'7')),
        ("9", PacketError::UnknownType(b'9')),
        ("a", PacketError::UnknownType(b'a')),
        (" 4", PacketError::UnknownType(b' ')),
        ("€", PacketError::UnknownType(0xe2)),
        ("é4", PacketError::UnknownType(0xc3)),
        ("\u{1e}", PacketError::UnknownType(0x1e)),
        ("b!!", PacketError::Base64),
        ("bAQIDBA", PacketError::Base64),
        ("bAQIDBA=", PacketError::Base64),
        ("bAQIDBB==", PacketError::Base64),
        ("b-_-_", PacketError::Base64),
        ("bAQID BA==", PacketError::Base64),
        ("b=", PacketError::Base64),
        ("b====", PacketError::Base64),
        ("b€", PacketError::Base64),
    ];
    for (wire, error) in table {
        assert_eq!(decode(wire), Err(error), "{wire}");
    }
}

#[test]
fn handshake_has_the_official_bytes() {
    let mut handshake = Handshake {
        sid: "AAECAwQFBgcICQoLAAAA",
        upgrades: &["websocket"],
        ping_interval: Duration::from_secs(25),
        ping_timeout: Duration::from_secs(20),
        max_payload: 1_000_000,
    };
    assert_eq!(handshake.to_json(), OPEN);
    let packet = Packet::Open(handshake.to_json()).encode();
    assert_eq!(packet.len(), 118);
    handshake.upgrades = &[];
    assert_eq!(handshake.to_packet(), Packet::Open(handshake.to_json()).encode());
    assert_eq!(handshake.to_packet().len(), 107);
    handshake.upgrades = &["websocket", "webtransport"];
    assert!(handshake.to_json().contains(r#""upgrades":["websocket","webtransport"],"#));
}

#[test]
fn payloads() {
    let table: [(&str, Vec<Packet>); 4] = [
        (
            "4a\u{1e}bAQIDBA==\u{1e}4\u{1e}b",
            vec![text("a"), binary(&[1, 2, 3, 4]), text(""), binary(&[])],
        ),
        (
            "0x\u{1e}4€\u{1e}2",
            vec![Packet::Open("x".into()), text("€"), Packet::Ping { probe: false }],
        ),
        ("6\u{1e}1", vec![Packet::Noop, Packet::Close]),
        ("4abcd", vec![text("abcd")]),
    ];
    for (body, packets) in table {
        let decoded: Result<Vec<_>, _> = Decoder::new(ByteString::from_static(body)).collect();
        assert_eq!(decoded, Ok(packets.clone()), "{body:?}");

        let lens = packets.iter().map(|packet| payload::packet_len(&packet.encode()));
        let len = lens.sum::<usize>() + packets.len() - 1;
        let mut encoder = Encoder::with_capacity(len);
        assert!(encoder.is_empty());
        for packet in &packets {
            encoder.push(&packet.encode()).unwrap();
        }
        assert_eq!(encoder.len(), len);
        assert_eq!(encoder.finish(), body);
    }
}

#[test]
fn payload_stops_at_the_first_bad_piece() {
    let a = || Ok(text("a"));
    let bad = |error| Err(PayloadError::Packet(error));
    let table = [
        ("", vec![bad(PacketError::Empty)]),
        ("\u{1e}", vec![bad(PacketError::Empty)]),
        ("4a\u{1e}", vec![a(), bad(PacketError::Empty)]),
        ("4a\u{1e}9\u{1e}4b", vec![a(), bad(PacketError::UnknownType(b'9'))]),
        ("4a\u{1e}\u{1e}4b", vec![a(), bad(PacketError::Empty)]),
        ("4a\u{1e}b!\u{1e}4b", vec![a(), bad(PacketError::Base64)]),
    ];
    for (body, items) in table {
        let mut decoder = Decoder::new(ByteString::from_static(body));
        let decoded: Vec<_> = decoder.by_ref().collect();
        assert_eq!(decoded, items, "{body:?}");
        assert_eq!(decoder.next(), None);
    }
}

#[test]
fn payload_holds_so_many_packets_and_no_more() {
    let body = |count| ByteString::from(vec!["6"; count].join("\u{1e}"));
    assert!(Decoder::new(body(payload::MAX_PACKETS)).all(|packet| packet.is_ok()));
    let mut decoder = Decoder::new(body(payload::MAX_PACKETS + 1)).skip(payload::MAX_PACKETS);
    let limit = payload::MAX_PACKETS;
    assert_eq!(decoder.next(), Some(Err(PayloadError::TooManyPackets { limit })));
    assert_eq!(decoder.next(), None);

    let items: Vec<_> = Decoder::new(body(3)).max_packets(1).collect();
    let too_many = Err(PayloadError::TooManyPackets { limit: 1 });
    assert_eq!(items, [Ok(Packet::Noop), too_many]);
}

#[test]
fn binary_message_in_base64_has_a_limit() {
    let decoder = Decoder::new(ByteString::from_static("bAQIDBA==\u{1e}bAQIDBAU="));
    let items: Vec<_> = decoder.max_binary_len(4).collect();
    let too_long = Err(PacketError::BinaryTooLong { limit: 4 }.into());
    assert_eq!(items, [Ok(binary(&[1, 2, 3, 4])), too_long]);
}

#[test]
fn separator_in_text_is_refused() {
    let mut encoder = Encoder::new();
    encoder.push(&text("a").encode()).unwrap();
    assert_eq!(encoder.push(&text("b\u{1e}c").encode()), Err(SeparatorInText));
    encoder.push(&binary(b"\x1e").encode()).unwrap();
    assert_eq!(encoder.finish(), "4a\u{1e}bHg==");
}

#[test]
fn encoded_message_is_a_message_packet() {
    let encoded = EncodedMessage::from(Message::from("hi"));
    assert_eq!(encoded.as_wire(), &WebSocketMessage::from_static("4hi"));
    assert_eq!(EncodedMessage::from_text("4hi".into()), Ok(encoded.clone()));
    assert_eq!(EncodedMessage::text("hi"), encoded);
    for other in ["", "hi", "2", "b", "\u{34f}"] {
        assert_eq!(EncodedMessage::from_text(other.into()), Err(NotAMessage), "{other}");
    }
    let data = Bytes::from_static(&[1]);
    let encoded = EncodedMessage::from(Message::Binary(data.clone()));
    assert_eq!(encoded.into_wire(), WebSocketMessage::Binary(data));
}

#[test]
fn messages_share_the_allocation() {
    for len in [0, 1, 5, 510, 511, 512, 5000] {
        let wire = ByteString::from(format!("4{}é", "x".repeat(len)));
        let start = wire.as_ptr();
        let Ok(Packet::Message(Message::Text(text))) = Packet::decode_text(wire) else { panic!() };
        assert_eq!(text.as_ptr() as usize, start as usize + 1);
        assert_eq!(text, format!("{}é", "x".repeat(len)));
    }

    let body = ByteString::from(String::from("4a\u{1e}4hello"));
    let start = body.as_ptr();
    let Some(Ok(Packet::Message(hello))) = Decoder::new(body).nth(1) else { panic!() };
    assert_eq!(hello.as_bytes().as_ptr() as usize, start as usize + 4);

    let encoded = EncodedMessage::text("hello");
    let copy = encoded.clone();
    assert_eq!(copy.as_wire().as_bytes().as_ptr(), encoded.as_wire().as_bytes().as_ptr());
}

#[test]
fn packets_as_server_sent_events() {
    let table: [(&str, WebSocketMessage, &str); 7] = [
        ("text", WebSocketMessage::from_static("4hello"), "id: 7\ndata: 4hello\n\n"),
        ("empty message", WebSocketMessage::from_static("4"), "id: 7\ndata: 4\n\n"),
        ("ping", WebSocketMessage::from_static("2"), "id: 7\ndata: 2\n\n"),
        (
            "binary",
            WebSocketMessage::Binary(Bytes::from_static(&[1, 2, 3, 4])),
            "id: 7\ndata: bAQIDBA==\n\n",
        ),
        (
            "line feeds",
            WebSocketMessage::from_static("4a\n\n b\n"),
            "id: 7\ndata: 4a\ndata: \ndata:  b\ndata: \n\n",
        ),
        (
            "carriage return",
            WebSocketMessage::from_static("4a\rb\n"),
            "id: 7\nevent: base64\ndata: NGENYgo=\n\n",
        ),
        ("separator", WebSocketMessage::from_static("4a\x1eb"), "id: 7\ndata: 4a\x1eb\n\n"),
    ];
    for (name, packet, event) in table {
        assert_eq!(event_stream::encode(7, packet), event, "{name}");
    }
    let last = event_stream::encode(u64::MAX, WebSocketMessage::from_static("3"));
    assert_eq!(last, "id: 18446744073709551615\ndata: 3\n\n");
}

#[test]
fn comments_of_a_stream() {
    let opening = event_stream::OPENING_COMMENT;
    assert!(opening.len() >= 2048 && opening.starts_with(b":") && opening.ends_with(b" \n\n"));
    assert_eq!(opening.iter().filter(|&&byte| byte == b'\n').count(), 2);
    assert_eq!(event_stream::COMMENT, ":\n\n");
}
