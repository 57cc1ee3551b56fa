//! What is no packet, and what is too much.

use bytes::Bytes;
use bytestring::ByteString;
use spola_socketio_packet::{DecodeError, JsonError, Limits, NamespaceError, Value};

use super::{decode, decoder, encode, event, hex};

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
