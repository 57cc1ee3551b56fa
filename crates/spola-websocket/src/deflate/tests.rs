use std::io::Read as _;

use proptest::prelude::*;

use super::{Deflater, Flush, InflateError, Inflater, Progress, STEP, TAIL};

/// The payloads of RFC 7692 §7.2.3 and what they mean, each for a new context.
const VECTORS: [(&str, &[u8], &[u8]); 6] = [
    ("7.2.3.1: one block", &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], b"Hello"),
    (
        "7.2.3.3: stored",
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        b"Hello",
    ),
    ("7.2.3.4: final block", &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00], b"Hello"),
    (
        "7.2.3.5: two blocks",
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        b"Hello",
    ),
    ("7.2.3.6: empty", &[0x00], b""),
    ("final block and no empty one", &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], b"Hello"),
];

/// Inflates a whole message, given in pieces of `chunk` bytes, with room for `room` bytes a call.
fn inflated(
    inflater: &mut Inflater,
    message: &[u8],
    chunk: usize,
    room: usize,
) -> Result<Vec<u8>, InflateError> {
    let mut out = Vec::new();
    for mut piece in message.chunks(chunk) {
        while inflater.inflate(&mut piece, &mut out, room)? == Progress::OutputFull {}
        assert!(piece.is_empty());
    }
    while inflater.finish(&mut out, room)? == Progress::OutputFull {}
    Ok(out)
}

fn deflated(deflater: &mut Deflater, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    let (last, parts) = parts.split_last().unwrap();
    for part in parts {
        deflater.deflate(part, &mut out, Flush::Fragment);
    }
    deflater.deflate(last, &mut out, Flush::Message);
    out
}

/// What another decompressor makes of a message that was compressed without context takeover.
fn reference(message: &[u8]) -> Vec<u8> {
    let whole = [message, &TAIL, &[1, 0, 0, 0xff, 0xff]].concat();
    let mut out = Vec::new();
    flate2::read::DeflateDecoder::new(&whole[..]).read_to_end(&mut out).unwrap();
    out
}

/// Bytes that compress more or less well, up to `len` of them.
fn payload(len: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..len),
        proptest::collection::vec(0u8..4, 0..len),
        (proptest::collection::vec(any::<u8>(), 1..100), 0..len).prop_map(|(word, len)| word
            .into_iter()
            .cycle()
            .take(len)
            .collect()),
    ]
}

#[test]
fn the_examples_of_the_rfc_inflate_however_they_are_cut() {
    for (name, wire, expected) in VECTORS {
        for chunk in 1..=wire.len() {
            for room in [1, 2, 5, 6, 1000] {
                let mut inflater = Inflater::new();
                for _ in 0..3 {
                    let out = inflated(&mut inflater, wire, chunk, room);
                    assert_eq!(out.as_deref(), Ok(expected), "{name}, {chunk}, {room}");
                }
            }
        }
    }
}

#[test]
fn the_window_is_taken_over_as_in_the_example_of_the_rfc() {
    let mut deflater = Deflater::new(6, 15);
    let first = deflated(&mut deflater, &[b"Hello"]);
    assert_eq!(first, [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    let second = deflated(&mut deflater, &[b"Hello"]);
    assert_eq!(second, [0xf2, 0x00, 0x11, 0x00, 0x00]);
    deflater.reset();
    assert_eq!(deflated(&mut deflater, &[b"Hello"]), first);

    let mut inflater = Inflater::new();
    for message in [&first, &second, &second, &first] {
        assert_eq!(inflated(&mut inflater, message, 3, 100), Ok(b"Hello".to_vec()));
    }
    inflater.reset();
    assert_eq!(inflated(&mut inflater, &second, 3, 100), Err(InflateError::Invalid));
}

#[test]
fn empty_messages_have_one_byte_and_empty_payloads_are_empty_messages() {
    let mut deflater = Deflater::new(1, 15);
    let mut inflater = Inflater::new();
    for part in [&b""[..], b"", b"some text", b"", b""] {
        let message = deflated(&mut deflater, &[part]);
        if part.is_empty() {
            assert_eq!(message, [0]);
        }
        assert_eq!(inflated(&mut inflater, &message, 9, 100).unwrap(), part);
        assert_eq!(inflated(&mut inflater, b"", 9, 100).unwrap(), b"");
    }
    let message = deflated(&mut deflater, &[b"", b"ab", b"", b"c", b""]);
    assert_eq!(inflated(&mut inflater, &message, 9, 100).unwrap(), b"abc");
}

#[test]
fn a_message_that_ends_early_is_truncated() {
    let text = "What goes up must come down, and what goes up twice must come down twice.";
    for level in [0, 1, 6, 9] {
        let message = deflated(&mut Deflater::new(level, 15), &[text.as_bytes()]);
        // A first zero by itself is the empty message.
        let first = if message[0] == 0 { 2 } else { 1 };
        for end in first..message.len() {
            for chunk in [1, message.len()] {
                let out = inflated(&mut Inflater::new(), &message[..end], chunk, 10);
                assert!(out.is_err(), "level {level}, {end} of {}", message.len());
            }
        }
    }
}

#[test]
fn a_bomb_stops_where_the_room_ends() {
    let mut bomb = Vec::new();
    let mut deflater = Deflater::new(9, 15);
    let zeros = vec![0; 1 << 20];
    deflater.deflate(&zeros, &mut bomb, Flush::Fragment);
    // With zeros before it, the next piece can be had as often as one likes: 1 GiB in 1 MiB.
    let piece = {
        let mut piece = Vec::new();
        deflater.deflate(&zeros, &mut piece, Flush::Fragment);
        piece
    };
    assert!(piece.len() <= 1050, "{}", piece.len());
    bomb.extend(piece.repeat(1000));
    let room = 1_000_001;
    let mut out = Vec::new();
    let mut input = &bomb[..];
    let mut inflater = Inflater::new();
    assert_eq!(inflater.inflate(&mut input, &mut out, room), Ok(Progress::OutputFull));
    assert_eq!(out.len(), room);
    assert!(out.capacity() <= 2 * room + STEP);
    assert!(input.len() > bomb.len() * 9 / 10);
    // Without room there is nothing to be done, and nothing is lost.
    let rest = input.len();
    assert_eq!(inflater.inflate(&mut input, &mut out, 0), Ok(Progress::OutputFull));
    assert_eq!((input.len(), out.len()), (rest, room));
}

#[test]
fn room_that_is_just_enough_is_enough() {
    let message = deflated(&mut Deflater::new(6, 15), &[&[7; 5000]]);
    let mut inflater = Inflater::new();
    let mut out = Vec::with_capacity(100_000);
    let mut input = &message[..];
    assert_eq!(inflater.inflate(&mut input, &mut out, 5000), Ok(Progress::OutputFull));
    assert_eq!(inflater.finish(&mut out, 1), Ok(Progress::NeedsInput));
    assert_eq!(out, [7; 5000]);
}

#[test]
fn final_blocks_may_follow_each_other_at_little_cost() {
    let message = [3, 0].repeat(100_000);
    let mut inflater = Inflater::new();
    assert_eq!(inflated(&mut inflater, &message, 1 << 20, 10), Ok(vec![]));
    let message = deflated(&mut Deflater::new(6, 15), &[b"after"]);
    assert_eq!(inflated(&mut inflater, &message, 100, 10), Ok(b"after".to_vec()));
}

#[test]
fn contexts_out_of_the_pool_are_like_new_ones() {
    for _ in 0..3 {
        let (mut one, mut two) = (Deflater::take(6, 15), Deflater::take(6, 9));
        let message = deflated(&mut one, &[b"Hello"]);
        assert_eq!(message, [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
        assert_eq!(deflated(&mut two, &[b"Hello"]), message);
        one.give();
        two.give();
        let mut inflater = Inflater::take();
        assert_eq!(inflated(&mut inflater, &message, 1, 1).unwrap(), b"Hello");
        // Given back in the middle of a message, and after an error.
        let _ = inflater.inflate(&mut &message[..3], &mut Vec::new(), 1);
        inflater.give();
        let mut inflater = Inflater::take();
        assert_eq!(inflated(&mut inflater, &[0xff; 9], 1, 1), Err(InflateError::Invalid));
        inflater.give();
    }
    // More than the pool keeps, of more kinds than it keeps.
    for level in 0..=9 {
        let deflaters: Vec<_> = (0..6).map(|_| Deflater::take(level, 10)).collect();
        deflaters.into_iter().for_each(Deflater::give);
    }
    let inflaters: Vec<_> = (0..6).map(|_| Inflater::take()).collect();
    inflaters.into_iter().for_each(Inflater::give);
}

#[test]
fn contexts_may_change_threads() {
    fn sent<T: Send + Sync>() {}
    sent::<Inflater>();
    sent::<Deflater>();
}

proptest! {
    #[test]
    fn inflating_undoes_deflating(
        messages in proptest::collection::vec((payload(3000), 0usize..3000), 1..6),
        level in 0u8..=9,
        window_bits in 9u8..=15,
        takeover: bool,
        chunk in 1usize..2000,
        room in 1usize..5000,
    ) {
        let mut deflater = Deflater::new(level, window_bits);
        let mut inflater = Inflater::new();
        for (message, cut) in messages {
            let (front, back) = message.split_at(cut.min(message.len()));
            let wire = deflated(&mut deflater, &[front, back]);
            prop_assert_eq!(&inflated(&mut inflater, &wire, chunk, room).unwrap(), &message);
            if !takeover {
                prop_assert_eq!(&reference(&wire), &message);
                deflater.reset();
                inflater.reset();
            }
        }
    }

    #[test]
    fn what_others_compress_is_inflated(
        message in payload(100_000),
        level in 0u32..=9,
        chunk in 1usize..2000,
    ) {
        let level = flate2::Compression::new(level);
        let mut wire = Vec::new();
        flate2::read::DeflateEncoder::new(&message[..], level).read_to_end(&mut wire).unwrap();
        // One final block, then the empty one that the RFC asks for.
        wire.push(0);
        prop_assert_eq!(&inflated(&mut Inflater::new(), &wire, chunk, 9999).unwrap(), &message);
    }

    #[test]
    fn garbage_ends_alike_however_it_is_cut(
        sound in payload(500),
        noise in proptest::collection::vec(any::<u8>(), 0..300),
        at in 0usize..600,
        chunk in 1usize..50,
        room in 1usize..300,
    ) {
        let mut wire = deflated(&mut Deflater::new(6, 15), &[&sound]);
        wire.splice(at.min(wire.len()).., noise);
        let whole = inflated(&mut Inflater::new(), &wire, usize::MAX, usize::MAX);
        let cut = inflated(&mut Inflater::new(), &wire, chunk, room);
        prop_assert_eq!(whole, cut);
    }

    #[test]
    fn no_more_comes_than_there_is_room_for(
        message in payload(50_000),
        before in 0usize..100,
        room in 0usize..60_000,
    ) {
        let wire = deflated(&mut Deflater::new(6, 15), &[&message]);
        let mut out = vec![1; before];
        let mut input = &wire[..];
        let progress = Inflater::new().inflate(&mut input, &mut out, room).unwrap();
        prop_assert!(out.len() - before <= room);
        prop_assert_eq!(&out[before..], &message[..out.len() - before]);
        prop_assert_eq!(progress == Progress::OutputFull, out.len() - before == room);
    }
}
