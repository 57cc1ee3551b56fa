//! The least a WebSocket echo can do: a handshake, then each frame's payload unmasked and passed on
//! as it comes, under a header without the mask. No limit, no UTF-8, no rule is checked.

use spola_frame::{FrameHeader, MaskingKey, mask_copy};
use spola_websocket::handshake::server::RequestReader;

use super::epoll::{Answer, Reach};

pub(super) enum LimitWs {
    /// The request so far.
    Opening(Vec<u8>),
    Open(Frames),
}

/// Where in the frames a connection is.
#[derive(Default)]
pub(super) struct Frames {
    /// A header so far.
    header: Vec<u8>,
    key: Option<MaskingKey>,
    /// Payload bytes of the frame that went by, as the masking key counts them.
    phase: usize,
    left: u64,
}

impl Default for LimitWs {
    fn default() -> Self {
        Self::Opening(Vec::new())
    }
}

impl Answer for LimitWs {
    fn answer<'a>(
        &mut self,
        _connection: usize,
        input: &'a mut [u8],
        output: &'a mut [u8],
    ) -> Option<(&'a [u8], Reach)> {
        match self {
            Self::Opening(head) => {
                let Some(response) = accept(head, input)? else {
                    return Some((&[], Reach::Own));
                };
                *self = Self::Open(Frames::default());
                let output = output.get_mut(..response.len())?;
                output.copy_from_slice(&response);
                Some((output, Reach::Own))
            }
            Self::Open(frames) => Some((frames.pass(input, output)?, Reach::Own)),
        }
    }
}

/// The response to a request that `input` completes; `None` within, if there is more to come. What follows
/// the head would be frames; the load waits for the response.
pub(super) fn accept(head: &mut Vec<u8>, input: &[u8]) -> Option<Option<Vec<u8>>> {
    head.extend_from_slice(input);
    let request = RequestReader::new().read(head).ok()?;
    Some(request.map(|request| request.upgrade.accept().to_bytes()))
}

impl Frames {
    pub(super) fn pass<'a>(&mut self, mut input: &[u8], output: &'a mut [u8]) -> Option<&'a [u8]> {
        let mut written = 0;
        while !input.is_empty() {
            if self.left == 0 {
                let (header, rest) = self.header(input)?;
                input = rest;
                let Some(header) = header else { break };
                let mut bytes = [0; FrameHeader::MAX_LEN];
                let len = header.encode(&mut bytes);
                output.get_mut(written..written + len)?.copy_from_slice(bytes.get(..len)?);
                written += len;
            }
            let len = usize::try_from(self.left).ok()?.min(input.len());
            let (piece, rest) = input.split_at(len);
            let room = output.get_mut(written..written + len)?;
            match self.key {
                Some(key) => self.phase = mask_copy(piece, room, key, self.phase),
                None => room.copy_from_slice(piece),
            }
            (input, written) = (rest, written + len);
            self.left -= len as u64;
        }
        output.get(..written)
    }

    /// The next frame's header for the way back, once there is a whole one, and what follows it.
    fn header<'a>(&mut self, input: &'a [u8]) -> Option<(Option<FrameHeader>, &'a [u8])> {
        let (header, rest) = if self.header.is_empty() {
            match FrameHeader::decode(input).ok()? {
                Some((header, len)) => (header, input.get(len..)?),
                None => {
                    self.header.extend_from_slice(input);
                    return Some((None, &[]));
                }
            }
        } else {
            let before = self.header.len();
            self.header.extend(input.iter().take(FrameHeader::MAX_LEN - before));
            let Some((header, len)) = FrameHeader::decode(&self.header).ok()? else {
                return Some((None, &[]));
            };
            self.header = Vec::new();
            (header, input.get(len - before..)?)
        };
        (self.key, self.phase, self.left) = (header.masking_key, 0, header.payload_len);
        Some((Some(FrameHeader { masking_key: None, ..header }), rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::{Kind, from_client, from_server, messages};

    #[test]
    fn any_chunking_of_frames_comes_back_unmasked() {
        for size in [1, 125, 1000, 70_000] {
            let messages = messages(size);
            let wire = from_client(Kind::Text, &messages).concat();
            let expected = from_server(Kind::Text, &messages).concat();
            for chunk in [1, 3, 7, 131, 4096, wire.len()] {
                let mut frames = Frames::default();
                let (mut output, mut answered) = (vec![0; wire.len() + 1024], Vec::new());
                for input in wire.chunks(chunk) {
                    answered.extend_from_slice(frames.pass(input, &mut output).unwrap());
                }
                assert!(answered == expected, "{size} bytes in chunks of {chunk}");
            }
        }
    }
}
