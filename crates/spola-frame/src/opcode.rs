/// What a frame carries (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// A further fragment of the message begun by a text or binary frame.
    Continuation = 0x0,
    /// A text message or its first fragment.
    Text = 0x1,
    /// A binary message or its first fragment.
    Binary = 0x2,
    /// The closing handshake.
    Close = 0x8,
    /// A question that a [`Pong`](Self::Pong) with the same payload answers.
    Ping = 0x9,
    /// An answer to a ping, or an unsolicited sign of life.
    Pong = 0xA,
}

impl Opcode {
    /// The opcode of these four bits; `None` for the ten reserved values and for anything above 15.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xA => Some(Self::Pong),
            _ => None,
        }
    }

    /// The four bits on the wire.
    #[inline]
    #[must_use]
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// Whether this is a control frame: at most 125 bytes, never fragmented (§5.5).
    #[inline]
    #[must_use]
    pub const fn is_control(self) -> bool {
        self.bits() & 0x8 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_convert_both_ways_and_the_rest_is_reserved() {
        let known = [0x0, 0x1, 0x2, 0x8, 0x9, 0xA];
        for bits in 0..=u8::MAX {
            match Opcode::from_bits(bits) {
                Some(opcode) => assert_eq!(opcode.bits(), bits),
                None => assert!(!known.contains(&bits)),
            }
        }
        assert!(Opcode::Close.is_control() && Opcode::Ping.is_control());
        assert!(!Opcode::Continuation.is_control() && !Opcode::Binary.is_control());
    }
}
