//! The MessagePack format.

use bytes::Bytes;
use spola_socketio_packet::{Format, MessagePack};

use super::{Message, decode, sound};
use crate::allocated;

/// One message. What is let in is sound; what is not costs no more than what is.
pub fn check(bytes: &[u8]) {
    let format = Format::of(MessagePack);
    let before = allocated();
    let message = Message::Binary(Bytes::copy_from_slice(bytes));
    decode(&format, vec![message], |packet| {
        // A byte is at most seventeen of JSON, a placeholder's, and a handle; strings grow by doubling.
        let room = 4096 + bytes.len() * 128;
        assert!(allocated().saturating_sub(before) <= room, "{} bytes", allocated() - before);
        sound(&format, &packet);
    });
}
