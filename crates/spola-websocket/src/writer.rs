use bytes::{Buf, Bytes, BytesMut};
use spola_frame::{CloseCode, FrameHeader, MaskingKey, Opcode, Rsv, mask, mask_copy};

use crate::{Entropy, Message, Output, Prepared, SendError, copy, output::LARGE};

/// Pongs that may wait in the output at once; beyond them only the latest ping is answered
/// (RFC 6455 §5.5.3), so that a peer that asks and does not read cannot grow our queue.
const MAX_QUEUED_PONGS: u8 = 16;

/// Puts frames into the output; a client's are masked.
pub(crate) struct Writer {
    output: Output,
    /// Present in a client, which masks.
    entropy: Option<Box<dyn Entropy + Send>>,
    /// Pongs queued since the output was last seen empty.
    queued_pongs: u8,
    /// The latest ping beyond those, answered when the output is empty again.
    deferred_pong: Option<Box<[u8]>>,
}

impl Writer {
    pub(crate) fn new(entropy: Option<Box<dyn Entropy + Send>>) -> Self {
        Self { output: Output::default(), entropy, queued_pongs: 0, deferred_pong: None }
    }

    #[inline]
    pub(crate) fn is_client(&self) -> bool {
        self.entropy.is_some()
    }

    pub(crate) fn output(&mut self) -> &mut Output {
        if self.deferred_pong.is_some() && self.output.is_empty() {
            self.queued_pongs = 0;
            if let Some(payload) = self.deferred_pong.take() {
                self.pong(&payload);
            }
        }
        &mut self.output
    }

    pub(crate) fn buffered_amount(&self) -> usize {
        let deferred = self.deferred_pong.as_ref().map_or(0, |pong| pong.len() + 2);
        self.output.remaining() + deferred
    }

    /// Queues one final frame, copying the payload.
    #[inline]
    pub(crate) fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        let key = self.masking_key();
        let mut head = [0; FrameHeader::MAX_LEN];
        let len = header(opcode, key, payload.len()).encode(&mut head);
        let small = self.output.small();
        small.reserve(FrameHeader::MAX_LEN + payload.len());
        // A copy of fixed length is a store or two; one of two bytes is a call.
        let start = small.len();
        small.extend_from_slice(&head);
        small.truncate(start + len);
        match key {
            None => copy::append(small, payload),
            Some(key) => {
                let start = small.len();
                small.resize(start + payload.len(), 0);
                if let Some(target) = small.get_mut(start..) {
                    mask_copy(payload, target, key, 0);
                }
            }
        }
    }

    pub(crate) fn message(&mut self, message: Message) {
        let opcode = message.opcode();
        if message.as_bytes().len() < LARGE {
            return self.frame(opcode, message.as_bytes());
        }
        let payload = message.into_bytes();
        let key = self.masking_key();
        let mut head = [0; FrameHeader::MAX_LEN];
        let len = header(opcode, key, payload.len()).encode(&mut head);
        self.output.small().extend_from_slice(&head[..len]);
        self.output.push_large(match key {
            None => payload,
            Some(key) => masked(payload, key),
        });
    }

    pub(crate) fn prepared(&mut self, prepared: &Prepared) {
        if self.is_client() {
            self.frame(prepared.opcode, prepared.payload());
        } else if prepared.frame.len() < LARGE {
            self.output.small().extend_from_slice(&prepared.frame);
        } else {
            self.output.push_large(prepared.frame.clone());
        }
    }

    pub(crate) fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        if payload.len() > 125 {
            return Err(SendError::ControlTooLong);
        }
        self.frame(Opcode::Ping, payload);
        Ok(())
    }

    pub(crate) fn pong(&mut self, payload: &[u8]) {
        if self.output.is_empty() {
            self.queued_pongs = 0;
        }
        if self.queued_pongs < MAX_QUEUED_PONGS {
            self.queued_pongs += 1;
            self.deferred_pong = None;
            self.frame(Opcode::Pong, payload);
        } else {
            self.deferred_pong = Some(payload.into());
        }
    }

    /// Queues a Close frame, the last of all. A reason must have at most 123 bytes.
    pub(crate) fn close(&mut self, code: Option<CloseCode>, reason: &str) {
        self.deferred_pong = None;
        let Some(code) = code else {
            return self.frame(Opcode::Close, &[]);
        };
        let mut body = Vec::with_capacity(2 + reason.len());
        body.extend_from_slice(&code.get().to_be_bytes());
        body.extend_from_slice(reason.as_bytes());
        self.frame(Opcode::Close, &body);
    }

    #[inline]
    fn masking_key(&mut self) -> Option<MaskingKey> {
        let entropy = self.entropy.as_mut()?;
        let mut key = [0; 4];
        entropy.fill(&mut key);
        Some(MaskingKey::new(key))
    }
}

#[inline]
fn header(opcode: Opcode, masking_key: Option<MaskingKey>, len: usize) -> FrameHeader {
    FrameHeader { fin: true, rsv: Rsv::NONE, opcode, masking_key, payload_len: len as u64 }
}

/// Masks a large payload, in place if nobody else holds it.
fn masked(payload: Bytes, key: MaskingKey) -> Bytes {
    match payload.try_into_mut() {
        Ok(mut own) => {
            mask(&mut own, key, 0);
            own.freeze()
        }
        Err(shared) => {
            let mut copy = BytesMut::zeroed(shared.len());
            mask_copy(&shared, &mut copy, key, 0);
            copy.freeze()
        }
    }
}
