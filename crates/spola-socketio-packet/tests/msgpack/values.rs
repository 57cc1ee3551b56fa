//! Values as they arrive, and as they are written.

use bytes::Bytes;
use bytestring::ByteString;
use spola_socketio_packet::{Data, DecodeError, Limits, Namespace, Packet, Value};

use super::{argument, decode, encode, event, event_with, hex};

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
