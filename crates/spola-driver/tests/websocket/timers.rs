use spola_driver::{Error, WebSocket};
use spola_driver::{Line, Runtime as _};
use spola_websocket::{CloseReason, Config, Connection};

use crate::harness::{
    VirtualRuntime, WIDE, echo, frame, pipe, seconds, server, spawn, status, unmasked,
};

#[test]
fn a_silent_peer_is_pinged_and_then_given_up() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let mut config = Config::default();
    config.keep_alive = Some(seconds(30));
    let echoed = spawn(&runtime, echo(server(&runtime, near, config)));
    runtime.advance(seconds(29));
    assert_eq!(far.take_all(), b"");
    runtime.advance(seconds(1));
    assert_eq!(far.take_all(), unmasked(0x89, b""));
    far.put(&frame(0x8a, b""));
    runtime.advance(seconds(30));
    assert_eq!(far.take_all(), unmasked(0x89, b""));
    runtime.advance(seconds(19));
    assert!(!far.has_ended());
    runtime.advance(seconds(1));
    assert_eq!(far.take_all(), unmasked(0x88, &status(1011)));
    runtime.advance(seconds(4));
    assert!(matches!(echoed.done(), Err(Error::Closed(CloseReason::PongTimeout))));
}

#[test]
fn a_connection_that_is_sent_to_is_not_idle() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let mut config = Config::default();
    config.idle_timeout = Some(seconds(60));
    let (mut sender, mut receiver) = server(&runtime, near, config).split();
    let received = spawn(&runtime, async move { receiver.recv().await });
    runtime.advance(seconds(50));
    let sent = spawn(&runtime, async move {
        sender.send("still here").await.expect("open");
        sender
    });
    runtime.advance(seconds(55));
    let _sender = sent.done();
    assert_eq!(far.take_all(), unmasked(0x81, b"still here"));
    assert!(!received.is_done());
    runtime.advance(seconds(20));
    assert_eq!(far.take_all(), unmasked(0x88, &status(1001)));
    assert!(matches!(received.done(), Err(Error::Closed(CloseReason::IdleTimeout))));
}

#[test]
fn what_took_long_to_answer_was_not_idle_meanwhile() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let mut config = Config::default();
    config.idle_timeout = Some(seconds(60));
    let mut socket = server(&runtime, near, config);
    let clock = runtime.clone();
    let served = spawn(&runtime, async move {
        let question = socket.recv().await?.expect("open");
        let mut timer = clock.timer();
        timer.set(Some(clock.now() + seconds(50)));
        std::future::poll_fn(|cx| timer.poll_expired(cx)).await;
        socket.send(question).await?;
        socket.recv().await
    });
    far.put(&frame(0x81, b"a hard one"));
    runtime.advance(seconds(105));
    assert_eq!(far.take_all(), unmasked(0x81, b"a hard one"));
    assert!(!served.is_done());
    runtime.advance(seconds(20));
    assert!(matches!(served.done(), Err(Error::Closed(CloseReason::IdleTimeout))));
}

#[test]
fn a_peer_that_takes_nothing_for_30_seconds_is_given_up() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(100);
    let mut socket = server(&runtime, near, Config::default());
    let sent = spawn(&runtime, async move { socket.send("v".repeat(1000)).await });
    runtime.advance(seconds(29));
    assert_eq!(far.take(100).len(), 100);
    runtime.advance(seconds(29));
    assert!(!sent.is_done());
    runtime.advance(seconds(1));
    let Err(Error::Io(error)) = sent.done() else { panic!("it was not written") };
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn a_reader_that_owes_answers_is_given_up_too() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(100);
    let mut socket = server(&runtime, near, Config::default());
    let served = spawn(&runtime, async move {
        while let Some((_, mut replies)) = socket.recv_borrowed().await? {
            replies.send_text(&"v".repeat(1000))?;
        }
        Ok::<_, Error>(())
    });
    far.put(&frame(0x81, b"go"));
    runtime.advance(seconds(29));
    assert!(!served.is_done());
    runtime.advance(seconds(1));
    assert!(matches!(served.done(), Err(Error::Io(_))));
}

#[test]
fn patience_can_be_without_limit() {
    let runtime = VirtualRuntime::new();
    let (near, _far) = pipe(100);
    let connection = Connection::server(Config::default());
    let mut line = Line::new(near, connection, Vec::new(), runtime.now());
    line.set_write_timeout(None);
    let mut socket = WebSocket::from_line(line, runtime.clone());
    let sent = spawn(&runtime, async move { socket.send("v".repeat(1000)).await });
    runtime.advance(seconds(10_000));
    assert!(!sent.is_done());
}
