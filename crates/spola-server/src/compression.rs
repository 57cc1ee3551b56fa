//! Compression of poll responses (§12.5).

use std::future::poll_fn;
use std::task::Poll;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush};

/// Bytes that are compressed before other tasks get their turn.
const STEP: usize = 64 << 10;

/// Blocks of 2048 symbols: enough for texts of this size, at little memory.
const MEM_LEVEL: i32 = 5;

/// How responses to polls are compressed.
///
/// What is compressed tells its length, and so of secrets that stand in one response with text of
/// somebody else's choosing. Events with secrets are better sent
/// without compression, or compression switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpCompression {
    /// Responses with fewer bytes are sent as they are. Default 1024.
    pub threshold: usize,
    /// From 0 (store) over 1 (fast) to 9 (small). Default 1.
    pub level: u8,
}

impl Default for HttpCompression {
    fn default() -> Self {
        Self { threshold: 1024, level: 1 }
    }
}

/// What a body may be compressed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    /// zlib's format, whatever its name says (RFC 9110 §8.4.1.2).
    Deflate,
}

impl Coding {
    /// The coding that a client likes best; gzip, if it likes both.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut accepted = Accepted::default();
        for value in headers.get_all(header::ACCEPT_ENCODING) {
            for element in value.to_str().unwrap_or_default().split(',') {
                accepted.take(element);
            }
        }
        let gzip = accepted.gzip.or(accepted.any).unwrap_or(0);
        let deflate = accepted.deflate.or(accepted.any).unwrap_or(0);
        if gzip.max(deflate) == 0 {
            return None;
        }
        Some(if gzip >= deflate { Self::Gzip } else { Self::Deflate })
    }

    /// The value of `Content-Encoding`.
    pub(crate) const fn name(self) -> HeaderValue {
        match self {
            Self::Gzip => HeaderValue::from_static("gzip"),
            Self::Deflate => HeaderValue::from_static("deflate"),
        }
    }

    const fn window_bits(self) -> i32 {
        match self {
            Self::Gzip => 16 + 15,
            Self::Deflate => 15,
        }
    }
}

/// What `Accept-Encoding` says, in thousandths.
#[derive(Default)]
struct Accepted {
    gzip: Option<u16>,
    deflate: Option<u16>,
    any: Option<u16>,
}

impl Accepted {
    fn take(&mut self, element: &str) {
        let mut parts = element.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let quality = quality.map_or(Some(1000), thousandths).unwrap_or(0);
        let slot = if name.eq_ignore_ascii_case("gzip") {
            &mut self.gzip
        } else if name.eq_ignore_ascii_case("deflate") {
            &mut self.deflate
        } else if name == "*" {
            &mut self.any
        } else {
            return;
        };
        *slot = Some(quality);
    }
}

/// A weight of RFC 9110 §12.4.2: `0` to `1`, with at most three decimals.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    let is_sound = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "0" if is_sound => format!("{decimals:0<3}").parse().ok(),
        "1" if is_sound && decimals.bytes().all(|byte| byte == b'0') => Some(1000),
        _ => None,
    }
}

/// Compresses `body` in steps, between which other tasks get their turn.
pub(crate) async fn compress(body: &Bytes, coding: Coding, level: u8) -> Vec<u8> {
    let mut compressor = Compressor::new(coding, level);
    let mut rest = &body[..];
    while let Some((step, behind)) =
        rest.split_at_checked(STEP).filter(|(_, rest)| !rest.is_empty())
    {
        compressor.take(step, DeflateFlush::NoFlush);
        rest = behind;
        yield_now().await;
    }
    compressor.take(rest, DeflateFlush::Finish);
    compressor.finish()
}

/// Compresses `body` at once.
pub(crate) fn compress_whole(body: &Bytes, coding: Coding, level: u8) -> Vec<u8> {
    let mut compressor = Compressor::new(coding, level);
    compressor.take(body, DeflateFlush::Finish);
    compressor.finish()
}

struct Compressor {
    stream: Deflate,
    out: Vec<u8>,
    filled: usize,
}

impl Compressor {
    fn new(coding: Coding, level: u8) -> Self {
        let config = DeflateConfig {
            level: i32::from(level.min(9)),
            window_bits: coding.window_bits(),
            mem_level: MEM_LEVEL,
            ..DeflateConfig::default()
        };
        Self { stream: Deflate::new_with_config(config), out: Vec::new(), filled: 0 }
    }

    /// Compresses all of `input`.
    fn take(&mut self, input: &[u8], flush: DeflateFlush) {
        let mut rest = input;
        loop {
            let step = (rest.len() / 2).clamp(512, STEP);
            self.out.resize(self.filled + step, 0);
            let spare = self.out.get_mut(self.filled..).unwrap_or_default();
            let (total_in, total_out) = (self.stream.total_in(), self.stream.total_out());
            let compressed = self.stream.compress(rest, spare, flush);
            // It fails only for a stream that was finished before.
            debug_assert!(compressed.is_ok(), "{compressed:?}");
            rest = rest.get((self.stream.total_in() - total_in) as usize..).unwrap_or_default();
            let written = (self.stream.total_out() - total_out) as usize;
            self.filled += written;
            if written < step {
                return;
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.out.truncate(self.filled);
        self.out
    }
}

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use futures_util::FutureExt as _;

    use super::*;

    fn accepted(value: &'static str) -> Option<Coding> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        Coding::accepted(&headers)
    }

    #[test]
    fn what_the_client_likes_best_and_gzip_rather_than_deflate() {
        let (gzip, deflate) = (Some(Coding::Gzip), Some(Coding::Deflate));
        let table = [
            ("", None),
            ("br", None),
            ("identity", None),
            ("gzip", gzip),
            ("GZip", gzip),
            ("deflate", deflate),
            ("gzip, deflate, br, zstd", gzip),
            ("deflate, gzip", gzip),
            ("gzip;q=0.5, deflate", deflate),
            ("gzip;q=0.5,deflate;q=0.50", gzip),
            ("gzip ; q=0.001 , deflate;q=0", gzip),
            ("gzip;q=0", None),
            ("*", gzip),
            ("*;q=0", None),
            ("gzip;q=0, *", deflate),
            ("gzip;q=2", None),
            ("gzip;q=0.0001", None),
            ("gzip;q=-1", None),
            ("gzip;q=0.+1", None),
            ("gzip;q=", None),
            ("gzip;q=1.000", gzip),
        ];
        for (value, coding) in table {
            assert_eq!(accepted(value), coding, "{value}");
        }
        assert_eq!(Coding::accepted(&HeaderMap::new()), None);
    }

    /// Drives the future to its end; how often it let others have their turn.
    fn compressed(body: &Bytes, coding: Coding, level: u8) -> (Vec<u8>, usize) {
        let mut future = std::pin::pin!(compress(body, coding, level));
        let mut turns = 0;
        loop {
            if let Some(out) = future.as_mut().now_or_never() {
                return (out, turns);
            }
            turns += 1;
        }
    }

    #[test]
    fn another_implementation_reads_it() {
        for len in [1024, STEP - 1, STEP, STEP + 1, 10 * STEP + 7] {
            let mut random = 1_u32;
            let body: Bytes = (0..len)
                .map(|_| {
                    random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (random >> 29) as u8 + b'a'
                })
                .collect();
            for level in [0, 1, 6, 9, 200] {
                let mut read = Vec::new();
                let (gzip, turns) = compressed(&body, Coding::Gzip, level);
                flate2::read::GzDecoder::new(&gzip[..]).read_to_end(&mut read).unwrap();
                assert!(read == body, "{len} bytes, gzip at {level}");
                assert_eq!(turns, (len - 1) / STEP);
                read.clear();
                let (deflate, _) = compressed(&body, Coding::Deflate, level);
                flate2::read::ZlibDecoder::new(&deflate[..]).read_to_end(&mut read).unwrap();
                assert!(read == body, "{len} bytes, deflate at {level}");
                assert!(level == 0 || gzip.len() < len, "{} of {len} bytes", gzip.len());
            }
        }
    }
}
