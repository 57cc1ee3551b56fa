/// The payload of a control frame that is kept: at most 125 bytes (RFC 6455 §5.5).
#[derive(Debug)]
pub(crate) struct ControlPayload {
    bytes: [u8; 125],
    len: usize,
}

impl ControlPayload {
    pub(crate) const EMPTY: Self = Self { bytes: [0; 125], len: 0 };

    /// Appends `piece`, which the frame's header has promised to fit.
    pub(crate) fn append(&mut self, piece: &[u8]) {
        let room = self.bytes.get_mut(self.len..).unwrap_or_default();
        for (slot, byte) in room.iter_mut().zip(piece) {
            *slot = *byte;
        }
        self.len = (self.len + piece.len()).min(self.bytes.len());
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
