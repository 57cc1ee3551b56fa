/// The four bytes a client's payload is masked with (RFC 6455 §5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaskingKey([u8; 4]);

/// Bytes masked per step of the bulk loop, a multiple of the key's length. Two or four vector
/// registers' worth, so that the compiler unrolls without being asked.
const BLOCK: usize = 64;

/// From this length on it pays to work on whole cache lines.
const ALIGNED_FROM: usize = 512;

impl MaskingKey {
    /// The key of these bytes, in wire order.
    #[inline]
    #[must_use]
    pub const fn new(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The bytes in wire order.
    #[inline]
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0
    }

    /// The key as it applies from `phase` bytes into the payload on.
    #[inline]
    fn rotated(self, phase: usize) -> [u8; 4] {
        let bits = 8 * (phase & 3) as u32;
        u32::from_le_bytes(self.0).rotate_right(bits).to_le_bytes()
    }
}

impl From<[u8; 4]> for MaskingKey {
    fn from(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }
}

/// Masks or unmasks `buf` in place; the operation is its own inverse.
///
/// `phase` is the position in the frame's payload at which `buf` starts (only its low two bits
/// count), so that a payload can be masked piece by piece. Returns the phase of the next piece,
/// 0 to 3.
#[inline]
pub fn mask(buf: &mut [u8], key: MaskingKey, phase: usize) -> usize {
    let next = next_phase(phase, buf.len());
    let key = key.rotated(phase);
    if buf.len() < ALIGNED_FROM {
        mask_run(buf, key);
        return next;
    }
    let (head, aligned) = buf.split_at_mut(buf.as_ptr().align_offset(BLOCK).min(buf.len()));
    mask_run(head, key);
    mask_run(aligned, MaskingKey(key).rotated(head.len()));
    next
}

#[inline]
fn mask_run(buf: &mut [u8], key: [u8; 4]) {
    let wide = widened(key);
    let (blocks, rest) = buf.as_chunks_mut::<BLOCK>();
    for block in blocks {
        for word in block.as_chunks_mut::<8>().0 {
            *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
        }
    }
    let (words, rest) = rest.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    let (halves, rest) = rest.as_chunks_mut::<4>();
    for half in halves {
        *half = (u32::from_ne_bytes(*half) ^ u32::from_ne_bytes(key)).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
}

/// Writes `src`, masked or unmasked, to `dst` in one pass: the fused form of a copy and [`mask`].
///
/// Stops at the end of the shorter of the two. `phase` and the result are as for [`mask`], counted
/// over the bytes written.
#[inline]
pub fn mask_copy(src: &[u8], dst: &mut [u8], key: MaskingKey, phase: usize) -> usize {
    let len = src.len().min(dst.len());
    let next = next_phase(phase, len);
    let (src, dst) = (&src[..len], &mut dst[..len]);
    let key = key.rotated(phase);
    let wide = widened(key);
    let (src_blocks, src) = src.as_chunks::<BLOCK>();
    let (dst_blocks, dst) = dst.as_chunks_mut::<BLOCK>();
    for (from, to) in src_blocks.iter().zip(dst_blocks) {
        for (from, to) in from.as_chunks::<8>().0.iter().zip(to.as_chunks_mut::<8>().0) {
            *to = (u64::from_ne_bytes(*from) ^ wide).to_ne_bytes();
        }
    }
    let (src_words, src) = src.as_chunks::<8>();
    let (dst_words, dst) = dst.as_chunks_mut::<8>();
    for (from, to) in src_words.iter().zip(dst_words) {
        *to = (u64::from_ne_bytes(*from) ^ wide).to_ne_bytes();
    }
    let (src_halves, src) = src.as_chunks::<4>();
    let (dst_halves, dst) = dst.as_chunks_mut::<4>();
    for (from, to) in src_halves.iter().zip(dst_halves) {
        *to = (u32::from_ne_bytes(*from) ^ u32::from_ne_bytes(key)).to_ne_bytes();
    }
    for ((from, to), key) in src.iter().zip(dst).zip(key) {
        *to = from ^ key;
    }
    next
}

#[inline]
fn next_phase(phase: usize, len: usize) -> usize {
    phase.wrapping_add(len) & 3
}

/// The key twice, in memory order.
#[inline]
fn widened(key: [u8; 4]) -> u64 {
    u64::from(u32::from_ne_bytes(key)) * 0x1_0000_0001
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    fn naive(src: &[u8], key: [u8; 4], phase: usize) -> Vec<u8> {
        src.iter().enumerate().map(|(i, byte)| byte ^ key[(phase % 4 + i) % 4]).collect()
    }

    #[test]
    fn the_example_of_the_rfc_is_unmasked() {
        let mut payload = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(mask(&mut payload, MaskingKey::new([0x37, 0xfa, 0x21, 0x3d]), 0), 1);
        assert_eq!(&payload, b"Hello");
    }

    #[test]
    fn every_length_offset_and_phase_agrees_with_the_naive_twin() {
        let source: Vec<u8> = (0..=255).cycle().take(300).collect();
        let bytes = [0x01, 0x20, 0xfe, 0x80];
        let key = MaskingKey::new(bytes);
        for start in 0..8 {
            for len in (0..=40).chain(60..=70).chain(120..=140).chain([255, 256, 280]) {
                let src = &source[start..start + len];
                for phase in [0, 1, 2, 3, 5, usize::MAX] {
                    let expected = naive(src, bytes, phase);
                    let next = phase.wrapping_add(len) & 3;
                    let mut buf = source.clone();
                    assert_eq!(mask(&mut buf[start..start + len], key, phase), next);
                    assert_eq!(buf[start..start + len], expected);
                    assert_eq!(buf[start + len..], source[start + len..]);
                    let mut copy = vec![0; len + 3];
                    assert_eq!(mask_copy(src, &mut copy, key, phase), next);
                    assert_eq!(copy[..len], expected);
                    assert_eq!(copy[len..], [0; 3]);
                }
            }
        }
    }

    #[test]
    fn a_copy_stops_at_the_shorter_end() {
        let key = MaskingKey::new([1, 2, 3, 4]);
        let mut short = [0; 3];
        assert_eq!(mask_copy(&[0; 9], &mut short, key, 2), 1);
        assert_eq!(short, [3, 4, 1]);
    }

    proptest::proptest! {
        #[test]
        fn pieces_mask_like_the_whole(
            payload in proptest::collection::vec(0u8.., 0..300),
            bytes: [u8; 4],
            cuts in proptest::collection::vec(0usize..300, 0..4),
        ) {
            let mut pieces = payload.clone();
            let mut phase = 0;
            let mut rest = &mut pieces[..];
            for cut in cuts {
                let (piece, after) = rest.split_at_mut(cut.min(rest.len()));
                phase = mask(piece, MaskingKey::new(bytes), phase);
                rest = after;
            }
            mask(rest, MaskingKey::new(bytes), phase);
            proptest::prop_assert_eq!(pieces, naive(&payload, bytes, 0));
        }
    }

    #[test]
    fn long_payloads_are_masked_alike_wherever_they_lie() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let plain: Vec<u8> = (0..1200).map(|i| (i * 7 % 251) as u8).collect();
        for start in 0..70 {
            for len in [ALIGNED_FROM - 1, ALIGNED_FROM, ALIGNED_FROM + 1, 1100] {
                for phase in 0..4 {
                    let mut buf = plain.clone();
                    let part = &mut buf[start..start + len];
                    assert_eq!(mask(part, MaskingKey(key), phase), (phase + len) % 4);
                    assert_eq!(part, naive(&plain[start..start + len], key, phase));
                }
            }
        }
    }
}
