//! The least a Socket.IO server can do: it lets everybody in, sends events back, and knows by their first
//! bytes those that go to all. No JSON, no limit, no rule is checked.

use spola_frame::FrameHeader;

use super::epoll::{Answer, Reach};
use super::limit_polling::Polling;
use super::limit_ws::{Frames, accept};

pub(super) const OPEN: &str = "0{\"sid\":\"AAAAAAAAAAAAAAAAAAAA\",\"upgrades\":[],\"pingInterval\":25000,\
                      \"pingTimeout\":20000,\"maxPayload\":1000000}";
pub(super) const CONNECTED: &str = "40{\"sid\":\"AAAAAAAAAAAAAAAAAAAA\"}";

/// What begins an event for everybody, here all who are in the only room.
const FOR_ALL: [&[u8]; 2] = [b"42[\"cast", b"42[\"room"];

pub(super) enum LimitSocketio {
    /// The request so far.
    Opening(Vec<u8>),
    /// The client's CONNECT so far.
    Joining(Frames),
    Joined(Frames),
    Polling(Polling),
}

impl Default for LimitSocketio {
    fn default() -> Self {
        Self::Opening(Vec::new())
    }
}

impl Answer for LimitSocketio {
    fn answer<'a>(
        &mut self,
        connection: usize,
        input: &'a mut [u8],
        output: &'a mut [u8],
    ) -> Option<(&'a [u8], Reach)> {
        match self {
            Self::Opening(head) if head.is_empty() && Polling::is_spoken(input) => {
                let mut polling = Polling::default();
                let answer = polling.answer(connection, input, output);
                *self = Self::Polling(polling);
                answer
            }
            Self::Polling(polling) => polling.answer(connection, input, output),
            Self::Opening(head) => {
                let Some(mut response) = accept(head, input)? else {
                    return Some((&[], Reach::Own));
                };
                response.extend(text(OPEN.as_bytes()));
                *self = Self::Joining(Frames::default());
                Some((put(output, &response)?, Reach::Own))
            }
            Self::Joining(frames) => {
                if frames.pass(input, output)?.is_empty() {
                    return Some((&[], Reach::Own));
                }
                *self = Self::Joined(std::mem::take(frames));
                Some((put(output, &text(CONNECTED.as_bytes()))?, Reach::Own))
            }
            Self::Joined(frames) => {
                let answer = frames.pass(input, output)?;
                let payload = answer.get(4..).unwrap_or_default();
                let for_all = FOR_ALL.iter().any(|start| payload.starts_with(start));
                Some((answer, if for_all { Reach::All } else { Reach::Own }))
            }
        }
    }
}

fn put<'a>(output: &'a mut [u8], bytes: &[u8]) -> Option<&'a [u8]> {
    let output = output.get_mut(..bytes.len())?;
    output.copy_from_slice(bytes);
    Some(output)
}

/// A server's text frame.
fn text(payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader {
        fin: true,
        rsv: spola_frame::Rsv::NONE,
        opcode: spola_frame::Opcode::Text,
        masking_key: None,
        payload_len: payload.len() as u64,
    };
    let mut bytes = [0; FrameHeader::MAX_LEN];
    let len = header.encode(&mut bytes);
    [bytes.get(..len).unwrap_or_default(), payload].concat()
}
