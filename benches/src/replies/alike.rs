//! Replies whose bytes are known, all of one length.

use super::{SAMPLE, differs};
use crate::Failure;

/// A repeating sequence of equally long replies. A position is a byte's offset in it.
pub(crate) struct Alike {
    /// A period of replies and one read more, so that any read's bytes lie side by side.
    expected: Vec<u8>,
    period: usize,
    reply_len: usize,
    reads: usize,
}

impl Alike {
    pub(super) fn new(replies: &[Vec<u8>], max_read: usize) -> Self {
        let reply_len = replies.first().map_or(1, Vec::len);
        let period = replies.len() * reply_len;
        let expected = replies.iter().flatten().copied().cycle().take(period + max_read);
        Self { expected: expected.collect(), period, reply_len, reads: 0 }
    }

    /// Checks bytes received at `position`; gives the next position and how many replies they
    /// completed.
    pub(super) fn verify(
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
            return Err(differs(received, expected));
        }
        let completed = end / self.reply_len - position / self.reply_len;
        Ok((end % self.period, completed))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::{Kind, from_server, messages};

    fn replies() -> Alike {
        Alike::new(&from_server(Kind::Text, &messages(125)), 4096)
    }

    #[test]
    fn every_chunking_of_the_replies_counts_the_same() {
        let period = replies().period;
        for chunk in [1, 2, 126, 127, 128, 1000, 2032] {
            let mut alike = replies();
            let (mut position, mut completed) = (0, 0);
            for received in replies().expected[..period].chunks(chunk) {
                let (next, more) = alike.verify(position, received).unwrap();
                position = next;
                completed += more;
            }
            assert_eq!((position, completed), (0, period / 127), "chunks of {chunk}");
        }
    }

    #[test]
    fn a_wrong_lost_or_doubled_reply_is_noticed() {
        let mut alike = replies();
        let good = alike.expected[..3 * 127].to_vec();
        assert!(alike.verify(0, &good).is_ok());
        assert!(alike.verify(0, &good[127..]).is_err(), "lost");
        assert!(alike.verify(127, &good[..127]).is_err(), "doubled");
        let mut wrong = good;
        wrong[0] = 0x82;
        assert!(alike.verify(0, &wrong).is_err(), "opcode");
    }

    #[test]
    fn every_start_is_compared() {
        for (first, reply) in (0..127).flat_map(|first| (1..4).map(move |reply| (first, reply))) {
            for byte in [0, 3] {
                let mut alike = replies();
                let mut wrong = alike.expected[first..4 * 127].to_vec();
                wrong[reply * 127 - first + byte] ^= 1;
                let outcome = alike.verify(first, &wrong);
                assert!(outcome.is_err(), "byte {byte} of reply {reply} in a read from {first}");
            }
        }
    }

    #[test]
    fn a_wrong_byte_inside_is_noticed_within_a_sample() {
        let mut alike = replies();
        let mut wrong = alike.expected[..127].to_vec();
        wrong[100] ^= 1;
        assert!((0..SAMPLE).any(|_| alike.verify(0, &wrong).is_err()));
    }
}
