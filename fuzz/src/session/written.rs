use spola_frame::{FrameHeader, Opcode, Rsv, mask};
use spola_websocket::{CloseFrame, CloseReason};

use super::{Role, play::Said};

/// Reads what an endpoint of `role` has written as its peer would: sound frames, nothing after a
/// Close frame, what was said and in that order, and the Close frame that `reason` asks for.
pub(super) fn check(role: Role, mut wire: &[u8], said: &[Said], reason: &CloseReason) {
    let mut heard = Vec::new();
    let mut message = None;
    while !wire.is_empty() {
        assert!(!matches!(heard.last(), Some(Said::Close(_))), "frames after the Close frame");
        let (header, payload) = frame(role, &mut wire);
        match header.opcode {
            Opcode::Pong => {}
            Opcode::Ping => heard.push(Said::Ping(payload)),
            Opcode::Close => {
                assert!(message.is_none(), "closed inside a message");
                heard.push(Said::Close(payload));
            }
            Opcode::Text => assert!(message.replace(Said::Text(payload)).is_none()),
            Opcode::Binary => assert!(message.replace(Said::Binary(payload)).is_none()),
            Opcode::Continuation => match &mut message {
                Some(Said::Text(so_far) | Said::Binary(so_far)) => so_far.extend(payload),
                other => panic!("a continuation of {other:?}"),
            },
        }
        if header.fin && !header.opcode.is_control() {
            heard.extend(message.take());
        }
    }
    if let (Some(Said::Close(body)), false) = (heard.last(), closed(said)) {
        assert_eq!(Some(&body[..]), answer(reason).as_deref(), "the wrong Close frame");
        heard.pop();
    } else {
        assert!(closed(said) || answer(reason).is_none(), "a Close frame is missing");
    }
    assert!(heard == said, "{heard:?}\n{said:?}");
}

fn frame(role: Role, wire: &mut &[u8]) -> (FrameHeader, Vec<u8>) {
    let Ok(Some((header, start))) = FrameHeader::decode(wire) else {
        panic!("no frame: {wire:x?}");
    };
    assert_eq!(header.rsv, Rsv::NONE);
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

fn closed(said: &[Said]) -> bool {
    matches!(said.last(), Some(Said::Close(_)))
}

/// The body of the Close frame that the connection sends by itself.
fn answer(reason: &CloseReason) -> Option<Vec<u8>> {
    match reason {
        CloseReason::Violation(violation) => {
            Some(violation.close_code().get().to_be_bytes().to_vec())
        }
        CloseReason::Peer(CloseFrame { code, .. }) => {
            Some(code.map(|code| code.get().to_be_bytes().to_vec()).unwrap_or_default())
        }
        CloseReason::Local(_) | CloseReason::Eof | CloseReason::CloseTimeout => None,
        other => panic!("what does {other:?} ask for?"),
    }
}
