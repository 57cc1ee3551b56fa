//! Packets as Server-Sent Events: the body of a `text/event-stream` response (HTML, §9.2).
//!
//! The official protocol has no such transport; `docs/guide/sse.md` describes it.

use alloc::string::String;
use core::fmt::Write;

use bytes::Bytes;

use crate::{base64, message::WebSocketMessage};

/// Bytes of padding at the start of a stream.
const PADDING: usize = 2048;

static OPENING: [u8; PADDING + 3] = {
    let mut comment = [b' '; PADDING + 3];
    comment[0] = b':';
    comment[PADDING + 1] = b'\n';
    comment[PADDING + 2] = b'\n';
    comment
};

/// A comment of 2 KiB for the start of a stream: proxies and browsers that hold a response's first
/// bytes back let go of it.
pub const OPENING_COMMENT: Bytes = Bytes::from_static(&OPENING);

/// An empty comment, for a stream on which nothing happens: proxies do not take it for dead.
pub const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// What an event has beside its data and its number.
const FRAME: usize = 16 + 20;

/// Encodes `packet` in text form as the event of this number.
///
/// A line feed in the text begins another `data` field. A carriage return cannot be kept by any field,
/// so text with one goes as an event named `base64`, whose data is the base64 of the text.
#[must_use]
pub fn encode(number: u64, packet: WebSocketMessage) -> Bytes {
    let text = packet.into_text();
    let lines = text.matches('\n').count();
    let mut event = String::with_capacity(text.len() + FRAME + lines * "data: ".len());
    // Writing into a `String` cannot fail.
    let _ = writeln!(event, "id: {number}");
    if text.contains('\r') {
        event.push_str("event: base64\ndata: ");
        base64::encode_bare_to(text.as_bytes(), &mut event);
        event.push('\n');
    } else {
        for line in text.split('\n') {
            event.push_str("data: ");
            event.push_str(line);
            event.push('\n');
        }
    }
    event.push('\n');
    event.into()
}
