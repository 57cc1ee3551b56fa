use std::time::Duration;

use bytes::Buf;
use spola_websocket::Event;

use super::{Role, Session, Step, play};
use crate::allocated;

/// What a connection may own between messages.
const IDLE: usize = 512;

/// What may be reserved ahead of what has arrived.
const AHEAD: usize = 64 * 1024;

/// What a decompressor costs.
const CONTEXT: usize = 50 * 1024;

/// A control frame, the parts of an incomplete message.
const PARTS: usize = 1024;

/// From this size on, the buffer of a binary message may be kept by the thread once it is dropped, and
/// this is the most of them that is.
const KEPT: (usize, usize) = (32 * 1024, 8 << 20);

/// How messages are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    Messages,
    Chunks,
}

/// Receives what the script has for it, in pieces, and writes each answer at once: the connection
/// never holds more than what has arrived of a message twice, nothing to speak of between messages,
/// and nothing ever where it reads in chunks.
pub(super) fn check(session: &Session, role: Role, depth: Depth) {
    let wires: Vec<(Vec<u8>, Duration)> =
        session.steps.iter().map(|step| wire(step, role)).collect();
    let (mut connection, mut now) = play::open(session, role);
    let timed = !session.limits.keeps_alive();
    let longest = wires.iter().map(|(wire, _)| wire.len()).max().unwrap_or(0);
    let size = session.piece().max(longest / play::PIECES);
    let mut scratch = vec![0; size];
    let agreed = session.compression.is_agreed();
    // A decompressor, of the connection's or of the thread's.
    let context = if agreed { CONTEXT } else { 0 };
    let before = allocated();
    let mut arrived = 0;
    // What the thread may have kept of messages that have passed.
    let mut kept = 0;
    for (wire, pause) in &wires {
        now += *pause;
        for bytes in wire.chunks(size) {
            arrived += bytes.len();
            let mut piece = &mut scratch[..bytes.len()];
            piece.copy_from_slice(bytes);
            match depth {
                Depth::Messages => {
                    while let Some(event) = connection.poll_event(now, &mut piece) {
                        if let Event::Binary(payload) = event
                            && payload.len() >= KEPT.0
                        {
                            kept = (kept + 2 * payload.len() + AHEAD).min(KEPT.1);
                        }
                    }
                }
                Depth::Chunks => while connection.poll_chunk(now, &mut piece).is_some() {},
            }
            while connection.output().has_remaining() {
                let len = connection.output().remaining();
                connection.output().advance(len);
            }
            let held = allocated().saturating_sub(before);
            if depth == Depth::Chunks || (timed && connection.poll_timeout().is_none()) {
                // No message has begun, or all is over.
                arrived = 0;
                assert!(held <= IDLE + context + kept, "{held} bytes held between messages");
            }
            // What is compressed may grow up to the limit.
            let size = if agreed { session.limits.config().max_message_size } else { arrived };
            let message = size + size.max(AHEAD) + PARTS;
            assert!(held <= message + context + kept, "{held} bytes of {arrived}");
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
        | Step::Fragment(..)
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
