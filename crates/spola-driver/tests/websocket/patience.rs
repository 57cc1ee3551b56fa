//! Who takes long, and who is blamed for it.

use std::future::poll_fn;
use std::time::Duration;

use futures_util::FutureExt as _;
use spola_driver::{Error, Runtime as _};
use spola_websocket::{CloseCode, CloseReason, Config, Message};

use crate::harness::{VirtualRuntime, WIDE, frame, pipe, seconds, server, spawn, status, unmasked};

async fn sleep(runtime: &VirtualRuntime, time: Duration) {
    let mut timer = runtime.timer();
    timer.set(Some(runtime.now() + time));
    poll_fn(|cx| timer.poll_expired(cx)).await;
}

#[test]
fn a_peer_is_not_blamed_for_a_user_who_takes_the_time() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let mut socket = server(&runtime, near, Config::default());
    let clock = runtime.clone();
    let served = spawn(&runtime, async move {
        let mut taken = 0;
        while taken < 20 && socket.recv().await?.is_some() {
            sleep(&clock, seconds(10)).await;
            taken += 1;
        }
        Ok::<_, Error>(taken)
    });
    // Reads end inside messages, and the batch takes longer than a message may.
    far.put(&frame(0x82, &[7; 10_000]).repeat(20));
    for _ in 0..210 {
        runtime.advance(seconds(1));
    }
    assert_eq!(served.done().expect("sound"), 20);
}

#[test]
fn but_for_a_message_that_does_not_go_on() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let mut socket = server(&runtime, near, Config::default());
    let served = spawn(&runtime, async move { socket.recv().await });
    far.put(&frame(0x82, &[7; 100])[..50]);
    runtime.advance(seconds(29));
    assert!(!served.is_done());
    runtime.advance(seconds(1));
    assert_eq!(far.take_all(), unmasked(0x88, &status(1008)));
}

#[test]
fn a_silent_peer_ends_both_halves_whichever_looks_first() {
    for sender_first in [true, false] {
        let runtime = VirtualRuntime::new();
        let (near, _far) = pipe(100);
        let (mut sender, mut receiver) = server(&runtime, near, Config::default()).split();
        let send = async move { sender.send("w".repeat(1000)).await };
        let receive = async move { receiver.recv().await };
        let (sent, received) = if sender_first {
            let sent = spawn(&runtime, send);
            (sent, spawn(&runtime, receive))
        } else {
            let received = spawn(&runtime, receive);
            (spawn(&runtime, send), received)
        };
        runtime.advance(seconds(29));
        assert!(!sent.is_done() && !received.is_done());
        runtime.advance(seconds(5));
        assert!(sent.done().is_err(), "sender first: {sender_first}");
        assert!(received.done().is_err(), "sender first: {sender_first}");
    }
}

#[test]
fn a_close_that_nobody_reads_ends_both_halves() {
    let runtime = VirtualRuntime::new();
    let (near, _far) = pipe(0);
    let (mut sender, mut receiver) = server(&runtime, near, Config::default()).split();
    let closed = spawn(&runtime, async move { sender.close(CloseCode::NORMAL, "").await });
    let received = spawn(&runtime, async move { receiver.recv().await });
    runtime.advance(seconds(10));
    assert!(matches!(received.done(), Err(Error::Closed(CloseReason::CloseTimeout))));
    assert!(closed.done().is_err());
}

#[test]
fn a_flush_ends_with_the_connection() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(0);
    let mut socket = server(&runtime, near, Config::default());
    let flushed = spawn(&runtime, async move {
        socket.start_close(CloseCode::NORMAL, "").expect("open");
        socket.flush().await
    });
    runtime.advance(seconds(6));
    assert!(!flushed.is_done());
    runtime.advance(seconds(2));
    assert!(flushed.done().is_err());
    drop(far);
}

#[test]
fn a_peer_that_reads_slowly_is_not_taken_for_silent_while_it_is_written_to() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(100);
    let mut config = Config::default();
    config.keep_alive = Some(seconds(10));
    config.pong_timeout = seconds(5);
    let mut socket = server(&runtime, near, config);
    let sent = spawn(&runtime, async move {
        socket.send("w".repeat(3000)).await?;
        Ok::<_, Error>(socket)
    });
    let mut written = 0;
    for _ in 0..60 {
        runtime.advance(seconds(1));
        written += far.take_all().len();
    }
    assert_eq!(written, 3004);
    sent.done().expect("sent");
}

#[test]
fn a_reply_that_closes_has_its_time_from_then_on() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let mut socket = server(&runtime, near, Config::default());
    let clock = runtime.clone();
    let served = spawn(&runtime, async move {
        let (_, mut replies) = socket.recv_borrowed().await?.expect("open");
        sleep(&clock, seconds(60)).await;
        replies.close(CloseCode::NORMAL, "")?;
        let after = socket.recv().await?;
        Ok::<_, Error>(after)
    });
    far.put(&frame(0x81, b"bye"));
    runtime.advance(seconds(60));
    assert_eq!(far.take_all(), unmasked(0x88, &status(1000)));
    runtime.advance(seconds(4));
    far.put(&frame(0x88, &status(1000)));
    runtime.advance(seconds(3));
    assert_eq!(served.done().expect("a handshake"), None);
}

#[test]
fn a_close_that_was_dropped_is_called_again() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let mut socket = server(&runtime, near, Config::default());
    let clock = runtime.clone();
    let closed = spawn(&runtime, async move {
        {
            let close = socket.close(CloseCode::NORMAL, "");
            let wait = sleep(&clock, seconds(1));
            futures_util::future::select(Box::pin(close), Box::pin(wait)).await;
        }
        socket.close(CloseCode::NORMAL, "").await
    });
    runtime.advance(seconds(2));
    assert_eq!(far.take_all(), unmasked(0x88, &status(1000)));
    far.put(&frame(0x88, &status(1000)));
    runtime.advance(seconds(3));
    closed.done().expect("closed");
}

#[cfg(feature = "deflate")]
#[test]
fn what_is_small_until_it_is_inflated_is_handed_out_in_turns() {
    use spola_websocket::Connection;
    use spola_websocket::deflate::{Agreement, Options};
    use spola_websocket::handshake::ExtensionOffer;

    let offer = ExtensionOffer { name: "permessage-deflate", parameters: Vec::new() };
    let agreement = Agreement::accept(&[offer], &Options::default()).expect("accepted");
    let mut client = Connection::client(Config::default(), |buffer: &mut [u8]| buffer.fill(0))
        .with_deflate(&agreement);
    for _ in 0..20 {
        client.send(Message::from(vec![0; 100_000])).expect("open");
    }
    let wire = client.output();
    let wire = bytes::Buf::copy_to_bytes(wire, bytes::Buf::remaining(wire));
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let connection = Connection::server(Config::default()).with_deflate(&agreement);
    let line = spola_driver::Line::new(near, connection, Vec::new(), runtime.now());
    let mut socket = spola_driver::WebSocket::from_line(line, runtime.clone());
    far.put(&wire);
    let served = spawn(&runtime, async move {
        for _ in 0..20 {
            assert!(socket.recv().await?.is_some());
        }
        Ok::<_, Error>(())
    });
    // Three messages a turn.
    assert!(runtime.run_until_idle() >= 6);
    served.done().expect("sound");
}

#[test]
fn what_a_peer_said_before_it_hung_up_is_heard_after_a_failed_write() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let mut socket = server(&runtime, near, Config::default());
    let first = async {
        let first = socket.recv().await?;
        socket.send_text("nobody reads this").await?;
        Ok::<_, Error>(first)
    };
    far.put(&[frame(0x81, b"one"), frame(0x81, b"two")].concat());
    // The answer waits, since more has come.
    assert_eq!(first.now_or_never().expect("ready").expect("sound"), Some("one".into()));
    let second = socket.recv().now_or_never().expect("ready").expect("sound");
    assert_eq!(second, Some("two".into()));
    far.put(&[frame(0x81, b"farewell"), frame(0x88, &status(1001))].concat());
    drop(far);
    let third = socket.recv().now_or_never().expect("ready").expect("sound");
    assert_eq!(third, Some("farewell".into()));
    assert_eq!(socket.recv().now_or_never().expect("ready").expect("sound"), None);
    assert_eq!(socket.close_reason().map(|reason| reason.close_code().get()), Some(1001));
}
