/// The four bytes a client's payload is masked with (RFC 6455 §5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaskingKey([u8; 4]);

/// Bytes masked per step of the bulk loop, a multiple of the key's length. Two or four vector
/// registers' worth, so that the compiler unrolls without being asked.
const BLOCK: usize = 64;

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
    let wide = u64::from_ne_bytes(repeat(key));
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
    for (byte, key) in rest.iter_mut().zip(repeat::<8>(key)) {
        *byte ^= key;
    }
    next
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
    let wide = u64::from_ne_bytes(repeat(key));
    let (src_blocks, src) = src.as_chunks::<BLOCK>();
    let (dst_blocks, dst) = dst.as_chunks_mut::<BLOCK>();
    for (from, to) in src_blocks.iter().zip(dst_blocks) {
        for (from, to) in from
            .as_chunks::<8>()
            .0
            .iter()
            .zip(to.as_chunks_mut::<8>().0)
        {
            *to = (u64::from_ne_bytes(*from) ^ wide).to_ne_bytes();
        }
    }
    let (src_words, src) = src.as_chunks::<8>();
    let (dst_words, dst) = dst.as_chunks_mut::<8>();
    for (from, to) in src_words.iter().zip(dst_words) {
        *to = (u64::from_ne_bytes(*from) ^ wide).to_ne_bytes();
    }
    for ((from, to), key) in src.iter().zip(dst).zip(repeat::<8>(key)) {
        *to = from ^ key;
    }
    next
}

#[inline]
fn next_phase(phase: usize, len: usize) -> usize {
    phase.wrapping_add(len) & 3
}

#[inline]
fn repeat<const N: usize>(key: [u8; 4]) -> [u8; N] {
    core::array::from_fn(|i| key[i & 3])
}
