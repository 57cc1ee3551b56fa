//! Masking against tungstenite's, in nanoseconds per payload. Its function is private, so it is
//! timed as the difference between formatting a masked and an unmasked frame. `frame` is our whole
//! client frame: header, copy and mask.

use std::{hint::black_box, time::Instant};

use spola_frame::{FrameHeader, MaskingKey, Opcode, Rsv, mask, mask_copy};
use tungstenite::{
    Bytes,
    protocol::frame::{Frame, FrameHeader as Header},
};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn main() {
    println!(
        "{:>8} {:>10} {:>10} {:>12} {:>12}",
        "bytes", "mask", "mask_copy", "frame", "tungstenite"
    );
    for size in [16, 64, 125, 1024, 16 * 1024, 64 * 1024] {
        let rounds = (100_000_000 / (size + 64)).clamp(1, 2_000_000);
        let payload = vec![0x5a; size];
        let mut buf = payload.clone();
        let mut out = Vec::with_capacity(size + FrameHeader::MAX_LEN);
        let key = MaskingKey::new(KEY);
        let in_place = time(rounds, || {
            mask(black_box(&mut buf), key, 0);
        });
        let fused = time(rounds, || {
            mask_copy(black_box(&payload), black_box(&mut buf), key, 0);
        });
        let ours = time(rounds, || our_frame(black_box(&payload), black_box(&mut out)));
        let [plain, masked] = [None, Some(KEY)].map(|mask| {
            let header = Header { mask, ..Header::default() };
            time(rounds, || {
                out.clear();
                let payload = Bytes::from(black_box(&payload).clone());
                Frame::from_payload(header.clone(), payload).format(&mut out).expect("a buffer");
            })
        });
        println!("{size:>8} {in_place:>10.1} {fused:>10.1} {ours:>12.1} {:>12.1}", masked - plain);
    }
}

fn our_frame(payload: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let header = FrameHeader {
        fin: true,
        rsv: Rsv::NONE,
        opcode: Opcode::Binary,
        masking_key: Some(MaskingKey::new(KEY)),
        payload_len: payload.len() as u64,
    };
    let mut head = [0; FrameHeader::MAX_LEN];
    let len = header.encode(&mut head);
    out.extend_from_slice(&head[..len]);
    out.resize(len + payload.len(), 0);
    mask_copy(payload, &mut out[len..], MaskingKey::new(KEY), 0);
}

/// The best of fifteen runs, in nanoseconds per call.
#[allow(clippy::disallowed_methods)]
fn time(rounds: usize, mut run: impl FnMut()) -> f64 {
    (0..15)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..rounds {
                run();
            }
            start.elapsed().as_nanos() as f64 / rounds as f64
        })
        .fold(f64::INFINITY, f64::min)
}
