use bytes::Bytes;
use spola_frame::{FrameHeader, Rsv};

use crate::{Kind, Message, copy};

/// A message with its frame encoded once, to be sent by any number of connections.
///
/// A server's connection queues a large frame by reference and copies a small one; a client's has
/// to mask each copy anew, so it gains nothing over [`Connection::send`](crate::Connection::send).
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(crate) kind: Kind,
    pub(crate) plain: Encoded,
    /// For the connections that agreed on compression.
    pub(crate) compressed: Option<Compressed>,
}

#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    pub(crate) rsv: Rsv,
    pub(crate) frame: Bytes,
    pub(crate) header_len: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Compressed {
    pub(crate) encoded: Encoded,
    /// The window that the peer must have to inflate it.
    pub(crate) window_bits: u8,
}

impl Prepared {
    /// Encodes `message` as one frame, copying its payload once.
    #[must_use]
    pub fn new(message: &Message) -> Self {
        let (kind, payload) = (message.kind(), message.as_bytes());
        Self { kind, plain: Encoded::new(kind, Rsv::NONE, payload), compressed: None }
    }

    /// Encodes it once more, compressed at `level` (1 to 9) for windows of `window_bits` (9 to 15) and
    /// more. Connections that agreed on permessage-deflate with such a window send it like this;
    /// all others send it plain.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn compress(mut self, level: u8, window_bits: u8) -> Self {
        let payload = crate::deflation::compress_once(self.payload(), level, window_bits);
        let encoded = Encoded::new(self.kind, Rsv::RSV1, &payload);
        self.compressed = Some(Compressed { encoded, window_bits: window_bits.clamp(9, 15) });
        self
    }

    /// The message's payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.plain.frame.get(self.plain.header_len..).unwrap_or_default()
    }
}

impl Encoded {
    fn new(kind: Kind, rsv: Rsv, payload: &[u8]) -> Self {
        let header = FrameHeader {
            fin: true,
            rsv,
            opcode: kind.opcode(),
            masking_key: None,
            payload_len: payload.len() as u64,
        };
        let mut head = [0; FrameHeader::MAX_LEN];
        let header_len = header.encode(&mut head);
        let mut frame = Vec::with_capacity(header_len + payload.len());
        frame.extend_from_slice(&head[..header_len]);
        copy::append(&mut frame, payload);
        Self { rsv, frame: frame.into(), header_len }
    }
}
