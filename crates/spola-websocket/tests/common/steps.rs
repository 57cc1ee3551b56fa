//! Random streams of a client's frames, right and wrong.

use proptest::{collection::vec, prelude::*};
use spola_frame::{Opcode, Rsv};

use super::{KEY, fragment, masked, masked_close, raw_frame};

/// What a client may put on the wire, rightly or wrongly.
#[derive(Clone, Debug)]
pub enum Step {
    Text(String),
    Binary(Vec<u8>),
    Fragmented(String, Vec<usize>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Stray(u8, u8, bool, Vec<u8>),
    Noise(Vec<u8>),
    Close(u16, String),
}

pub fn step() -> impl Strategy<Value = Step> {
    let bytes = || prop_oneof![4 => bytes(0..130), 1 => bytes(65_530..65_540)];
    prop_oneof![
        6 => ".{0,60}".prop_map(Step::Text),
        6 => bytes().prop_map(Step::Binary),
        6 => (".{0,60}", vec(0usize..60, 0..4)).prop_map(|(t, c)| Step::Fragmented(t, c)),
        3 => vec(0u8.., 0..=125).prop_map(Step::Ping),
        3 => vec(0u8.., 0..=125).prop_map(Step::Pong),
        1 => (0u8..16, 0u8..8, any::<bool>(), vec(0u8.., 0..130))
            .prop_map(|(o, r, m, p)| Step::Stray(o, r, m, p)),
        1 => vec(0u8.., 0..30).prop_map(Step::Noise),
        1 => (990u16..1020, ".{0,20}").prop_map(|(code, reason)| Step::Close(code, reason)),
    ]
}

pub fn wire(steps: &[Step]) -> Vec<u8> {
    steps.iter().flat_map(step_wire).collect()
}

fn step_wire(step: &Step) -> Vec<u8> {
    match step {
        Step::Text(text) => masked(Opcode::Text, text.as_bytes()),
        Step::Binary(bytes) => masked(Opcode::Binary, bytes),
        Step::Ping(payload) => masked(Opcode::Ping, payload),
        Step::Pong(payload) => masked(Opcode::Pong, payload),
        Step::Noise(noise) => noise.clone(),
        Step::Close(code, reason) => masked_close(*code, reason),
        Step::Stray(opcode, rsv, is_masked, payload) => {
            let Some(opcode) = Opcode::from_bits(*opcode) else {
                return vec![0x80 | opcode, 0x80];
            };
            let key = is_masked.then_some(KEY);
            let rsv = if rsv & 4 != 0 { Rsv::RSV1 } else { Rsv::NONE };
            raw_frame(rsv == Rsv::NONE, rsv, opcode, key, payload)
        }
        Step::Fragmented(text, cuts) => {
            let mut rest = text.as_bytes();
            let mut opcode = Opcode::Text;
            let mut out = Vec::new();
            for cut in cuts {
                let (head, tail) = rest.split_at((*cut).min(rest.len()));
                out.extend(fragment(opcode, head));
                (rest, opcode) = (tail, Opcode::Continuation);
            }
            out.extend(masked(opcode, rest));
            out
        }
    }
}

/// Bytes of some length, drawn by their first one only: quick to make, quick to shrink.
pub fn bytes(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    (any::<u8>(), len)
        .prop_map(|(first, len)| (0..len).map(|i| first.wrapping_add((i % 251) as u8)).collect())
}
