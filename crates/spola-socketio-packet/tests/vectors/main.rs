//! The reference's packets, both ways, and what is no packet.
#![allow(clippy::unwrap_used)]

mod refused;

use bytes::Bytes;
use bytestring::ByteString;
use spola_socketio_packet::{AckId, Data, DecodeError, Decoder, Limits, Namespace, Packet};

const PLACEHOLDER: &str = r#"{"_placeholder":true,"num":0}"#;

fn namespace(name: &str) -> Namespace {
    name.parse().unwrap()
}

fn event(name: &str, ack: Option<u32>, json: &str, attachments: &[&'static [u8]]) -> Packet {
    let data = Data::event_from_json(json, owned(attachments), &Limits::default()).unwrap();
    Packet::Event { namespace: namespace(name), ack: ack.map(AckId::from), data }
}

fn ack(name: &str, ack: u32, json: &str, attachments: &[&'static [u8]]) -> Packet {
    let data = Data::ack_from_json(json, owned(attachments), &Limits::default()).unwrap();
    Packet::Ack { namespace: namespace(name), ack: ack.into(), data }
}

fn connect(name: &str, auth: Option<&'static str>) -> Packet {
    Packet::Connect { namespace: namespace(name), auth: auth.map(ByteString::from_static) }
}

fn owned(attachments: &[&'static [u8]]) -> Vec<Bytes> {
    attachments.iter().map(|bytes| Bytes::from_static(bytes)).collect()
}

/// Decodes one packet from all of its messages.
fn decode(text: &str, attachments: &[&'static [u8]]) -> Result<Option<Packet>, DecodeError> {
    let mut decoder = Decoder::new(Limits::default());
    let mut packet = decoder.decode_text(ByteString::from(text))?;
    for attachment in attachments {
        assert!(packet.is_none() && decoder.is_pending(), "{text}: complete too early");
        packet = decoder.decode_binary(Bytes::from_static(attachment))?;
    }
    assert_eq!(packet.is_none(), decoder.is_pending(), "{text}");
    Ok(packet)
}

fn error(text: &str, attachments: &[&'static [u8]]) -> DecodeError {
    match decode(text, attachments) {
        Err(error) => error,
        Ok(packet) => panic!("{text} decodes to {packet:?}"),
    }
}

#[test]
fn packets_encode_and_decode_as_the_reference_has_them() {
    let nested = r#"["u",{"a":{"_placeholder":true,"num":0},"b":[{"_placeholder":true,"num":1},{"c":{"_placeholder":true,"num":2}}]}]"#;
    let table: Vec<(String, Packet, &[&'static [u8]])> = vec![
        ("0".into(), connect("/", None), &[]),
        (r#"0/admin,{"token":"123"}"#.into(), connect("/admin", Some(r#"{"token":"123"}"#)), &[]),
        (
            r#"0{"sid":"wZX3oN0bSVIhsaknAAAI"}"#.into(),
            connect("/", Some(r#"{"sid":"wZX3oN0bSVIhsaknAAAI"}"#)),
            &[],
        ),
        (
            r#"0/admin,{"sid":"…","pid":"…"}"#.into(),
            connect("/admin", Some(r#"{"sid":"…","pid":"…"}"#)),
            &[],
        ),
        ("0/admin?token=1,".into(), connect("/admin?token=1", None), &[]),
        ("1".into(), Packet::Disconnect { namespace: Namespace::root() }, &[]),
        ("1/admin,".into(), Packet::Disconnect { namespace: namespace("/admin") }, &[]),
        (r#"2["hello",1,"€"]"#.into(), event("/", None, r#"["hello",1,"€"]"#, &[]), &[]),
        (
            r#"2/admin,456["project:delete",123]"#.into(),
            event("/admin", Some(456), r#"["project:delete",123]"#, &[]),
            &[],
        ),
        ("3/admin,456[]".into(), ack("/admin", 456, "[]", &[]), &[]),
        (
            r#"4/admin,{"message":"Not authorized"}"#.into(),
            Packet::ConnectError {
                namespace: namespace("/admin"),
                payload: r#"{"message":"Not authorized"}"#.into(),
            },
            &[],
        ),
        (
            r#"4/admin,{"message":"Not authorized","data":{"code":"E1"}}"#.into(),
            Packet::ConnectError {
                namespace: namespace("/admin"),
                payload: r#"{"message":"Not authorized","data":{"code":"E1"}}"#.into(),
            },
            &[],
        ),
        (
            r#"4"old""#.into(),
            Packet::ConnectError { namespace: Namespace::root(), payload: r#""old""#.into() },
            &[],
        ),
        (
            format!(r#"51-["hello",{PLACEHOLDER}]"#),
            event("/", None, &format!(r#"["hello",{PLACEHOLDER}]"#), &[&[1, 2, 3]]),
            &[&[1, 2, 3]],
        ),
        (
            format!("53-/admin,7{nested}"),
            event("/admin", Some(7), nested, &[&[1], &[2, 3], &[]]),
            &[&[1], &[2, 3], &[]],
        ),
        (
            format!("61-1[null,{PLACEHOLDER}]"),
            ack("/", 1, &format!("[null,{PLACEHOLDER}]"), &[&[0xff]]),
            &[&[0xff]],
        ),
    ];
    for (text, packet, attachments) in table {
        assert_eq!(decode(&text, attachments).as_ref(), Ok(&Some(packet.clone())), "{text}");
        for prefix in ["", "4"] {
            let encoded = packet.encode(prefix);
            assert_eq!(encoded.text, format!("{prefix}{text}"));
            assert_eq!(encoded.attachments, owned(attachments));
        }
    }
}

#[test]
fn forms_that_no_encoder_writes_decode_all_the_same() {
    let a = r#"["a"]"#;
    let table = [
        (r#"2/,["a"]"#, event("/", None, a, &[])),
        (r#"20["a"]"#, event("/", Some(0), a, &[])),
        (r#"200["a"]"#, event("/", Some(0), a, &[])),
        (r#"2000000000000000000000000007["a"]"#, event("/", Some(7), a, &[])),
        ("2[1]", event("/", None, "[1]", &[])),
        ("2[-1.5e3]", event("/", None, "[-1.5e3]", &[])),
        (r#"2["error"]"#, event("/", None, r#"["error"]"#, &[])),
        ("2 [ \"a\" ,\t1\n]\r ", event("/", None, " [ \"a\" ,\t1\n]\r ", &[])),
        ("3999[]", ack("/", 999, "[]", &[])),
        ("31[\"a\",null]", ack("/", 1, "[\"a\",null]", &[])),
        ("32", ack("/", 2, "[]", &[])),
        ("3/a,2", ack("/a", 2, "[]", &[])),
        ("07", connect("/", None)),
        ("07{}", connect("/", Some("{}"))),
        ("0/admin", connect("/admin", None)),
        ("0/admin,7{}", connect("/admin", Some("{}"))),
        ("0/é€,", connect("/é€", None)),
        ("1/admin", Packet::Disconnect { namespace: namespace("/admin") }),
        ("17", Packet::Disconnect { namespace: Namespace::root() }),
        ("4", Packet::ConnectError { namespace: Namespace::root(), payload: "{}".into() }),
        (
            r#"2["a",{"_placeholder":true,"num":0}]"#,
            event("/", None, r#"["a",{"_placeholder":true,"num":0}]"#, &[]),
        ),
    ];
    for (text, packet) in table {
        assert_eq!(decode(text, &[]), Ok(Some(packet)), "{text}");
    }
    assert_eq!(decode(r#"51-["a"]"#, &[&[0]]), Ok(Some(event("/", None, a, &[&[0]]))));
    assert_eq!(decode("61-1", &[&[0]]), Ok(Some(ack("/", 1, "[]", &[&[0]]))));
    assert_eq!(decode(r#"501-["a"]"#, &[&[0]]), Ok(Some(event("/", None, a, &[&[0]]))));
    assert_eq!(decode(r#"510-["a"]"#, &[]), Ok(None));
}

#[test]
fn attachments_and_texts_come_in_their_turn() {
    let mut decoder = Decoder::new(Limits::default());
    let attachment = Bytes::from_static(&[0]);
    assert_eq!(decoder.decode_binary(attachment.clone()), Err(DecodeError::UnexpectedBinary));

    let header = ByteString::from(format!(r#"51-/a,["a",{PLACEHOLDER}]"#));
    assert_eq!(decoder.decode_text(header), Ok(None));
    assert_eq!(decoder.pending_namespace(), Some(&namespace("/a")));
    let text = ByteString::from_static(r#"2["b"]"#);
    assert_eq!(decoder.decode_text(text.clone()), Err(DecodeError::UnexpectedText));
    assert!(!decoder.is_pending());
    assert!(decoder.decode_text(text).is_ok_and(|packet| packet.is_some()));
}

#[test]
fn placeholders_name_an_attachment_of_their_packet() {
    let good = [
        r#"["a",{"_placeholder":true,"num":0},{"num":0,"_placeholder":true}]"#,
        r#"["a",{"_placeholder":true,"num":0,"more":1}]"#,
        r#"["a",{"_placeholder":false,"num":9}]"#,
        r#"["a",{"_placeholder":1,"num":9}]"#,
        r#"["a",{"num":9}]"#,
        r#"["a",{"num":{"_placeholder":true,"num":0}}]"#,
        r#"["a",[[{"x":{"_placeholder":true,"num":0}}]]]"#,
    ];
    for json in good {
        assert!(decode(&format!("51-{json}"), &[&[0]]).is_ok(), "{json}");
    }
    let bad = [
        r#"["a",{"_placeholder":true,"num":1}]"#,
        r#"["a",{"_placeholder":true,"num":-1}]"#,
        r#"["a",{"_placeholder":true,"num":0.0}]"#,
        r#"["a",{"_placeholder":true,"num":"0"}]"#,
        r#"["a",{"_placeholder":true}]"#,
        r#"["a",{"num":1,"_placeholder":true}]"#,
        r#"["a",{"_\u0070laceholder":true,"num":1}]"#,
        r#"["a",{"num":{"_placeholder":true,"num":1}}]"#,
        r#"["a",[[{"x":{"_placeholder":true,"num":18446744073709551616}}]]]"#,
    ];
    for json in bad {
        assert_eq!(error(&format!("51-{json}"), &[&[0]]), DecodeError::Placeholder, "{json}");
    }
}

#[test]
fn lone_surrogates_become_replacement_characters() {
    let table = [
        (r#"["a","\ud83d"]"#, "\u{fffd}"),
        (r#"["a","\ud83d!"]"#, "\u{fffd}!"),
        (r#"["a","\ude00"]"#, "\u{fffd}"),
        (r#"["a","\ud83d\ude00"]"#, "😀"),
        (r#"["a","\ud83d\ud83d\ude00"]"#, "\u{fffd}😀"),
        (r#"["a","\ud83d\n"]"#, "\u{fffd}\n"),
        (r#"["a","\\ud83d"]"#, r"\ud83d"),
        (r#"["a","\uD83Dé\\\uDE00"]"#, "\u{fffd}é\\\u{fffd}"),
    ];
    for (json, expected) in table {
        let Ok(Some(Packet::Event { data, .. })) = decode(&format!("2{json}"), &[]) else {
            panic!("{json}")
        };
        assert_eq!(data.extract::<String>().unwrap(), expected, "{json}");
        assert_eq!(data.json().len(), json.len());
    }
    let Ok(Some(Packet::Event { data, .. })) = decode(r#"2["\ud83d"]"#, &[]) else { panic!() };
    assert_eq!(data.event_name().as_deref(), Some("\u{fffd}"));
    assert_eq!(
        decode(r#"0{"a":"\ud83d"}"#, &[]),
        Ok(Some(connect("/", Some(r#"{"a":"\ufffd"}"#))))
    );
}

#[test]
fn data_shares_the_allocation_of_its_message() {
    let text = ByteString::from(r#"2/admin,["hello","world"]"#);
    let bytes = text.as_bytes().as_ptr_range();
    let Ok(Some(Packet::Event { namespace, data, .. })) = Decoder::default().decode_text(text)
    else {
        panic!("an event")
    };
    assert!(bytes.contains(&namespace.as_bytes().as_ptr()));
    assert!(bytes.contains(&data.json().as_ptr()));
    assert!(bytes.contains(&data.to_json().as_bytes().as_ptr()));
    assert!(bytes.contains(&data.extract::<&str>().unwrap().as_ptr()));
}
