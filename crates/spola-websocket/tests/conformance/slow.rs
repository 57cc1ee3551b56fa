//! Peers that ask and do not read: what waits for them is bounded, whatever they send.

use bytes::Buf;
use libtest_mimic::{Failed, Trial};
use spola_websocket::Config;

use crate::{
    common::{Clock, receive, sent},
    wire::{masked, plain},
};

/// Sixteen pongs and the latest one, each with its header and at most 125 bytes.
const PONGS: usize = 17 * 127;

pub(crate) fn trials() -> Vec<Trial> {
    [
        ("pings of a peer that reads nothing", reads_nothing as fn() -> Result<(), Failed>),
        ("pings of a peer that reads a byte at a time", reads_bytes),
        ("pings of a peer that lets a large message lie", reads_no_message),
        ("a Close frame behind all that waits", closes),
        ("a Close frame longer than a fragment may be", closes_at_length),
    ]
    .into_iter()
    .map(|(name, run)| Trial::test(format!("slow readers: {name}"), run))
    .collect()
}

fn server() -> spola_websocket::Connection {
    let mut config = Config::default();
    config.control_frames_per_second = 0;
    spola_websocket::Connection::server(config)
}

fn check(holds: bool, what: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.into()) }
}

fn reads_nothing() -> Result<(), Failed> {
    let (clock, mut server) = (Clock::new(), server());
    let flood = masked(0x89, &[7; 125]).repeat(10_000);
    receive(&mut server, clock.now(), &flood);
    check(server.buffered_amount() <= PONGS, "too much waits")?;
    check(sent(&mut server) == plain(0x8a, &[7; 125]).repeat(17), "not 17 pongs")
}

fn reads_bytes() -> Result<(), Failed> {
    let (clock, mut server) = (Clock::new(), server());
    for _ in 0..20_000 {
        receive(&mut server, clock.now(), &masked(0x89, &[7; 125]));
        server.output().advance(1);
        // A pong may be half written when the output has room for the next ones.
        check(server.buffered_amount() <= 2 * PONGS, "too much waits")?;
    }
    Ok(())
}

fn reads_no_message() -> Result<(), Failed> {
    let (clock, mut server) = (Clock::new(), server());
    let message = vec![1; 1_000_000];
    server.send_binary(&message).unwrap();
    let before = server.buffered_amount();
    receive(&mut server, clock.now(), &masked(0x89, b"x").repeat(10_000));
    check(server.buffered_amount() - before <= PONGS, "too much waits")?;
    let written = sent(&mut server);
    check(written.len() < message.len() + PONGS + 100, "too much was written")
}

fn closes() -> Result<(), Failed> {
    let (clock, mut server) = (Clock::new(), server());
    server.send_text("first").unwrap();
    receive(&mut server, clock.now(), &masked(0x89, b"x").repeat(100));
    receive(&mut server, clock.now(), &masked(0x88, b"\x03\xe8"));
    let expected = [plain(0x81, b"first"), plain(0x8a, b"x").repeat(16), plain(0x88, b"\x03\xe8")];
    check(sent(&mut server) == expected.concat(), "written in another order")
}

fn closes_at_length() -> Result<(), Failed> {
    let mut config = Config::default();
    config.fragment_size = std::num::NonZeroUsize::new(50);
    let (clock, reason) = (Clock::new(), "x".repeat(100));
    for waiting in [0, 80] {
        let mut server = spola_websocket::Connection::server(config.clone());
        if waiting > 0 {
            server.send_binary(&vec![1; waiting]).unwrap();
        }
        server.close(clock.now(), spola_websocket::CloseCode::NORMAL, &reason).unwrap();
        let body = [b"\x03\xe8", reason.as_bytes()].concat();
        check(sent(&mut server).ends_with(&plain(0x88, &body)), "the Close frame was cut")?;
    }
    Ok(())
}
