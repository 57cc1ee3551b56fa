//! A server's whole work on an echo, in memory: decode, unmask, validate, hand out, encode the
//! answer, drain it. Prints nanoseconds per message, for one frame a read and for reads of 64 KiB
//! full of frames. A driver's lent buffer is used, as in a batch.
//!
//! Nothing of the harness is in the figures: the machine gets the same buffer again and again, and
//! unmasks it in place. The masking key leaves the upper bits of each byte alone, so that what was
//! an ASCII text is still one when it is unmasked twice.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};
use spola_websocket::{Config, Connection, Event, Message};

const READ: usize = 64 * 1024;

fn main() {
    println!("{:>24} {:>10} {:>10} {:>12}", "ns per message", "text", "binary", "text, alloc");
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
            "{name:>24} {:>10.1} {:>10.1} {:>12.1}",
            run(&text, full, true),
            run(&binary, full, true),
            run(&text, full, false),
        );
    }
    println!("Connection is {} bytes.", size_of::<Connection>());
}

/// The echo of one read full of `message`s; without a lent buffer, the answer allocates its own.
fn run(message: &Message, full: bool, lend: bool) -> f64 {
    let (mut read, count) = client_wire(message, full);
    let mut server = Connection::server(Config::default());
    let mut scratch = Vec::with_capacity(2 * READ);
    let now = now();
    measure(count, || {
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

fn client_wire(message: &Message, full: bool) -> (Vec<u8>, usize) {
    let mut client = Connection::client(Config::default(), |buf: &mut [u8]| buf.fill(0x15));
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
