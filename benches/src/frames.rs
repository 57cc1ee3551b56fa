//! Messages and their frames, built before a run.

/// Messages before the sequence repeats. Neighbours differ, so that a reply out of order, lost or
/// doubled does not match what is expected.
const PERIOD: usize = 16;

/// The same for messages so large that 16 of them would fill more than the load's caches.
const LARGE_PERIOD: usize = 4;

/// From this size on, a message is large: a server may answer in several frames, and texts are no
/// longer the rule.
pub(crate) const LARGE: usize = 64 << 10;

/// What a message's first frame says it is (RFC 6455 §5.2, RFC 7692 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Binary,
    /// A compressed text.
    Deflated,
}

impl Kind {
    /// Plain messages of a size: text, or binary from 1 MiB on.
    pub(crate) fn of_size(size: usize) -> Self {
        if size >= 1 << 20 { Self::Binary } else { Self::Text }
    }

    /// RSV1 and opcode.
    pub(crate) fn bits(self) -> u8 {
        match self {
            Self::Text => 0x01,
            Self::Binary => 0x02,
            Self::Deflated => 0x41,
        }
    }
}

/// A period of messages of one size: ASCII, and different from their neighbours in every byte.
pub(crate) fn messages(size: usize) -> Vec<Vec<u8>> {
    let period = if size > LARGE { LARGE_PERIOD } else { PERIOD };
    let byte = |n: usize, at: usize| b'a' + ((n + at * 7) % 26) as u8;
    (0..period).map(|n| (0..size).map(|at| byte(n, at)).collect()).collect()
}

/// The frames in which a client sends messages, each with a masking key of its own. The keys change
/// no byte's three highest bits, so that ASCII unmasked twice is still ASCII: a server may be given
/// the same buffer again after it unmasked it in place.
pub(crate) fn from_client(kind: Kind, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let frame = |(n, payload): (usize, &Vec<u8>)| {
        let key = ((n as u32 + 1).wrapping_mul(0x9e37_79b9) & 0x1f1f_1f1f).to_be_bytes();
        let mut frame = header(kind, payload.len(), 0x80);
        frame.extend(key);
        frame.extend(payload.iter().zip(key.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    };
    messages.iter().enumerate().map(frame).collect()
}

/// The frames in which a server sends messages, unless it fragments them.
pub(crate) fn from_server(kind: Kind, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let frame = |payload: &Vec<u8>| {
        let mut frame = header(kind, payload.len(), 0);
        frame.extend(payload);
        frame
    };
    messages.iter().map(frame).collect()
}

/// A final frame's header up to the masking key; `mask` is that bit.
fn header(kind: Kind, size: usize, mask: u8) -> Vec<u8> {
    let mut header = vec![0x80 | kind.bits()];
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
        for (size, expected) in [(125, 131), (126, 134), (65_535, 65_543), (65_536, 65_550)] {
            let messages = messages(size);
            let sent = from_client(Kind::Text, &messages);
            let replies = from_server(Kind::Text, &messages);
            assert_eq!((sent[0].len(), replies[0].len()), (expected, expected - 4), "{size}");
        }
    }

    #[test]
    fn a_masked_frame_has_its_message() {
        let messages = messages(125);
        let frame = &from_client(Kind::Binary, &messages)[3];
        assert_eq!(frame[..2], [0x82, 0x80 | 125]);
        let payload = frame[6..].iter().zip(frame[2..6].iter().cycle());
        assert!(payload.map(|(byte, mask)| byte ^ mask).eq(messages[3].iter().copied()));
    }
}
