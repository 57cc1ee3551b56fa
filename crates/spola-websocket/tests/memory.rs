//! What a connection may allocate, whatever its peer sends: each row says what comes in, what it
//! comes to, and how many bytes the connection may hold at most on the way.
//!
//! A test binary of its own, with one test, for it counts what the whole process allocates.

#![allow(clippy::unwrap_used)]

mod common;

use bytes::Buf;
use common::{Clock, masked};
use peak_alloc::PeakAlloc;
use spola_frame::Opcode;
use spola_websocket::{ChunkEvent, CloseReason, Config, Connection, Event, Violation};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

struct Row {
    name: &'static str,
    connection: Connection,
    input: Vec<u8>,
    depth: Depth,
    end: CloseReason,
    /// The most bytes held while the input is read and nothing is written.
    peak: usize,
    /// The most bytes held after it.
    rest: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Messages,
    Chunks,
}

#[test]
fn no_peer_makes_a_connection_hold_more_than_it_may() {
    run_all(plain);
    #[cfg(feature = "deflate")]
    run_all(bombs::rows);
}

/// Each row runs twice on a thread of its own: buffers of large messages are the thread's, which keeps
/// some of them. At first it has none, so the peak is the connection's own; the second time they are
/// not counted, so what is held afterwards is.
#[expect(clippy::disallowed_methods, reason = "what a thread keeps goes with it")]
fn run_all(rows: fn() -> Vec<Row>) {
    for at in 0..rows().len() {
        let thread = std::thread::spawn(move || {
            let peak = rows().swap_remove(at).run().peak;
            let row = rows().swap_remove(at);
            let (name, most_peak, most_rest) = (row.name, row.peak, row.rest);
            let rest = row.run().rest;
            println!("{name:<60} peak {peak:>9}, then {rest:>9}");
            assert!(peak <= most_peak, "{name}: {peak} bytes held");
            assert!(rest <= most_rest, "{name}: {rest} bytes held afterwards");
        });
        thread.join().expect("held");
    }
}

/// Bytes held.
struct Held {
    peak: usize,
    rest: usize,
}

impl Row {
    fn run(mut self) -> Held {
        let clock = Clock::new();
        let input = std::mem::take(&mut self.input);
        let mut scratch = vec![0; 64 * KIB];
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let mut end = None;
        for bytes in input.chunks(scratch.len()) {
            let piece = &mut scratch[..bytes.len()];
            piece.copy_from_slice(bytes);
            end = end.or(self.read(clock.now(), piece));
        }
        let peak = ALLOCATOR.peak_usage().saturating_sub(before);
        let rest = ALLOCATOR.current_usage().saturating_sub(before);
        let end = end.unwrap_or(CloseReason::Eof);
        assert_eq!(end, self.end, "{}", self.name);
        while self.connection.output().has_remaining() {
            let len = self.connection.output().remaining();
            self.connection.output().advance(len);
        }
        Held { peak, rest }
    }

    fn read(&mut self, now: std::time::Instant, mut input: &mut [u8]) -> Option<CloseReason> {
        match self.depth {
            Depth::Messages => loop {
                if let Event::Closed(reason) = self.connection.poll_event(now, &mut input)? {
                    return Some(reason);
                }
            },
            Depth::Chunks => loop {
                if let ChunkEvent::Closed(reason) = self.connection.poll_chunk(now, &mut input)? {
                    return Some(reason);
                }
            },
        }
    }
}

fn row(name: &'static str, input: impl AsRef<[u8]>) -> Row {
    Row {
        name,
        connection: Connection::server(config()),
        input: input.as_ref().to_vec(),
        depth: Depth::Messages,
        end: CloseReason::Eof,
        peak: KIB,
        rest: KIB,
    }
}

/// No limit but on sizes and fragments.
fn config() -> Config {
    let mut config = Config::default();
    config.control_frames_per_second = 0;
    config
}

fn unlimited() -> Connection {
    let mut config = config();
    config.max_message_size = usize::MAX;
    config.max_fragments = u32::MAX;
    Connection::server(config)
}

fn plain() -> Vec<Row> {
    let start = |len: u64| [&b"\x82\xff"[..], &len.to_be_bytes(), &[0; 4]].concat();
    let first = b"\x02\x80\0\0\0\0";
    let empty = b"\x00\x80\0\0\0\0";
    let tiny = b"\x00\x81\0\0\0\0a";
    let failed = |violation| CloseReason::Violation(violation);
    vec![
        row("a megabyte announced, a byte sent", [start(1_000_000), vec![1]].concat()),
        Row {
            connection: unlimited(),
            ..row("half of all announced, a byte sent", [start(u64::MAX >> 1), vec![1]].concat())
        },
        Row {
            connection: unlimited(),
            peak: 100 * KIB,
            rest: 100 * KIB,
            ..row(
                "half of all announced, 20 KB sent",
                [start(u64::MAX >> 1), vec![1; 20_000]].concat(),
            )
        },
        Row {
            peak: 2 * MIB,
            ..row("a large message", masked(Opcode::Binary, &vec![1; 1_000_000]))
        },
        Row {
            depth: Depth::Chunks,
            ..row("a large message in chunks", masked(Opcode::Binary, &vec![1; 10_000_000]))
        },
        Row {
            connection: unlimited(),
            ..row("a million empty fragments", [first.to_vec(), empty.repeat(1_000_000)].concat())
        },
        Row {
            connection: unlimited(),
            peak: 400 * KIB,
            rest: 400 * KIB,
            ..row(
                "a hundred thousand fragments of a byte",
                [first.to_vec(), tiny.repeat(100_000)].concat(),
            )
        },
        Row {
            end: failed(Violation::TooManyFragments),
            peak: 4 * KIB,
            ..row("the same within the limits", [first.to_vec(), tiny.repeat(100_000)].concat())
        },
        Row {
            peak: 8 * KIB,
            rest: 8 * KIB,
            ..row(
                "a hundred thousand pings, no pong read",
                masked(Opcode::Ping, &[1; 125]).repeat(100_000),
            )
        },
        Row {
            peak: 8 * KIB,
            rest: 8 * KIB,
            ..row(
                "pings inside a message",
                [b"\x02\x81\0\0\0\0a".to_vec(), masked(Opcode::Ping, &[1; 125]).repeat(10_000)]
                    .concat(),
            )
        },
        row("an incomplete header", b"\x82\xff\0\0"),
        row("an incomplete ping", b"\x89\xfd\0\0\0\0abc"),
    ]
}

/// Little that inflates to much.
#[cfg(feature = "deflate")]
mod bombs {
    use spola_websocket::{
        deflate::{Agreement, Deflater, Flush, Options},
        handshake::ExtensionOffer,
    };

    use super::*;

    pub(super) fn rows() -> Vec<Row> {
        let large = bomb(1030);
        let frame =
            [&b"\xc2\xff"[..], &(MIB as u64).to_be_bytes(), &[0; 4], &large[..MIB]].concat();
        let small = bomb(50);
        let small =
            [&b"\xc2\xfe"[..], &(small.len() as u16).to_be_bytes(), &[0; 4], &small].concat();
        let too_big = CloseReason::Violation(Violation::MessageTooBig);
        vec![
            Row {
                connection: agreed(MIB),
                end: too_big.clone(),
                peak: 2 * MIB + 256 * KIB,
                rest: 64 * KIB,
                ..row("a MiB that inflates to a GiB, a MiB allowed", &frame)
            },
            Row {
                connection: agreed(1_000_000),
                end: too_big.clone(),
                peak: 2 * MIB + 256 * KIB,
                rest: 64 * KIB,
                ..row("the same by the default limit", &frame)
            },
            Row {
                connection: agreed(900_000),
                end: too_big.clone(),
                rest: 64 * KIB,
                ..row("the same where a MiB is too much for what is compressed, too", &frame)
            },
            Row {
                connection: agreed(100_000),
                end: too_big,
                peak: 300 * KIB,
                rest: 64 * KIB,
                ..row("50 KiB that inflate to 50 MiB", &small)
            },
            Row {
                connection: agreed(0),
                depth: Depth::Chunks,
                // A chunk, its input, what doubles on the way, and the decompressor.
                peak: 300 * KIB,
                rest: 64 * KIB,
                ..row("the same in chunks", &small)
            },
        ]
    }

    /// A message of so many MiB of zeros, compressed a thousandfold.
    fn bomb(count: usize) -> Vec<u8> {
        // Once the window is full of zeros, the same bytes stand for the same zeros again.
        let zeros = vec![0; MIB];
        let mut deflater = Deflater::new(9, 15);
        let mut bomb = Vec::new();
        deflater.deflate(&zeros, &mut bomb, Flush::Fragment);
        let start = bomb.len();
        deflater.deflate(&zeros, &mut bomb, Flush::Fragment);
        let again = bomb[start..].to_vec();
        while bomb.len() < count * again.len() {
            bomb.extend_from_slice(&again);
        }
        // The end of the last flush is left out.
        bomb.truncate(bomb.len() - 4);
        bomb
    }

    fn agreed(max_message_size: usize) -> Connection {
        let offer = ExtensionOffer { name: "permessage-deflate", parameters: Vec::new() };
        let agreement = Agreement::accept(&[offer], &Options::default()).unwrap();
        let mut config = config();
        config.max_message_size = max_message_size;
        Connection::server(config).with_deflate(&agreement)
    }
}
