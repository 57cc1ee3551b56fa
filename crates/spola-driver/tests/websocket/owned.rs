use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use spola_driver::Error;
use spola_websocket::{CloseReason, Config};

use crate::harness::{
    VirtualRuntime, WIDE, echo, frame, pipe, seconds, server, spawn, status, unmasked,
};

#[test]
fn answers_to_what_came_together_are_written_together() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let _echoed = spawn(&runtime, echo(server(&runtime, near, Config::default())));
    far.put(&frame(0x81, b"Hello").repeat(16));
    runtime.run_until_idle();
    assert_eq!(far.take_all(), unmasked(0x81, b"Hello").repeat(16));
    assert_eq!(far.writes(), 1);
}

#[test]
fn a_sender_waits_before_too_much_is_buffered() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(1000);
    let most = Arc::new(AtomicUsize::new(0));
    let (seen, mut socket) = (Arc::clone(&most), server(&runtime, near, Config::default()));
    let _served = spawn(&runtime, async move {
        while socket.recv().await?.is_some() {
            socket.send(vec![1; 60_000]).await?;
            seen.fetch_max(socket.buffered_amount(), Ordering::Relaxed);
        }
        Ok::<_, Error>(())
    });
    far.put(&frame(0x81, b"more").repeat(20));
    runtime.run_until_idle();
    let buffered = most.load(Ordering::Relaxed);
    assert!((60_000..256 << 10).contains(&buffered), "{buffered}");
}

#[test]
fn a_peer_that_does_not_end_its_side_is_waited_for_two_seconds() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let echoed = spawn(&runtime, echo(server(&runtime, near, Config::default())));
    far.put(&frame(0x88, &status(1000)));
    runtime.advance(seconds(1));
    assert_eq!(far.take_all(), unmasked(0x88, &status(1000)));
    assert!(far.has_ended());
    // It is read all the while, lest the kernel reset the connection and our last words be lost.
    far.put(b"whatever");
    assert!(!echoed.is_done());
    runtime.advance(seconds(1));
    echoed.done().expect("a clean end");
}

#[test]
fn a_peer_that_sends_on_after_the_end_is_read_up_to_4_mebibytes() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let echoed = spawn(&runtime, echo(server(&runtime, near, Config::default())));
    far.put(&frame(0x81, b"\xff"));
    runtime.run_until_idle();
    far.put(&vec![0; 3 << 20]);
    runtime.run_until_idle();
    assert!(!echoed.is_done());
    far.put(&vec![0; 2 << 20]);
    runtime.run_until_idle();
    assert!(matches!(echoed.done(), Err(Error::Closed(CloseReason::Violation(_)))));
}
