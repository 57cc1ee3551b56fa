//! Replies that are read frame by frame: fragmented ones, and compressed ones.

use super::{SAMPLE, differs};
use crate::Failure;
use crate::deflate::{Inflater, Takeover};
use crate::frames::Kind;

/// Compressed replies are inflated on every which connection: all of them there, as the context asks.
const INSPECTED: usize = 16;

/// What is compared of a piece of a message in the reads between the samples.
const START: usize = 8;

/// The longest server's header: no masking key (RFC 6455 §5.2).
const MAX_HEADER: usize = 10;

/// The messages expected, in a cycle.
pub(crate) struct Framed {
    messages: Vec<Vec<u8>>,
    kind: Kind,
    takeover: Takeover,
    reads: usize,
}

/// How far the replies of a connection have come.
#[derive(Default)]
pub(crate) struct Progress {
    /// Where in the sequence the next byte is, if replies are all alike.
    pub(super) position: usize,
    /// The message's number, and its payload bytes so far.
    message: usize,
    offset: usize,
    in_message: bool,
    /// The header of the frame to come, as far as it came.
    header: [u8; MAX_HEADER],
    header_len: usize,
    frame: Option<Frame>,
    inflater: Option<Inflater>,
}

#[derive(Clone, Copy)]
struct Frame {
    is_final: bool,
    /// Payload bytes to come.
    left: usize,
}

impl Framed {
    pub(super) fn plain(kind: Kind, messages: Vec<Vec<u8>>) -> Self {
        Self { messages, kind, takeover: Takeover::Off, reads: 0 }
    }

    pub(super) fn deflated(messages: Vec<Vec<u8>>, takeover: Takeover) -> Self {
        Self { messages, kind: Kind::Deflated, takeover, reads: 0 }
    }

    pub(super) fn start(&self, index: usize) -> Progress {
        let inspected = self.kind == Kind::Deflated && index.is_multiple_of(INSPECTED);
        let inflater = inspected.then(|| Inflater::new(self.takeover));
        Progress { inflater, ..Progress::default() }
    }

    pub(super) fn verify(
        &mut self,
        progress: &mut Progress,
        mut received: &[u8],
    ) -> Result<usize, Failure> {
        self.reads += 1;
        let mut completed = 0;
        loop {
            let Some(mut frame) = progress.frame else {
                if received.is_empty() {
                    return Ok(completed);
                }
                received = progress.read_header(self.kind, received)?;
                continue;
            };
            let (piece, rest) = received.split_at(frame.left.min(received.len()));
            received = rest;
            frame.left -= piece.len();
            self.check_piece(progress, piece)?;
            progress.offset += piece.len();
            if frame.left > 0 {
                progress.frame = Some(frame);
                return Ok(completed);
            }
            progress.frame = None;
            progress.in_message = !frame.is_final;
            if frame.is_final {
                self.check_end(progress)?;
                progress.message = (progress.message + 1) % self.messages.len();
                progress.offset = 0;
                completed += 1;
            }
        }
    }

    fn check_piece(&self, progress: &mut Progress, piece: &[u8]) -> Result<(), Failure> {
        if self.kind == Kind::Deflated {
            if let Some(inflater) = &mut progress.inflater {
                inflater.push(piece);
            }
            return Ok(());
        }
        let end = progress.offset + piece.len();
        let expected = self.expected(progress).get(progress.offset..end);
        let expected = expected.ok_or("a reply is longer than its message")?;
        let compared = if self.reads.is_multiple_of(SAMPLE) { piece.len() } else { START };
        let start = |bytes| <[u8]>::get(bytes, ..compared).unwrap_or(bytes);
        if start(piece) == start(expected) { Ok(()) } else { Err(differs(piece, expected)) }
    }

    fn check_end(&self, progress: &mut Progress) -> Result<(), Failure> {
        let expected = self.expected(progress);
        if self.kind != Kind::Deflated {
            let complete = progress.offset == expected.len();
            return if complete { Ok(()) } else { Err("a reply lacks its end".into()) };
        }
        let Some(inflater) = &mut progress.inflater else {
            return Ok(());
        };
        let text = inflater.finish()?;
        if text == expected { Ok(()) } else { Err(differs(text, expected)) }
    }

    fn expected(&self, progress: &Progress) -> &[u8] {
        self.messages.get(progress.message).map_or(&[], Vec::as_slice)
    }
}

impl Progress {
    /// Takes what there is of a header off the front, and makes a frame of it once it is whole.
    fn read_header<'a>(&mut self, kind: Kind, received: &'a [u8]) -> Result<&'a [u8], Failure> {
        let needed = match (self.header_len, self.header[1]) {
            (..2, _) => 2,
            (_, 126) => 4,
            (_, 127) => 10,
            (_, _) => 2,
        };
        let count = (needed - self.header_len).min(received.len());
        let (bytes, rest) = received.split_at(count);
        if let Some(room) = self.header.get_mut(self.header_len..self.header_len + count) {
            room.copy_from_slice(bytes);
        }
        self.header_len += count;
        let len = match (self.header_len, self.header) {
            (4, [_, 126, a, b, ..]) => u64::from(u16::from_be_bytes([a, b])),
            (10, [_, 127, len @ ..]) => len.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
            (2, [_, len, ..]) if len < 126 => u64::from(len),
            (2, [_, len, ..]) if len > 127 => return Err("a server masks its frames".into()),
            (_, _) => return Ok(rest),
        };
        let [first, ..] = self.header;
        let expected = if self.in_message { 0 } else { kind.bits() };
        if first & 0x7f != expected {
            return Err(format!(
                "a frame begins with {first:#04x} where {expected:#04x} was expected: not this \
                 message, or not compressed"
            )
            .into());
        }
        self.header_len = 0;
        self.frame = Some(Frame { is_final: first & 0x80 != 0, left: usize::try_from(len)? });
        Ok(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::Deflater;
    use crate::frames::{from_server, messages};

    /// Messages cut into frames of `size`.
    fn fragments(messages: &[Vec<u8>], size: usize) -> Vec<u8> {
        let mut wire = Vec::new();
        for message in messages {
            let pieces: Vec<Vec<u8>> = message.chunks(size).map(<[u8]>::to_vec).collect();
            for (n, mut frame) in from_server(Kind::Binary, &pieces).into_iter().enumerate() {
                frame[0] = if n == 0 { 0x02 } else { 0x00 };
                frame[0] |= if n + 1 == pieces.len() { 0x80 } else { 0x00 };
                wire.extend(frame);
            }
        }
        wire
    }

    fn completed(framed: &mut Framed, wire: &[u8], chunk: usize) -> Result<usize, Failure> {
        let mut progress = framed.start(0);
        let mut completed = 0;
        for received in wire.chunks(chunk) {
            completed += framed.verify(&mut progress, received)?;
        }
        Ok(completed)
    }

    #[test]
    fn a_reply_may_come_in_any_frames_and_any_chunks() {
        let messages = messages(70_000);
        for (size, chunk) in [(70_000, 4096), (30_000, 70_000), (100, 1), (65_536, 50_001)] {
            let wire = fragments(&messages, size);
            let mut framed = Framed::plain(Kind::Binary, messages.clone());
            let completed = completed(&mut framed, &wire, chunk).unwrap();
            assert_eq!(completed, messages.len(), "frames of {size}, chunks of {chunk}");
        }
    }

    #[test]
    fn a_reply_that_is_short_long_or_of_another_kind_is_refused() {
        let messages = messages(1000);
        let cases = [
            from_server(Kind::Binary, &[messages[0][..999].to_vec()]),
            from_server(Kind::Binary, &[[messages[0].clone(), vec![b'x']].concat()]),
            from_server(Kind::Text, &messages),
            from_server(Kind::Binary, &messages[1..]),
            vec![vec![0x82, 0x80]],
        ];
        for (n, wire) in cases.iter().enumerate() {
            let mut framed = Framed::plain(Kind::Binary, messages.clone());
            assert!(completed(&mut framed, &wire.concat(), 64).is_err(), "case {n}");
        }
    }

    #[test]
    fn compressed_replies_are_inflated_and_compared() {
        let messages = messages(1000);
        for takeover in [Takeover::Off, Takeover::On] {
            let mut deflater = Deflater::new(takeover);
            let deflated: Vec<_> =
                messages.iter().map(|message| deflater.message(message).unwrap()).collect();
            let wire = from_server(Kind::Deflated, &deflated).concat();
            let mut framed = Framed::deflated(messages.clone(), takeover);
            assert_eq!(completed(&mut framed, &wire, 100).unwrap(), messages.len());
            let mut framed = Framed::deflated(messages[1..].to_vec(), takeover);
            assert!(completed(&mut framed, &wire, 100).is_err(), "{takeover:?}");
            let plain = from_server(Kind::Text, &messages).concat();
            assert!(completed(&mut framed, &plain, 100).is_err(), "uncompressed");
        }
    }
}
