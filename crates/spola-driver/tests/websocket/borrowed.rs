use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use spola_driver::{Error, Received};
use spola_websocket::{CloseReason, Config, Payload, Text, Violation};

use crate::harness::{
    Socket, VirtualRuntime, WIDE, frame, pipe, seconds, server, spawn, status, unmasked,
};

async fn echo(mut socket: Socket) -> Result<(), Error> {
    while let Some((message, mut replies)) = socket.recv_borrowed().await? {
        replies.send(message)?;
    }
    Ok(())
}

#[test]
fn answers_to_what_came_together_are_written_together() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let echoed = spawn(&runtime, echo(server(&runtime, near, Config::default())));
    far.put(&frame(0x81, b"Hello").repeat(16));
    runtime.run_until_idle();
    assert_eq!(far.take_all(), unmasked(0x81, b"Hello").repeat(16));
    assert_eq!(far.writes(), 1);
    far.put(&frame(0x82, b"bytes"));
    runtime.run_until_idle();
    assert_eq!(far.take_all(), unmasked(0x82, b"bytes"));
    far.put(&frame(0x88, &status(1000)));
    far.end();
    runtime.run_until_idle();
    echoed.done().expect("a clean end");
}

#[test]
fn what_lies_whole_in_the_buffer_is_lent_and_the_rest_is_owned() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let mut socket = server(&runtime, near, Config::default());
    far.put(&[frame(0x81, b"whole"), frame(0x82, b"too"), frame(0x01, b"in ")].concat());
    let (received, _) = next(&mut socket);
    assert!(matches!(received, Received::Text(Text::Borrowed("whole"))));
    let (received, _) = next(&mut socket);
    assert!(matches!(received, Received::Binary(Payload::Borrowed(b"too"))));
    assert!(socket.recv_borrowed().now_or_never().is_none());
    far.put(&frame(0x80, b"parts"));
    let (received, mut replies) = next(&mut socket);
    assert!(matches!(&received, Received::Text(Text::Owned(text)) if text == "in parts"));
    replies.send(received).expect("open");
}

fn next(socket: &mut Socket) -> (Received<'_>, spola_driver::Replies<'_>) {
    socket.recv_borrowed().now_or_never().expect("ready").expect("sound").expect("open")
}

#[test]
fn a_dropped_call_loses_nothing() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let mut socket = server(&runtime, near, Config::default());
    let mut received = Vec::new();
    for byte in frame(0x81, b"Hello").repeat(5) {
        far.put(&[byte]);
        if let Some(message) = socket.recv_borrowed().now_or_never() {
            received.push(message.expect("sound").expect("open").0.into_message());
        }
    }
    assert_eq!(received, vec!["Hello".into(); 5]);
}

#[test]
fn text_that_is_none_is_answered_by_1007_after_what_came_before() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let echoed = spawn(&runtime, echo(server(&runtime, near, Config::default())));
    far.put(&[frame(0x81, b"good"), frame(0x81, b"\xff")].concat());
    runtime.run_until_idle();
    assert_eq!(far.take_all(), [unmasked(0x81, b"good"), unmasked(0x88, &status(1007))].concat());
    assert!(far.has_ended());
    assert!(!echoed.is_done());
    far.end();
    runtime.run_until_idle();
    let reason = CloseReason::Violation(Violation::InvalidUtf8);
    assert!(matches!(echoed.done(), Err(Error::Closed(closed)) if closed == reason));
}

#[test]
fn answers_wait_for_a_peer_that_does_not_read() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(1000);
    let most = Arc::new(AtomicUsize::new(0));
    let (seen, mut socket) = (Arc::clone(&most), server(&runtime, near, Config::default()));
    let echoed = spawn(&runtime, async move {
        while let Some((message, mut replies)) = socket.recv_borrowed().await? {
            replies.send(message)?;
            seen.fetch_max(replies.buffered_amount(), Ordering::Relaxed);
        }
        Ok::<_, Error>(())
    });
    let message = frame(0x82, &[7; 10_000]);
    far.put(&message.repeat(400));
    runtime.run_until_idle();
    let buffered = most.load(Ordering::Relaxed);
    assert!((256 << 10..270 << 10).contains(&buffered), "{buffered}");
    let mut answered = 0;
    while answered < unmasked(0x82, &[7; 10_000]).len() * 400 {
        let taken = far.take_all().len();
        assert!(taken > 0, "stuck at {answered}");
        answered += taken;
        runtime.run_until_idle();
    }
    assert!(most.load(Ordering::Relaxed) < 270 << 10);
    far.put(&frame(0x88, &status(1000)));
    far.end();
    runtime.advance(seconds(10));
    echoed.done().expect("a clean end");
}
