//! A server's whole work on an echo, in memory: decode, unmask, validate, hand out, encode the
//! answer, drain it. Prints nanoseconds per message, for one frame a read and for reads of 64 KiB
//! full of frames. A driver's lent buffer is used, as in a batch.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};
use spola_websocket::{Config, Connection, Event, Message};

const READ: usize = 64 * 1024;

fn main() {
    println!(
        "{:>24} {:>10} {:>10} {:>10} {:>10}",
        "ns per message", "text", "binary", "one alloc", "copy floor"
    );
    for (name, size, full) in [
        ("125 B, one a read", 125, false),
        ("1 KiB, one a read", 1024, false),
        ("16 KiB, one a read", 16 * 1024, false),
        ("125 B, 64 KiB reads", 125, true),
        ("1 KiB, 64 KiB reads", 1024, true),
        ("16 KiB, 64 KiB reads", 16 * 1024, true),
    ] {
        let text = Message::from("x".repeat(size));
        let binary = Message::from(vec![b'x'; size]);
        println!(
            "{name:>24} {:>10.1} {:>10.1} {:>10.1} {:>10.1}",
            run(&text, full, true),
            run(&binary, full, true),
            run(&text, full, false),
            floor(&text, full),
        );
    }
    println!("Connection is {} bytes.", size_of::<Connection>());
}

/// The echo of one read full of `message`s.
fn run(message: &Message, full: bool, lend: bool) -> f64 {
    let (wire, count) = client_wire(message, full);
    let mut server = Connection::server(Config::default());
    let mut read = wire.clone();
    let mut scratch = Vec::with_capacity(2 * READ);
    let now = now();
    measure(count, || {
        fill(&mut read, &wire);
        let mut input = black_box(&mut read[..]);
        if lend {
            server.output().lend(&mut scratch);
        }
        while let Some(event) = server.poll_event(now, &mut input) {
            match event {
                Event::Text(text) => server.send_text(&text).expect("open"),
                Event::Binary(payload) => server.send_binary(&payload).expect("open"),
                Event::Pong(_) | Event::Closed(_) => unreachable!(),
            }
        }
        let output = server.output();
        black_box(output.chunk());
        output.advance(output.remaining());
        output.reclaim(&mut scratch);
    })
}

/// What the harness itself costs: the copy that stands for the read, and one of the answer.
fn floor(message: &Message, full: bool) -> f64 {
    let (wire, count) = client_wire(message, full);
    let mut read = wire.clone();
    let mut out = Vec::with_capacity(2 * READ);
    measure(count, || {
        fill(&mut read, &wire);
        out.clear();
        out.resize(read.len(), 0);
        fill(&mut out, black_box(&read));
        black_box(&out);
    })
}

/// A copy in pieces, which takes the same time wherever the two lie (see `src/copy.rs`).
fn fill(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.chunks_mut(1024).zip(from.chunks(1024)) {
        to.copy_from_slice(from);
    }
}

fn client_wire(message: &Message, full: bool) -> (Vec<u8>, usize) {
    let mut client = Connection::client(Config::default(), |buf: &mut [u8]| buf.fill(0xa5));
    let mut count = 0;
    while count == 0 || (full && client.buffered_amount() + message.as_bytes().len() < READ) {
        client.send(message.clone()).expect("open");
        count += 1;
    }
    let output = client.output();
    let wire: Bytes = output.copy_to_bytes(output.remaining());
    (wire.to_vec(), count)
}

/// The best of several runs, in nanoseconds per message.
fn measure(count: usize, mut batch: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    let mut rounds = 1;
    for _ in 0..40 {
        let start = now();
        for _ in 0..rounds {
            batch();
        }
        let took = start.elapsed();
        if took < Duration::from_millis(5) {
            rounds *= 2;
        } else {
            best = best.min(took.as_nanos() as f64 / (rounds * count) as f64);
        }
    }
    best
}

#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}
