//! What peers without manners, the application and the clock may do.

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*, sample::select};
use spola_engineio::{
    Revision,
    server::{BinaryMode, Dialect, Opening, RequestId, WebSocketEnd},
};

/// One step of a peer without manners, or of the application, or of the clock.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Send(usize),
    SendBinary { len: usize, ahead: bool },
    Close,
    Discard,
    Abort,
    Get { overlap: bool },
    AbortGet(u64),
    StartPost { binary: bool, overlap: bool },
    EndPost(u64, Bytes),
    TooLarge(u64),
    AbortPost(u64),
    OpenWebSocket,
    WebSocketText(&'static str),
    WebSocketBinary,
    EndWebSocket(WebSocketEnd),
    OpenStream(Option<u64>),
    DropStream(u64),
    StartStreamPost { binary: bool, seq: Option<u64>, ack: Option<u64> },
    Advance(u64),
    Drain,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let id = 0..3_u64;
    let rarely = prop::bool::weighted(0.04);
    prop_oneof![
        6 => (0..40_usize).prop_map(Step::Send),
        3 => (0..40_usize, any::<bool>())
            .prop_map(|(len, ahead)| Step::SendBinary { len, ahead }),
        1 => Just(Step::Close),
        1 => Just(Step::Discard),
        1 => Just(Step::Abort),
        8 => rarely.prop_map(|overlap| Step::Get { overlap }),
        1 => id.clone().prop_map(Step::AbortGet),
        8 => (rarely, rarely)
            .prop_map(|(binary, overlap)| Step::StartPost { binary, overlap }),
        8 => (id.clone(), body()).prop_map(|(id, body)| Step::EndPost(id, body)),
        1 => id.clone().prop_map(Step::TooLarge),
        1 => id.prop_map(Step::AbortPost),
        4 => Just(Step::OpenWebSocket),
        8 => select(&TEXTS[..]).prop_map(Step::WebSocketText),
        1 => Just(Step::WebSocketBinary),
        1 => Just(Step::EndWebSocket(WebSocketEnd::Closed)),
        1 => Just(Step::EndWebSocket(WebSocketEnd::Failed)),
        4 => option::of(0..12_u64).prop_map(Step::OpenStream),
        2 => (0..3_u64).prop_map(Step::DropStream),
        8 => (rarely, option::of(0..6_u64), option::weighted(0.2, 0..12_u64))
            .prop_map(|(binary, seq, ack)| Step::StartStreamPost { binary, seq, ack }),
        6 => prop_oneof![0..200_u64, 0..50_000_u64].prop_map(Step::Advance),
        8 => Just(Step::Drain),
    ]
}

pub(super) fn opening() -> impl Strategy<Value = Opening> {
    select(vec![Opening::Polling(RequestId(0)), Opening::WebSocket, Opening::Sse(RequestId(0))])
}

const TEXTS: [&str; 14] = [
    "2probe", "2probe", "2probe", "5", "5", "4", "4abc", "3", "2", "1", "6", "bAQ==", "b4AQ==", "9",
];

pub(super) fn dialect() -> impl Strategy<Value = Dialect> {
    let native = Dialect::default();
    let v3 = Dialect { revision: Revision::V3, ..native };
    let binary = BinaryMode::Base64;
    prop_oneof![
        4 => Just(native),
        2 => Just(v3),
        1 => Just(Dialect { binary, ..v3 }),
        1 => Just(Dialect { jsonp: Some(7), ..v3 }),
        1 => Just(Dialect { jsonp: Some(7), ..native }),
    ]
}

fn body() -> impl Strategy<Value = Bytes> {
    let bodies_v3: [&[u8]; 5] =
        [b"1:22:4a", b"2:4a1:62:4c", b"\x00\x02\xff4a\x01\x02\xff\x04b", b"1:1", b"2:4a3:4b"];
    let bodies = [
        "2probe",
        "5",
        "2probe\x1e5\x1e4z",
        "5\x1e3",
        "4a",
        "4b\x1e3",
        "3",
        "6\x1e4c\x1e4\x1ebAQ==",
        "1",
        "4d\x1e",
        "2",
        "4e\x1e9\x1e4f",
    ];
    prop_oneof![
        6 => select(bodies[..8].to_vec()).prop_map(|body| Bytes::from_static(body.as_bytes())),
        1 => select(bodies.to_vec()).prop_map(|body| Bytes::from_static(body.as_bytes())),
        4 => select(bodies_v3.to_vec()).prop_map(Bytes::from_static),
        1 => vec(any::<u8>(), 0..70).prop_map(Bytes::from),
    ]
}
