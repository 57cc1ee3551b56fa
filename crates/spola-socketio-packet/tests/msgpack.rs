//! The MessagePack format: the reference's vectors, JavaScript's peculiarities, and what is
//! refused.
#![cfg(feature = "msgpack")]
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use bytestring::ByteString;
use proptest::{collection::vec, option, prelude::*};
use spola_socketio_packet::{
    AckId, Data, Decode, DecodeError, Encoded, Format, JsonError, Limits, MessagePack, Namespace,
    NamespaceError, Packet, Parser, Value,
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
fn values_arrive_as_their_json_twins() {
    let binary = |bytes: &'static [u8]| Value::from(Bytes::from_static(bytes));
    let table = [
        ("c0", Value::Null),
        ("d40000", Value::Null),
        ("c2", false.into()),
        ("c3", true.into()),
        ("7f", 127.into()),
        ("e0", (-32).into()),
        ("d080", (-128).into()),
        ("d18000", i64::from(i16::MIN).into()),
        ("d280000000", i64::from(i32::MIN).into()),
        ("d38000000000000000", i64::MIN.into()),
        ("cfffffffffffffffff", u64::MAX.into()),
        ("cb3ff8000000000000", 1.5.into()),
        ("cb4000000000000000", 2.into()),
        ("cb8000000000000000", 0.into()),
        ("cb7fefffffffffffff", f64::MAX.into()),
        ("cb7ff8000000000000", Value::Null),
        ("cbfff0000000000000", Value::Null),
        ("ca3fc00000", 1.5.into()),
        ("a6 e282ac 22 5c 0a", "€\"\\\n".into()),
        ("d9 04 f09f9880", "😀".into()),
        // A date, and one that is none.
        ("d700 0000018bcfe5687b", "2023-11-14T22:13:20.123Z".into()),
        ("d700 ffffffffffffffff", "1969-12-31T23:59:59.999Z".into()),
        ("d700 7fffffffffffffff", Value::Null),
        // A Buffer, and an ArrayBuffer, of all lengths' lengths.
        ("c400", binary(&[])),
        ("c4020102", binary(&[1, 2])),
        ("c5000101", binary(&[1])),
        ("c60000000101", binary(&[1])),
        ("c7020001 02", binary(&[1, 2])),
        ("c800010001", binary(&[1])),
        ("c9000000010001", binary(&[1])),
        // Any other extension is its type and its bytes.
        ("d505 0102", Value::Array(vec![5.into(), binary(&[1, 2])])),
        ("c701ff07", Value::Array(vec![(-1).into(), binary(&[7])])),
        // In an array undefined is null; in an object it is not there.
        ("92 d40000 01", Value::Array(vec![Value::Null, 1.into()])),
        ("83 a1'a' d40000 a1'b' 01 a1'c' d40000", Value::Object(vec![("b".into(), 1.into())])),
        ("81 a1'a' d40000", Value::Object(vec![])),
        ("81 07 c0", Value::Object(vec![("7".into(), Value::Null)])),
        ("81 ff 80", Value::Object(vec![("-1".into(), Value::Object(vec![]))])),
    ];
    for (wire, value) in table {
        assert_eq!(argument(&event_with(wire)), value, "{wire}");
    }
}

#[test]
fn typed_arguments_are_read_from_it() {
    #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    struct Upload {
        name: String,
        parts: Vec<Bytes>,
        size: Option<u32>,
    }
    let parts = vec![Bytes::from_static(b"abc"), Bytes::new()];
    let upload = Upload { name: "ä".into(), parts, size: None };
    let message = encode(&event(None, "up", &(&upload, 7)));
    let Ok(Packet::Event { data, .. }) = decode(&message) else { panic!("an event") };
    assert_eq!(data.event_name().as_deref(), Some("up"));
    let (read, number): (Upload, i8) = data.extract().unwrap();
    assert_eq!((&read, number), (&upload, 7));
    // Bytes stay where they came.
    assert!(message.as_ptr_range().contains(&data.attachments()[0].as_ptr()));
}

#[test]
fn what_is_no_packet_is_refused_in_the_official_order() {
    use DecodeError::{
        AckId, Malformed, MissingAckId, MissingNamespace, MissingPayload, PayloadKind,
        ReservedEvent, UnknownType,
    };
    let root = "a3'nsp' a1'/'";
    let table = [
        ("", Malformed),
        ("c0", Malformed),
        ("93 02 91 01", Malformed),
        ("c1", Malformed),
        ("81", Malformed),
        ("81 a4'type'", Malformed),
        ("82 a4'type' 01 a3'nsp' a1'/' 00", Malformed),
        ("82 01 a4'type' a3'nsp' a1'/'", UnknownType),
        ("ffffffff", Malformed),
        ("dfffffffff", Malformed),
        ("82 a4'type' 01 a3'nsp' dbffffffff'/'", Malformed),
        ("80", UnknownType),
        ("81 a3'nsp' a1'/'", UnknownType),
        ("82 a4'type' 05 a3'nsp' a1'/'", UnknownType),
        ("82 a4'type' ff a3'nsp' a1'/'", UnknownType),
        ("82 a4'type' a1'2' a3'nsp' a1'/'", UnknownType),
        ("82 a4'type' c0 a3'nsp' a1'/'", UnknownType),
        ("82 a4'type' cb3ff8000000000000 a3'nsp' a1'/'", UnknownType),
        // Type before namespace before data before id.
        ("84 a4'type' 09 a3'nsp' c0 a4'data' c0 a2'id' c0", UnknownType),
        ("84 a4'type' 02 a3'nsp' c0 a4'data' c0 a2'id' c0", MissingNamespace),
        ("84 a4'type' 02 a3'nsp' a1'/' a4'data' c0 a2'id' c0", PayloadKind),
        ("84 a4'type' 02 a3'nsp' a1'/' a4'data' 91 a1'a' a2'id' c0", AckId),
        ("81 a4'type' 02", MissingNamespace),
        ("82 a4'type' 01 a3'nsp' d40000", MissingNamespace),
        ("82 a4'type' 01 a3'nsp' c4012f", MissingNamespace),
        ("82 a4'type' 01 a3'nsp' a1'a'", NamespaceError::NoSlash.into()),
        ("82 a4'type' 01 a3'nsp' a0", NamespaceError::NoSlash.into()),
        ("82 a4'type' 01 a3'nsp' a4'/a,b'", NamespaceError::Comma.into()),
        // CONNECT: an object or nothing.
        (&format!("83 a4'type' 00 a4'data' c0 {root}"), PayloadKind),
        (&format!("83 a4'type' 00 a4'data' 90 {root}"), PayloadKind),
        (&format!("83 a4'type' 00 a4'data' a0 {root}"), PayloadKind),
        (&format!("83 a4'type' 00 a4'data' d700 0000000000000000 {root}"), PayloadKind),
        // DISCONNECT: nothing.
        (&format!("83 a4'type' 01 a4'data' c0 {root}"), PayloadKind),
        (&format!("83 a4'type' 01 a4'data' 80 {root}"), PayloadKind),
        // EVENT: an array that begins with a name.
        (&format!("82 a4'type' 02 {root}"), MissingPayload),
        (&format!("83 a4'type' 02 a4'data' d40000 {root}"), MissingPayload),
        (&format!("83 a4'type' 02 a4'data' 90 {root}"), PayloadKind),
        (&format!("83 a4'type' 02 a4'data' 80 {root}"), PayloadKind),
        (&format!("83 a4'type' 02 a4'data' a1'a' {root}"), PayloadKind),
        (&format!("83 a4'type' 02 a4'data' 91 c0 {root}"), PayloadKind),
        (&format!("83 a4'type' 02 a4'data' 91 c3 {root}"), PayloadKind),
        (&format!("83 a4'type' 02 a4'data' 91 91 a1'a' {root}"), PayloadKind),
        (&format!("83 a4'type' 02 a4'data' 91 c40161 {root}"), PayloadKind),
        (&format!("83 a4'type' 02 a4'data' 91 d700 0000000000000000 {root}"), PayloadKind),
        (&format!("83 a4'type' 02 a4'data' 91 cb7ff8000000000000 {root}"), PayloadKind),
        (&format!("83 a4'type' 02 a4'data' 91 a7'connect' {root}"), ReservedEvent),
        (&format!("83 a4'type' 02 a4'data' 91 aa'disconnect' {root}"), ReservedEvent),
        (&format!("83 a4'type' 02 a4'data' 91 d90d'connect_error' {root}"), ReservedEvent),
        (&format!("83 a4'type' 02 a4'data' 91 ad'disconnecting' {root}"), ReservedEvent),
        (&format!("83 a4'type' 02 a4'data' 91 ab'newListener' {root}"), ReservedEvent),
        (&format!("83 a4'type' 02 a4'data' 91 ae'removeListener' {root}"), ReservedEvent),
        // ACK: an array, and an id.
        (&format!("83 a4'type' 03 a2'id' 00 {root}"), MissingPayload),
        (&format!("84 a4'type' 03 a2'id' 00 a4'data' 80 {root}"), PayloadKind),
        (&format!("83 a4'type' 03 a4'data' 90 {root}"), MissingAckId),
        // CONNECT_ERROR: text or an object.
        (&format!("82 a4'type' 04 {root}"), MissingPayload),
        (&format!("83 a4'type' 04 a4'data' 90 {root}"), PayloadKind),
        // Ids are integers from 0 to 2^53 - 1.
        (&format!("84 a4'type' 02 a4'data' 91 a1'a' a2'id' ff {root}"), AckId),
        (&format!("84 a4'type' 02 a4'data' 91 a1'a' a2'id' a1'1' {root}"), AckId),
        (&format!("84 a4'type' 02 a4'data' 91 a1'a' a2'id' cb3fe0000000000000 {root}"), AckId),
        (&format!("84 a4'type' 02 a4'data' 91 a1'a' a2'id' cf0020000000000000 {root}"), AckId),
        (&format!("84 a4'type' 02 a4'data' 91 a1'a' a2'id' cfffffffffffffffff {root}"), AckId),
        (&format!("83 a4'type' 00 a2'id' c0 {root}"), AckId),
        (&format!("83 a4'type' 01 a2'id' c0 {root}"), AckId),
        // Text is UTF-8, keys are text or numbers, and everything has an end.
        (&format!("83 a4'type' 02 a4'data' 92 a1'a' a1 ff {root}"), Malformed),
        (&format!("83 a4'type' 02 a4'data' 92 a1'a' a3 eda080 {root}"), Malformed),
        (&format!("83 a4'type' 02 a4'data' 92 a1'a' 81 c0 01 {root}"), Malformed),
        (&format!("83 a4'type' 02 a4'data' 92 a1'a' 81 90 01 {root}"), Malformed),
        (&format!("83 a4'type' 02 a4'data' 92 a1'a' c1 {root}"), Malformed),
        (&format!("83 {root} a4'type' 02 a4'data' dd ffffffff a1'a'"), Malformed),
    ];
    for (wire, expected) in table {
        assert_eq!(decode(&hex(wire)), Err(expected), "{wire}");
    }
    let id = hex(&format!("84 a4'type' 02 a4'data' 91 a1'a' a2'id' cf001fffffffffffff {root}"));
    assert!(decode(&id).is_ok());
    let text = decoder(Limits::default()).decode_text(ByteString::from_static(r#"2["a"]"#));
    assert_eq!(text, Err(DecodeError::UnexpectedText));
}

#[test]
fn names_that_are_numbers_read_as_digits() {
    for (wire, name) in [("01", "1"), ("ff", "-1"), ("cb3ff8000000000000", "1.5")] {
        let message = hex(&format!("83 a4'type' 02 a4'data' 91 {wire} a3'nsp' a1'/'"));
        let Ok(Packet::Event { data, .. }) = decode(&message) else { panic!("{wire}") };
        assert_eq!(data.event_name().as_deref(), Some(name));
    }
}

#[test]
fn binary_in_credentials_is_an_array_of_numbers() {
    let message = hex("83 a4'type' 00 a4'data' 81 a1'k' c403 0102ff a3'nsp' a1'/'");
    let auth = Some(ByteString::from_static(r#"{"k":[1,2,255]}"#));
    assert_eq!(decode(&message), Ok(Packet::Connect { namespace: Namespace::root(), auth }));
}

#[test]
fn what_looks_like_a_placeholder_is_data_and_never_an_attachment() {
    let lookalike = "82 ac'_placeholder' c3 a3'num' 00";
    let object =
        Value::Object(vec![("_placeholder".into(), true.into()), ("num".into(), 0.into())]);
    let message = event_with(lookalike);
    assert_eq!(argument(&message), object);
    // It passes through as it is.
    let packet = decode(&message).unwrap();
    assert_eq!(encode(&packet), message);
    // Beside bytes it could be told from none of them.
    let beside = event_with(&format!("92 c40107 {lookalike}"));
    assert_eq!(decode(&beside), Err(DecodeError::Placeholder));
}

#[test]
fn limits_hold_at_their_edge() {
    let mut limits = Limits::default();
    limits.max_binary_bytes = 60;
    limits.max_auth_bytes = 8;
    limits.max_event_name = 4;
    limits.max_depth = 3;
    let read = |wire: &str| decoder(limits).decode_binary(hex(wire)).map(drop);
    let event = |rest: &str| read(&format!("83 a4'type' 02 a3'nsp' a1'/' a4'data' {rest}"));
    let auth = |rest: &str| read(&format!("83 a4'type' 00 a3'nsp' a1'/' a4'data' {rest}"));

    assert_eq!(auth("81 a1'a' 0c"), Ok(()));
    assert_eq!(auth("81 a1'a' 7b"), Err(DecodeError::AuthTooLarge));
    assert_eq!(auth("81 a1'a' c4050000000000"), Err(DecodeError::AuthTooLarge));
    assert_eq!(event("91 a4'abcd'"), Ok(()));
    assert_eq!(event("91 a5'abcde'"), Err(DecodeError::EventNameTooLong));
    assert_eq!(event("91 cd3039"), Err(DecodeError::EventNameTooLong));
    assert_eq!(event("92 a1'a' 91 81 a1'b' 01"), Ok(()));
    assert_eq!(event("92 a1'a' 91 91 90"), Err(JsonError::TooDeep.into()));
    // `["a",{"_placeholder":true,"num":0}]` has 35 bytes.
    assert_eq!(event(&format!("92 a1'a' c419 {}", "00".repeat(25))), Ok(()));
    assert_eq!(event(&format!("92 a1'a' c41a {}", "00".repeat(26))), Err(DecodeError::TooLarge));
    assert_eq!(event("93 a1'a' c400 c400"), Err(DecodeError::TooLarge));
    assert_eq!(event(&format!("92 a1'a' d937 {}", "61".repeat(55))), Err(DecodeError::TooLarge));
}

#[test]
fn depth_is_bounded_however_deep_the_message() {
    let nested = |head: &[u8], depth: usize| {
        let mut message = hex("83 a4'type' 02 a3'nsp' a1'/' a4'data' 92 a1'a'").to_vec();
        for _ in 0..depth {
            message.extend_from_slice(head);
        }
        message.push(0xc0);
        Bytes::from(message)
    };
    let array = [0x91];
    let object = [0x81, 0xa1, b'k'];
    assert!(decode(&nested(&array, 127)).is_ok(), "128 levels, the event's own counted");
    assert!(decode(&nested(&object, 127)).is_ok());
    assert_eq!(decode(&nested(&array, 128)), Err(JsonError::TooDeep.into()));
    assert_eq!(decode(&nested(&object, 128)), Err(JsonError::TooDeep.into()));
    assert_eq!(decode(&nested(&array, 500_000)), Err(JsonError::TooDeep.into()));
    // Where depth does not matter, it costs nothing either.
    let mut ignored = hex("83 a4'type' 01 a3'nsp' a1'/' a1'x'").to_vec();
    ignored.extend(std::iter::repeat_n(0x91, 500_000));
    ignored.push(0xc0);
    assert!(decode(&ignored.into()).is_ok());
    // What was read can be written, too.
    let packet = decode(&nested(&array, 127)).unwrap();
    assert_eq!(decode(&encode(&packet)), Ok(packet));
}

#[test]
fn sizes_are_counted_whatever_is_in_a_container() {
    let many: Vec<u32> = (0..70_000).collect();
    for len in [0, 1, 15, 16, 65_535, 65_536] {
        let values = Value::from(many[..len].to_vec());
        let object: Value = many[..len].iter().map(|n| (n.to_string(), vec![1, 2])).collect();
        let packet = event(None, "e", &(values, object, "[,]", ((), Some([[(); 2]; 3]))));
        assert_eq!(decode(&encode(&packet)), Ok(packet), "{len}");
    }
    for (len, head) in
        [(31, "bf"), (32, "d920"), (255, "d9ff"), (256, "da0100"), (65_536, "db00010000")]
    {
        let message = encode(&event(None, "e", &"x".repeat(len)));
        let start = hex(&format!("83 a4'type' 02 a4'data' 92 a1'e' {head} 78"));
        assert!(message.starts_with(&start), "{len}");
    }
    for (len, head) in [(255, "c4ff"), (256, "c50100"), (65_536, "c600010000")] {
        let message = encode(&event(None, "e", &Bytes::from(vec![0x78; len])));
        let start = hex(&format!("83 a4'type' 02 a4'data' 92 a1'e' {head} 78"));
        assert!(message.starts_with(&start), "{len}");
    }
}

#[test]
fn numbers_take_their_shortest_form() {
    for (number, wire) in [
        (0, "00"),
        (127, "7f"),
        (128, "cc80"),
        (255, "ccff"),
        (256, "cd0100"),
        (65_535, "cdffff"),
        (65_536, "ce00010000"),
        (4_294_967_295, "ceffffffff"),
        (4_294_967_296, "cf0000000100000000"),
        (i64::MAX, "cf7fffffffffffffff"),
        (-1, "ff"),
        (-32, "e0"),
        (-33, "d0df"),
        (-128, "d080"),
        (-129, "d1ff7f"),
        (-32_768, "d18000"),
        (-32_769, "d2ffff7fff"),
        (-2_147_483_648, "d280000000"),
        (-2_147_483_649, "d3ffffffff7fffffff"),
        (i64::MIN, "d38000000000000000"),
    ] {
        assert_eq!(encode(&event(None, "e", &number)), event_with(wire), "{number}");
    }
    assert_eq!(encode(&event(None, "e", &u64::MAX)), event_with("cfffffffffffffffff"));
    assert_eq!(encode(&event(None, "e", &1.5)), event_with("cb3ff8000000000000"));
    assert_eq!(encode(&event(None, "e", &f64::NAN)), event_with("c0"));
}

#[test]
fn placeholders_are_found_however_they_are_written() {
    let attachments = vec![Bytes::from_static(&[7])];
    for (json, argument) in [
        (r#"["e",{"_placeholder":true,"num":0}]"#, "c40107"),
        (r#"[ "e" , { "num" : 0 , "more" : "x" , "_placeholder" : true } ]"#, "c40107"),
        (r#"["e",{"_placeholder":false,"num":0}]"#, "82 ac'_placeholder' c2 a3'num' 00"),
        (r#"["e",{"num":[0],"x":{"_placeholder":true,"num":0}}]"#, "82 a3'num' 91 00 a1'x' c40107"),
    ] {
        let data = Data::event_from_json(json, attachments.clone(), &Limits::default()).unwrap();
        let packet = Packet::Event { namespace: Namespace::root(), ack: None, data };
        assert_eq!(encode(&packet), event_with(argument), "{json}");
    }
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

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        // Without fraction a double comes back as an integer.
        (0.001..0.999).prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 40, 20, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..20).prop_map(Into::into),
            vec((any::<String>(), inner), 0..20)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decoding_undoes_encoding(
        ack in option::of(any::<u32>()),
        values in vec(json(), 0..4),
        blobs in vec(vec(any::<u8>(), 0..300), 0..20),
    ) {
        let blobs: Vec<Bytes> = blobs.into_iter().map(Bytes::from).collect();
        let packet = event(ack, "e", &(&values, &blobs));
        prop_assert_eq!(decode(&encode(&packet)), Ok(packet));
    }

    #[test]
    fn no_message_panics_and_what_is_read_is_json(message in vec(any::<u8>(), 0..64)) {
        check(message.into());
    }

    #[test]
    fn no_damaged_message_panics(
        values in vec(json(), 0..3),
        blob in vec(any::<u8>(), 0..20),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in option::of(any::<prop::sample::Index>()),
    ) {
        let mut message = encode(&event(Some(1), "e", &(&values, Bytes::from(blob)))).to_vec();
        let at = at.index(message.len());
        message[at] = byte;
        if let Some(cut) = cut {
            message.truncate(cut.index(message.len()));
        }
        check(message.into());
    }
}

/// Whatever is read is valid, by the rules for text, and can be written again.
fn check(message: Bytes) {
    let Ok(packet) = decode(&message) else { return };
    match &packet {
        Packet::Event { data, .. } => {
            let attachments = data.attachments().to_vec();
            let again = Data::event_from_json(data.to_json(), attachments, &Limits::default());
            assert_eq!(again.as_ref(), Ok(data));
        }
        Packet::Ack { data, .. } => {
            let attachments = data.attachments().to_vec();
            let again = Data::ack_from_json(data.to_json(), attachments, &Limits::default());
            assert_eq!(again.as_ref(), Ok(data));
        }
        Packet::Connect { auth: Some(json), .. } | Packet::ConnectError { payload: json, .. } => {
            serde_json::from_str::<serde::de::IgnoredAny>(json).unwrap();
        }
        Packet::Connect { auth: None, .. } | Packet::Disconnect { .. } => {}
    }
    assert_eq!(decode(&encode(&packet)), Ok(packet));
}
