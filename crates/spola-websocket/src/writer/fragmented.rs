use spola_frame::{Opcode, Rsv};

use super::{Head, Writer};
use crate::{Compression, Kind, Part, SendError, copy, text::TextCheck};

/// How far a message has come that the caller sends in fragments.
#[derive(Clone, Copy)]
pub(super) struct Fragmented {
    kind: Kind,
    compressed: bool,
    text: TextCheck,
}

impl Writer {
    /// Sends the next fragment of a message that the caller cuts.
    pub(crate) fn fragment(
        &mut self,
        kind: Kind,
        payload: &[u8],
        part: Part,
    ) -> Result<(), SendError> {
        let first = self.fragmented.is_none();
        let mut message = self.fragmented.unwrap_or_else(|| Fragmented {
            kind,
            compressed: self.deflation.applies(payload.len(), Compression::Auto),
            text: TextCheck::default(),
        });
        message.add(kind, payload, part)?;
        self.fragmented = if part == Part::Last { None } else { Some(message) };
        let head = Head {
            fin: part == Part::Last,
            rsv: if first && message.compressed { Rsv::RSV1 } else { Rsv::NONE },
            opcode: if first { kind.opcode() } else { Opcode::Continuation },
        };
        if message.compressed {
            let compressed = self.deflation.fragment(payload, part);
            self.queue(head, compressed);
        } else if payload.len() > self.max_frame() || !self.waiting.is_empty() {
            self.queue(head, copy::to_bytes(payload));
        } else {
            self.frame(head, payload);
        }
        Ok(())
    }
}

impl Fragmented {
    fn add(&mut self, kind: Kind, payload: &[u8], part: Part) -> Result<(), SendError> {
        if kind != self.kind {
            return Err(SendError::Fragmented);
        }
        if kind == Kind::Text {
            let mut checked = self.text.push(payload);
            if part == Part::Last {
                checked = checked.and_then(|()| self.text.finish());
            }
            return checked.map_err(|_| SendError::InvalidUtf8);
        }
        Ok(())
    }
}
