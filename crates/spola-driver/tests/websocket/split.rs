use futures_util::{SinkExt, StreamExt as _};
use spola_driver::Error;
use spola_websocket::{CloseCode, CloseReason, Config, Message};

use crate::harness::{
    VirtualRuntime, WIDE, client, echo, frame, pipe, seconds, server, spawn, status, unmasked,
};

#[test]
fn both_halves_work_at_once_whoever_runs_first() {
    for seed in 0..100 {
        let runtime = VirtualRuntime::new();
        runtime.shuffle(seed);
        let (near, far) = pipe(500);
        let echoed = spawn(&runtime, echo(server(&runtime, near, Config::default())));
        let (mut sender, mut receiver) = client(&runtime, far, Config::default()).split();
        let sent = spawn(&runtime, async move {
            for at in 0..50 {
                sender.send("z".repeat(at * 40)).await?;
            }
            sender.close(CloseCode::NORMAL, "").await
        });
        let received = spawn(&runtime, async move {
            let mut lens = Vec::new();
            while let Some(message) = receiver.recv().await? {
                lens.push(message.as_bytes().len());
            }
            Ok::<_, Error>(lens)
        });
        runtime.advance(seconds(10));
        sent.done().expect("sent");
        let lens = received.done().expect("sound");
        assert_eq!(lens, (0..50).map(|at| at * 40).collect::<Vec<_>>(), "seed {seed}");
        echoed.done().expect("a clean end");
    }
}

#[test]
fn the_receiver_answers_pings_while_the_sender_has_nothing_to_do() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let (sender, mut receiver) = server(&runtime, near, Config::default()).split();
    let received = spawn(&runtime, async move { receiver.recv().await });
    far.put(&frame(0x89, b"there?"));
    runtime.run_until_idle();
    assert_eq!(far.take_all(), unmasked(0x8a, b"there?"));
    assert!(!received.is_done());
    drop(sender);
}

#[test]
fn the_receiver_reads_on_while_the_sender_waits_for_room() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(100);
    let (mut sender, receiver) = server(&runtime, near, Config::default()).split();
    let sent = spawn(&runtime, async move { sender.send("w".repeat(1_000_000)).await });
    let received = spawn(&runtime, receiver.take(3).collect::<Vec<_>>());
    runtime.run_until_idle();
    assert!(!sent.is_done());
    far.put(&frame(0x81, b"hello").repeat(3));
    runtime.run_until_idle();
    assert_eq!(received.done().len(), 3);
    assert!(!sent.is_done());
}

#[test]
fn what_the_receiver_writes_ends_the_senders_wait() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(100);
    let (mut sender, mut receiver) = server(&runtime, near, Config::default()).split();
    let sent = spawn(&runtime, async move { sender.send("w".repeat(1000)).await });
    runtime.run_until_idle();
    far.widen();
    assert!(!sent.is_done());
    let received = spawn(&runtime, async move { receiver.recv().await });
    runtime.run_until_idle();
    sent.done().expect("sent");
    assert_eq!(far.take_all(), unmasked(0x81, "w".repeat(1000).as_bytes()));
    assert!(!received.is_done());
}

#[test]
fn what_is_sent_does_not_wake_the_receiver() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let (mut sender, mut receiver) = server(&runtime, near, Config::default()).split();
    let _received = spawn(&runtime, async move { receiver.recv().await });
    assert_eq!(runtime.run_until_idle(), 1);
    let _sent = spawn(&runtime, async move {
        for _ in 0..100 {
            sender.send("hello").await.expect("open");
        }
        sender
    });
    assert_eq!(runtime.run_until_idle(), 1);
    assert_eq!(far.take_all(), unmasked(0x81, b"hello").repeat(100));
}

#[test]
fn a_failure_ends_both_halves() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(100);
    let (mut sender, mut receiver) = server(&runtime, near, Config::default()).split();
    let sent = spawn(&runtime, async move { sender.send("w".repeat(1000)).await });
    let received = spawn(&runtime, async move { receiver.recv().await });
    runtime.run_until_idle();
    drop(far);
    runtime.advance(seconds(5));
    assert!(sent.done().is_err());
    assert!(received.done().is_err());
}

#[test]
fn a_close_sets_the_timer_that_the_receiver_waits_for() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let (mut sender, mut receiver) = server(&runtime, near, Config::default()).split();
    let received = spawn(&runtime, async move { receiver.recv().await });
    runtime.run_until_idle();
    let closed = spawn(&runtime, async move {
        sender.close(CloseCode::NORMAL, "").await.expect("sent");
        sender
    });
    runtime.advance(seconds(4));
    assert_eq!(far.take_all(), unmasked(0x88, &status(1000)));
    let _sender = closed.done();
    assert!(!received.is_done());
    runtime.advance(seconds(4));
    assert!(matches!(received.done(), Err(Error::Closed(CloseReason::CloseTimeout))));
}

#[test]
fn only_the_halves_of_one_connection_make_a_whole() {
    let runtime = VirtualRuntime::new();
    let ((near, far), (other, _other_far)) = (pipe(WIDE), pipe(WIDE));
    let (sender, receiver) = server(&runtime, near, Config::default()).split();
    let (stranger, _) = server(&runtime, other, Config::default()).split();
    let (_, receiver) = stranger.reunite(receiver).expect_err("they are strangers");
    let mut socket = sender.reunite(receiver).expect("they belong together");
    let sent = spawn(&runtime, async move { socket.send("whole again").await });
    runtime.run_until_idle();
    sent.done().expect("sent");
    assert_eq!(far.take_all(), unmasked(0x81, b"whole again"));
}

#[test]
fn the_halves_are_a_stream_and_a_sink() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let (sender, receiver) = server(&runtime, near, Config::default()).split();
    let echoed = spawn(&runtime, async { receiver.forward(sender).await });
    let mut socket = client(&runtime, far, Config::default());
    let talked = spawn(&runtime, async move {
        SinkExt::<Message>::send(&mut socket, "hello".into()).await?;
        let answer = socket.next().await.transpose()?;
        socket.close(CloseCode::NORMAL, "").await?;
        Ok::<_, Error>(answer)
    });
    runtime.advance(seconds(10));
    assert_eq!(talked.done().expect("sound"), Some(Message::from("hello")));
    echoed.done().expect("sound");
}
