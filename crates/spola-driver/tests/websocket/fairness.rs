use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt as _;
use spola_websocket::Config;

use crate::harness::{Socket, VirtualRuntime, WIDE, echo, frame, pipe, server, spawn};

const LEN: usize = 1000;

/// How many bytes of messages a connection with 10 MB to read takes before another gets its turn.
fn taken_in_one_turn<F>(take: impl FnOnce(Socket, Arc<AtomicUsize>) -> F) -> usize
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = VirtualRuntime::new();
    let (busy, flood) = pipe(WIDE);
    let (quiet, peer) = pipe(WIDE);
    flood.put(&frame(0x82, &[1; LEN]).repeat(10_000));
    peer.put(&frame(0x81, b"me too"));
    let taken = Arc::new(AtomicUsize::new(0));
    let socket = server(&runtime, busy, Config::default());
    let _busy = spawn(&runtime, take(socket, Arc::clone(&taken)));
    let _quiet = spawn(&runtime, echo(server(&runtime, quiet, Config::default())));
    while peer.take_all().is_empty() {
        assert!(runtime.step(), "everybody waits");
    }
    let in_one_turn = taken.load(Ordering::Relaxed) * LEN;
    runtime.run_until_idle();
    assert_eq!(taken.load(Ordering::Relaxed), 10_000);
    in_one_turn
}

#[test]
fn a_fast_connection_starves_no_other() {
    let taken = taken_in_one_turn(async |mut socket: Socket, taken: Arc<AtomicUsize>| {
        while let Ok(Some(_)) = socket.recv().await {
            taken.fetch_add(1, Ordering::Relaxed);
        }
    });
    assert!((1..=64 << 10).contains(&taken), "{taken}");
}

#[test]
fn nor_does_one_that_is_read_as_a_stream() {
    let taken = taken_in_one_turn(async |mut socket: Socket, taken: Arc<AtomicUsize>| {
        while let Some(Ok(_)) = socket.next().await {
            taken.fetch_add(1, Ordering::Relaxed);
        }
    });
    assert!((1..=64 << 10).contains(&taken), "{taken}");
}

#[test]
fn nor_one_that_is_borrowed_from() {
    let taken = taken_in_one_turn(async |mut socket: Socket, taken: Arc<AtomicUsize>| {
        while let Ok(Some((_, mut replies))) = socket.recv_borrowed().await {
            taken.fetch_add(1, Ordering::Relaxed);
            replies.send_text("thanks").expect("open");
        }
    });
    assert!((1..=64 << 10).contains(&taken), "{taken}");
}
