use std::time::Duration;

use bytes::Buf;

use super::{Role, Session, Step, play};
use crate::allocated;

/// What a connection may own between messages.
const IDLE: usize = 256;

/// What may be reserved ahead of what has arrived.
const AHEAD: usize = 64 * 1024;

/// A control frame, the parts of an incomplete message.
const PARTS: usize = 1024;

/// Receives what the script has for it, in pieces, and writes each answer at once: the connection
/// never holds more than what has arrived of a message twice, and next to nothing between messages.
pub(super) fn check(session: &Session, role: Role) {
    let wires: Vec<(Vec<u8>, Duration)> =
        session.steps.iter().map(|step| wire(step, role)).collect();
    let (mut connection, mut now) = play::open(session, role);
    let mut scratch = vec![0; session.piece()];
    let before = allocated();
    let mut arrived = 0;
    for (wire, pause) in &wires {
        now += *pause;
        let mut rest = &wire[..];
        while !rest.is_empty() {
            let mut len =
                if session.cut & 1 == 0 { 0 } else { play::read_straight(&mut connection, rest) };
            arrived += len;
            let mut piece = &mut scratch[..0];
            if len == 0 {
                len = rest.len().min(session.piece());
                piece = &mut scratch[..len];
                piece.copy_from_slice(&rest[..len]);
                arrived += len;
            }
            rest = &rest[len..];
            while connection.poll_event(now, &mut piece).is_some() {}
            let output = connection.output();
            output.advance(output.remaining());
            let held = allocated().saturating_sub(before);
            if connection.poll_timeout().is_none() {
                // No message has begun, or all is over.
                arrived = 0;
                assert!(held <= IDLE, "{held} bytes held between messages");
            }
            assert!(held <= arrived + arrived.max(AHEAD) + PARTS, "{held} bytes held of {arrived}");
        }
    }
}

fn wire(step: &Step, role: Role) -> (Vec<u8>, Duration) {
    match step {
        Step::Frame(frame) => (frame.wire(role), Duration::ZERO),
        Step::Bytes(payload) => (payload.to_vec(), Duration::ZERO),
        Step::Wait(hundredths) => (Vec::new(), Duration::from_millis(u64::from(*hundredths) * 10)),
        Step::Text(_)
        | Step::Binary(..)
        | Step::Ping(_)
        | Step::Close(..)
        | Step::CloseWithoutStatus
        | Step::EarlyTimeout
        | Step::Write(_)
        | Step::Flush
        | Step::Lend(_)
        | Step::Eof => (Vec::new(), Duration::ZERO),
    }
}
