//! The MessagePack format: the reference's vectors, JavaScript's peculiarities, and what is
//! refused.
#![cfg(feature = "msgpack")]
#![allow(clippy::unwrap_used)]

mod properties;
mod refused;
mod values;

use bytes::Bytes;
use spola_socketio_packet::{
    AckId, Data, Decode, DecodeError, Encoded, Format, Limits, MessagePack, Namespace, Packet,
    Parser, Value,
};

/// Bytes from hexadecimal digits; what is in quotes stands for itself.
fn hex(text: &str) -> Bytes {
    let mut bytes = Vec::new();
    for (index, part) in text.split('\'').enumerate() {
        if index % 2 == 1 {
            bytes.extend_from_slice(part.as_bytes());
            continue;
        }
        let digits: Vec<u8> =
            part.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
        assert_eq!(digits.len() % 2, 0, "{text}");
        bytes.extend(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]));
    }
    bytes.into()
}

fn decoder(limits: Limits) -> Box<dyn Decode> {
    MessagePack.decoder(limits)
}

fn decode(message: &Bytes) -> Result<Packet, DecodeError> {
    let packet = decoder(Limits::default()).decode_binary(message.clone())?;
    Ok(packet.expect("every message is a packet"))
}

fn encode(packet: &Packet) -> Bytes {
    let Encoded { text, attachments } = MessagePack.encode("4", packet);
    assert!(text.is_empty() && attachments.len() == 1);
    attachments[0].clone()
}

/// An event of the root namespace whose only argument is this.
fn event_with(argument: &str) -> Bytes {
    hex(&format!("83 a4'type' 02 a4'data' 92 a1'e' {argument} a3'nsp' a1'/'"))
}

fn argument(message: &Bytes) -> Value {
    match decode(message) {
        Ok(Packet::Event { data, .. }) => data.extract().unwrap(),
        other => panic!("{message:?} decodes to {other:?}"),
    }
}

fn event(ack: Option<u32>, name: &str, args: &impl serde::Serialize) -> Packet {
    let data = Data::event(name, args).unwrap();
    Packet::Event { namespace: Namespace::root(), ack: ack.map(AckId::from), data }
}

#[test]
fn packets_encode_and_decode_as_the_reference_has_them() {
    let root = Namespace::root;
    let table = [
        (
            "83 a474797065 02 a464617461 93 a568656c6c6f 01 c4020102 a36e7370 a12f",
            event(None, "hello", &(1, Bytes::from_static(&[1, 2]))),
        ),
        (
            "84 a26964 00 a474797065 03 a464617461 91 a26f6b a36e7370 a12f",
            Packet::Ack { namespace: root(), ack: 0.into(), data: Data::ack(&"ok").unwrap() },
        ),
        ("82 a474797065 01 a36e7370 a12f", Packet::Disconnect { namespace: root() }),
        ("82 a4'type' 00 a3'nsp' a1'/'", Packet::Connect { namespace: root(), auth: None }),
        (
            "83 a4'type' 00 a4'data' 81 a3'sid' a1'x' a3'nsp' a6'/admin'",
            Packet::Connect {
                namespace: "/admin".parse().unwrap(),
                auth: Some(r#"{"sid":"x"}"#.into()),
            },
        ),
        (
            "83 a4'type' 04 a4'data' 82 a7'message' a2'no' a4'data' 81 a1'c' 07 a3'nsp' a1'/'",
            Packet::ConnectError {
                namespace: root(),
                payload: r#"{"message":"no","data":{"c":7}}"#.into(),
            },
        ),
        (
            "83 a4'type' 04 a4'data' a3'old' a3'nsp' a1'/'",
            Packet::ConnectError { namespace: root(), payload: r#""old""#.into() },
        ),
        (
            "84 a4'type' 02 a4'data' 91 a1'e' a2'id' cd01c8 a3'nsp' a1'/'",
            event(Some(456), "e", &()),
        ),
    ];
    for (wire, packet) in table {
        let message = hex(wire);
        assert_eq!(decode(&message), Ok(packet.clone()), "{wire}");
        assert_eq!(encode(&packet), message, "{wire}");
    }
}

#[test]
fn what_encoders_may_write_otherwise_decodes_all_the_same() {
    let plain = event(Some(7), "a", &());
    for wire in [
        // The keys in any order, and others among them, of whatever content.
        "84 a2'id' 07 a3'nsp' a1'/' a4'data' 91 a1'a' a4'type' 02",
        "85 a7'options' 81 a8'compress' c3 a4'type' 02 a4'data' 91 a1'a' a2'id' 07 a3'nsp' a1'/'",
        "86 91 c0 c0 c4 01 07 80 a4'type' 02 a4'data' 91 a1'a' a2'id' 07 a3'nsp' a1'/'",
        "85 a1'x' 92 91 91 c0 d4 00 00 a4'type' 02 a4'data' 91 a1'a' a2'id' 07 a3'nsp' a1'/'",
        // Longer forms than needed.
        "df00000004 d904'type' cd0002 da0004'data' dd00000001 db00000001'a' a2'id' d3 0000000000000007 a3'nsp' a1'/'",
        "de0004 a4'type' d002 a4'data' dc0001 a1'a' a2'id' cb 401c000000000000 a3'nsp' a1'/'",
        "84 a4'type' ca40000000 a4'data' 91 a1'a' a2'id' d20000 0007 a3'nsp' a1'/'",
        // Of a key that comes twice, the last one counts.
        "85 a4'type' 03 a4'type' 02 a4'data' 91 a1'a' a2'id' 07 a3'nsp' a1'/'",
    ] {
        assert_eq!(decode(&hex(wire)), Ok(plain.clone()), "{wire}");
    }
    // What JavaScript calls undefined is not there.
    let connect = Ok(Packet::Connect { namespace: Namespace::root(), auth: None });
    let from_the_javascript_client = "83 a474797065 00 a464617461 d40000 a36e7370 a12f";
    assert_eq!(decode(&hex(from_the_javascript_client)), connect);
    let undefined = "84 a4'type' 00 a4'data' d40000 a2'id' d40000 a3'nsp' a1'/'";
    assert_eq!(decode(&hex(undefined)), connect);
    let disconnect = Ok(Packet::Disconnect { namespace: Namespace::root() });
    assert_eq!(decode(&hex("83 a4'type' 01 a4'data' d40000 a3'nsp' a1'/'")), disconnect);
}

#[test]
fn an_application_reaches_it_by_its_format() {
    let format = Format::of(MessagePack);
    assert!(!format.is_text() && Format::default().is_text());
    let (root, ack) = (Namespace::root(), AckId::from(3));
    let binary = |encoded: Encoded| encoded.attachments[0].clone();
    let sent = binary(format.encode_event("4", &root, Some(ack), "e", &(1, "x")).unwrap());
    assert_eq!(decode(&sent), Ok(event(Some(3), "e", &(1, "x"))));
    let data = Data::event("e", &(1, "x")).unwrap();
    assert_eq!(binary(format.encode_data("4", &root, Some(ack), &data)), sent);
    let answer = Packet::Ack { namespace: root.clone(), ack, data: Data::ack(&true).unwrap() };
    let sent = binary(format.encode_ack("4", &root, ack, &true).unwrap());
    assert_eq!(decode(&sent), Ok(answer.clone()));
    let data = Data::ack(&true).unwrap();
    assert_eq!(binary(format.encode_data("4", &root, Some(ack), &data)), sent);
    assert_eq!(binary(format.encode("4", &answer)), sent);
    assert!(format.encode_event("4", &root, None, "connect", &()).is_err());
}
