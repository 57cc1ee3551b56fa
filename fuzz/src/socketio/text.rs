//! The text format, with attachments.

use spola_socketio_packet::{Format, Packet};

use super::{decode, messages, sound};

/// The messages of one connection. What is let in is sound, and has as many attachments as it may.
pub fn check(bytes: &[u8]) {
    decode(&Format::TEXT, messages(bytes), |packet| {
        if let Packet::Event { data, .. } | Packet::Ack { data, .. } = &packet {
            assert!(data.attachments().len() <= 10);
        }
        sound(&Format::TEXT, &packet);
    });
}
