//! WebSocket frames by hand: what a client writes and reads.

/// A frame of the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(String),
    Binary(Vec<u8>),
    Close(Vec<u8>),
    Pong(Vec<u8>),
}

/// The mask of the specification's examples.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A client's frame: FIN set, masked. `opcode` is 1 for text, 2 binary, 8 Close, 9 Ping, 10 Pong.
pub(crate) fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    fragment(0x80 | opcode, payload)
}

/// A client's frame whose first byte is given in full.
pub(crate) fn fragment(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = announced(first, payload.len() as u64);
    let mask = MASK.iter().cycle();
    frame.extend(payload.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The header of a client's frame, which announces `len` bytes.
pub(crate) fn announced(first: u8, len: u64) -> Vec<u8> {
    let mut header = vec![first];
    match len {
        0..=125 => header.push(0x80 | len as u8),
        126..=0xffff => {
            header.push(0x80 | 126);
            header.extend((len as u16).to_be_bytes());
        }
        _ => {
            header.push(0x80 | 127);
            header.extend(len.to_be_bytes());
        }
    }
    header.extend(MASK);
    header
}

/// Takes one whole message or control frame of the server's off the front of `bytes`. A control frame
/// between the fragments of a message comes first.
pub(crate) fn take(bytes: &mut Vec<u8>) -> Option<Frame> {
    let (first, mut message, mut end) = read(bytes, 0)?;
    if first & 0x80 == 0 {
        loop {
            let (next, payload, next_end) = read(bytes, end)?;
            if next & 0x08 != 0 {
                bytes.drain(end..next_end);
                return Some(frame(next, payload));
            }
            assert_eq!(next & 0x7f, 0, "a continuation");
            message.extend(payload);
            end = next_end;
            if next & 0x80 != 0 {
                break;
            }
        }
    }
    bytes.drain(..end);
    Some(frame(first | 0x80, message))
}

/// The frame at `start`: its first byte, its payload, where it ends.
fn read(bytes: &[u8], start: usize) -> Option<(u8, Vec<u8>, usize)> {
    let bytes = bytes.get(start..)?;
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    assert_eq!(second & 0x80, 0, "a server masks nothing");
    let (head, len) = match second {
        126 => {
            let len = bytes.get(2..4)?.try_into().unwrap();
            (4, usize::from(u16::from_be_bytes(len)))
        }
        127 => {
            let len = bytes.get(2..10)?.try_into().unwrap();
            (10, u64::from_be_bytes(len) as usize)
        }
        len => (2, usize::from(len)),
    };
    let payload = bytes.get(head..head + len)?.to_vec();
    Some((first, payload, start + head + len))
}

fn frame(first: u8, payload: Vec<u8>) -> Frame {
    match first {
        0x81 => Frame::Text(String::from_utf8(payload).unwrap()),
        0x82 => Frame::Binary(payload),
        0x88 => Frame::Close(payload),
        0x8a => Frame::Pong(payload),
        _ => panic!("a frame that starts with {first:02x}"),
    }
}

/// Bytes from their notation, such as `81 01 32`.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let bytes = text.split_whitespace();
    bytes.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}
