//! The bytes of a run, built before it: masked text frames to send, replies to expect.

use crate::Failure;

/// Messages before the sequence repeats. Neighbours differ, so that a reply out of order, lost or
/// doubled does not match what is expected.
const PERIOD: usize = 16;

/// Every which read is compared byte by byte; of all others, each message's start.
const SAMPLE: usize = 16;

/// What the server is expected to answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Echo {
    /// The very bytes that were sent: a TCP echo server.
    Raw,
    /// The same message in an unmasked frame: a WebSocket server (RFC 6455 §5.1).
    WebSocket,
}

/// Both directions of a connection as repeating sequences of equally long frames.
///
/// A position is a byte's offset in such a sequence, below its period.
pub(crate) struct Frames {
    /// A period of frames and `in_flight` more, so that any turn's frames lie side by side.
    sent: Vec<u8>,
    /// A period of replies and one read more, for the same reason.
    expected: Vec<u8>,
    sent_len: usize,
    reply_len: usize,
    in_flight: usize,
    reads: usize,
}

impl Frames {
    pub(crate) fn new(echo: Echo, size: usize, in_flight: usize, max_read: usize) -> Self {
        let client: Vec<Vec<u8>> = (0..PERIOD).map(|n| client_frame(n, size)).collect();
        let replies = match echo {
            Echo::Raw => client.clone(),
            Echo::WebSocket => (0..PERIOD).map(|n| server_frame(n, size)).collect(),
        };
        let sent_len = client.first().map_or(1, Vec::len);
        let reply_len = replies.first().map_or(1, Vec::len);
        Self {
            sent: repeat(&client, (PERIOD + in_flight) * sent_len),
            expected: repeat(&replies, PERIOD * reply_len + max_read),
            sent_len,
            reply_len,
            in_flight,
            reads: 0,
        }
    }

    /// Bytes of one frame to send.
    pub(crate) fn sent_len(&self) -> usize {
        self.sent_len
    }

    /// `len` bytes to send from `position` on; at most `in_flight` frames.
    pub(crate) fn to_send(&self, position: usize, len: usize) -> &[u8] {
        debug_assert!(len <= self.in_flight * self.sent_len);
        self.sent.get(position..position + len).unwrap_or_default()
    }

    /// Where the next byte goes once `len` more were sent.
    pub(crate) fn advance_sent(&self, position: usize, len: usize) -> usize {
        (position + len) % (PERIOD * self.sent_len)
    }

    /// Checks bytes received at `position`; gives the next position and how many replies they
    /// completed.
    pub(crate) fn verify(
        &mut self,
        position: usize,
        received: &[u8],
    ) -> Result<(usize, usize), Failure> {
        let end = position + received.len();
        let expected = self.expected.get(position..end).ok_or("a read beyond the buffer")?;
        self.reads += 1;
        let right = if self.reads.is_multiple_of(SAMPLE) {
            received == expected
        } else {
            starts_match(received, expected, position, self.reply_len)
        };
        if !right {
            return Err(format!(
                "a reply differs from its message: {}",
                differs(received, expected)
            )
            .into());
        }
        let completed = end / self.reply_len - position / self.reply_len;
        Ok((end % (PERIOD * self.reply_len), completed))
    }
}

/// Whether each message that starts in `received` has the header and first bytes it should have.
fn starts_match(received: &[u8], expected: &[u8], position: usize, reply_len: usize) -> bool {
    let mut start = position.next_multiple_of(reply_len) - position;
    while start < received.len() {
        let end = received.len().min(start + 4);
        if received.get(start..end) != expected.get(start..end) {
            return false;
        }
        start += reply_len;
    }
    true
}

fn differs(received: &[u8], expected: &[u8]) -> String {
    let at = received.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(received.len());
    let near = |bytes: &[u8]| bytes.iter().skip(at).take(8).copied().collect::<Vec<u8>>();
    format!(
        "{:02x?} where {:02x?} was expected, at byte {at} of a read",
        near(received),
        near(expected)
    )
}

fn repeat(frames: &[Vec<u8>], len: usize) -> Vec<u8> {
    frames.iter().flatten().copied().cycle().take(len).collect()
}

/// Message `n` of a period: ASCII, and different from its neighbours in every byte.
fn text(n: usize, size: usize) -> impl Iterator<Item = u8> {
    (0..size).map(move |at| b'a' + ((n + at * 7) % 26) as u8)
}

fn client_frame(n: usize, size: usize) -> Vec<u8> {
    let key = (n as u32 + 1).wrapping_mul(0x9e37_79b9).to_be_bytes();
    let mut frame = header(size, true);
    frame.extend(key);
    frame.extend(text(n, size).zip(key.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn server_frame(n: usize, size: usize) -> Vec<u8> {
    let mut frame = header(size, false);
    frame.extend(text(n, size));
    frame
}

/// A final text frame's header up to the masking key (RFC 6455 §5.2).
fn header(size: usize, masked: bool) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut header = vec![0x81];
    if size < 126 {
        header.push(mask | size as u8);
    } else if let Ok(size) = u16::try_from(size) {
        header.push(mask | 126);
        header.extend(size.to_be_bytes());
    } else {
        header.push(mask | 127);
        header.extend((size as u64).to_be_bytes());
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_four_bytes_shorter_than_frames() {
        for (size, frame) in [(125, 131), (126, 134), (65_535, 65_543), (65_536, 65_550)] {
            let frames = Frames::new(Echo::WebSocket, size, 1, 4096);
            assert_eq!((frames.sent_len, frames.reply_len), (frame, frame - 4), "{size}");
            let raw = Frames::new(Echo::Raw, size, 1, 4096);
            assert_eq!((raw.sent_len, raw.reply_len), (frame, frame));
        }
    }

    #[test]
    fn every_chunking_of_the_replies_counts_the_same() {
        let period = PERIOD * 127;
        let replies = Frames::new(Echo::WebSocket, 125, 1, 4096).expected;
        for chunk in [1, 2, 126, 127, 128, 1000, 2032] {
            let mut frames = Frames::new(Echo::WebSocket, 125, 1, 4096);
            let (mut position, mut completed) = (0, 0);
            for received in replies[..period].chunks(chunk) {
                let (next, more) = frames.verify(position, received).unwrap();
                position = next;
                completed += more;
            }
            assert_eq!((position, completed), (0, PERIOD), "chunks of {chunk}");
        }
    }

    #[test]
    fn a_wrong_lost_or_doubled_reply_is_noticed() {
        let mut frames = Frames::new(Echo::WebSocket, 125, 4, 4096);
        let good = frames.expected[..3 * 127].to_vec();
        assert!(frames.verify(0, &good).is_ok());
        assert!(frames.verify(0, &good[127..]).is_err(), "lost");
        assert!(frames.verify(127, &good[..127]).is_err(), "doubled");
        let mut wrong = good;
        wrong[0] = 0x82;
        assert!(frames.verify(0, &wrong).is_err(), "opcode");
    }

    #[test]
    fn every_start_is_compared() {
        for (first, reply) in (0..127).flat_map(|first| (1..4).map(move |reply| (first, reply))) {
            for byte in [0, 3] {
                let mut frames = Frames::new(Echo::WebSocket, 125, 4, 4096);
                let mut wrong = frames.expected[first..4 * 127].to_vec();
                wrong[reply * 127 - first + byte] ^= 1;
                let outcome = frames.verify(first, &wrong);
                assert!(outcome.is_err(), "byte {byte} of reply {reply} in a read from {first}");
            }
        }
    }

    #[test]
    fn a_wrong_byte_inside_is_noticed_within_a_sample() {
        let mut frames = Frames::new(Echo::WebSocket, 125, 4, 4096);
        let mut wrong = frames.expected[..127].to_vec();
        wrong[100] ^= 1;
        assert!((0..SAMPLE).any(|_| frames.verify(0, &wrong).is_err()));
    }
}
