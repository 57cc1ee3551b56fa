use spola_frame::{FrameHeader, Opcode, Rsv, mask};
use spola_websocket::{
    CloseCode, CloseFrame, CloseReason, Kind,
    deflate::{Inflater, Progress},
};

use super::{
    Role, Session,
    trace::{Said, Sent},
};

/// What the peer reads, by what it is: control frames overtake messages.
#[derive(Default)]
struct Heard {
    messages: Vec<Sent>,
    /// The message that is not complete.
    partial: Option<Sent>,
    /// Whether it is compressed.
    compressed: bool,
    /// Keeps its window whether the compressor does or not.
    inflater: Inflater,
    pings: Vec<Vec<u8>>,
    close: Option<Vec<u8>>,
}

/// Reads what an endpoint of `role` has written as its peer would: sound frames, nothing after a
/// Close frame, what was said and in that order, and the Close frame that `reason` asks for.
pub(super) fn check(
    session: &Session,
    role: Role,
    wire: &[u8],
    said: &[Said],
    reason: &CloseReason,
) {
    let heard = Heard::read(session, role, wire);
    let (mut messages, mut pings, mut partial, mut close) = (Vec::new(), Vec::new(), None, None);
    for said in said {
        match said {
            Said::Message(sent) => messages.push(sent),
            Said::Unfinished(sent) => partial = Some(sent),
            Said::Ping(payload) => pings.push(payload),
            Said::Close(body) => close = Some(body.clone()),
        }
    }
    let failed = close.is_none() && is_failure(reason);
    assert_eq!(heard.close, close.or_else(|| answer(reason)), "the wrong Close frame");
    // A connection that fails drops what waits to be cut into frames.
    let got: Vec<_> = heard.messages.iter().collect();
    assert!(messages.starts_with(&got), "{messages:?} was sent, {got:?} written");
    if !failed {
        assert_eq!(got.len(), messages.len(), "messages are missing");
        assert_eq!(heard.partial.as_ref(), partial, "the unfinished message differs");
    }
    let mut heard_pings: Vec<_> = heard.pings.iter().collect();
    if session.limits.keeps_alive() {
        // Those sent without being asked for are empty.
        heard_pings.retain(|ping| !ping.is_empty());
        pings.retain(|ping| !ping.is_empty());
    }
    assert_eq!(heard_pings, pings);
}

impl Heard {
    fn read(session: &Session, role: Role, mut wire: &[u8]) -> Self {
        let mut heard = Self::default();
        while !wire.is_empty() {
            assert_eq!(heard.close, None, "frames after the Close frame");
            let (header, payload) = frame(role, session.compression.is_agreed(), &mut wire);
            let kind = match header.opcode {
                Opcode::Pong => continue,
                Opcode::Ping => {
                    heard.pings.push(payload);
                    continue;
                }
                Opcode::Close => {
                    heard.close = Some(payload);
                    continue;
                }
                Opcode::Text => Some(Kind::Text),
                Opcode::Binary => Some(Kind::Binary),
                Opcode::Continuation => None,
            };
            assert!(
                payload.len() <= session.limits.fragment_size(),
                "a frame of {}",
                payload.len()
            );
            heard.data(kind, &header, &payload);
        }
        heard
    }

    fn data(&mut self, kind: Option<Kind>, header: &FrameHeader, payload: &[u8]) {
        let FrameHeader { fin, rsv, .. } = *header;
        let begun = self.partial.take();
        assert_eq!(begun.is_none(), kind.is_some(), "{kind:?} after {begun:?}");
        if begun.is_none() {
            self.compressed = rsv == Rsv::RSV1;
        } else {
            assert_eq!(rsv, Rsv::NONE, "a continuation with RSV1");
        }
        let Some(mut sent) = begun.or_else(|| kind.map(|kind| Sent { kind, payload: Vec::new() }))
        else {
            return;
        };
        if self.compressed {
            self.inflate(payload, fin, &mut sent.payload);
        } else {
            sent.payload.extend_from_slice(payload);
        }
        if fin {
            self.messages.push(sent);
        } else {
            self.partial = Some(sent);
        }
    }

    fn inflate(&mut self, mut payload: &[u8], fin: bool, out: &mut Vec<u8>) {
        let inflated = self.inflater.inflate(&mut payload, out, usize::MAX);
        assert_eq!(inflated, Ok(Progress::NeedsInput));
        if fin {
            assert_eq!(self.inflater.finish(out, usize::MAX), Ok(Progress::NeedsInput));
        }
    }
}

fn frame(role: Role, compressed: bool, wire: &mut &[u8]) -> (FrameHeader, Vec<u8>) {
    let Ok(Some((header, start))) = FrameHeader::decode(wire) else {
        panic!("no frame: {wire:x?}");
    };
    assert!(
        header.rsv == Rsv::NONE || (compressed && !header.opcode.is_control()),
        "reserved bits: {header:?}"
    );
    assert_eq!(header.masking_key.is_some(), role == Role::Client);
    let len = usize::try_from(header.payload_len).unwrap_or(usize::MAX);
    let (frame, rest) = wire.split_at(start + len);
    *wire = rest;
    let mut payload = frame[start..].to_vec();
    if let Some(key) = header.masking_key {
        mask(&mut payload, key, 0);
    }
    (header, payload)
}

fn is_failure(reason: &CloseReason) -> bool {
    matches!(
        reason,
        CloseReason::Violation(_) | CloseReason::PongTimeout | CloseReason::IdleTimeout
    )
}

/// The body of the Close frame that the connection sends by itself.
fn answer(reason: &CloseReason) -> Option<Vec<u8>> {
    let body = |code: CloseCode| Some(code.get().to_be_bytes().to_vec());
    match reason {
        CloseReason::Violation(violation) => body(violation.close_code()),
        CloseReason::Peer(CloseFrame { code, .. }) => code.map_or(Some(Vec::new()), body),
        CloseReason::PongTimeout => body(CloseCode::INTERNAL_ERROR),
        CloseReason::IdleTimeout => body(CloseCode::GOING_AWAY),
        CloseReason::Local(_) | CloseReason::Eof | CloseReason::CloseTimeout => None,
        other => panic!("what does {other:?} ask for?"),
    }
}
