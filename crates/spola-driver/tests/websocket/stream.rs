use futures_util::{SinkExt, StreamExt};
use spola_driver::Error;
use spola_websocket::{CloseReason, Config, Message};

use crate::harness::{
    VirtualRuntime, WIDE, client, frame, pipe, seconds, server, spawn, status, unmasked,
};

#[test]
fn a_stream_can_be_forwarded_to_its_sink() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(4096);
    let socket = server(&runtime, near, Config::default());
    let echoed = spawn(&runtime, async {
        let (sink, stream) = StreamExt::split::<Message>(socket);
        stream.forward(sink).await
    });
    let mut socket = client(&runtime, far, Config::default());
    let talked = spawn(&runtime, async move {
        let messages: Vec<_> = (0..100).map(|at| Message::from("x".repeat(at * 20))).collect();
        for message in &messages {
            SinkExt::send(&mut socket, message.clone()).await?;
        }
        let answers: Vec<_> = socket.by_ref().take(100).collect().await;
        let answers: Result<Vec<_>, _> = answers.into_iter().collect();
        assert_eq!(answers?, messages);
        SinkExt::<Message>::close(&mut socket).await?;
        assert!(socket.next().await.is_none());
        Ok::<_, Error>(())
    });
    runtime.advance(seconds(10));
    talked.done().expect("sound");
    echoed.done().expect("sound");
}

#[test]
fn a_stream_ends_after_its_first_error() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    far.put(&frame(0x81, b"last words"));
    far.end();
    let socket = server(&runtime, near, Config::default());
    let collected = spawn(&runtime, socket.collect::<Vec<_>>());
    runtime.run_until_idle();
    let collected = collected.done();
    assert!(matches!(&collected[0], Ok(Message::Text(text)) if text == "last words"));
    assert!(matches!(&collected[1], Err(Error::Closed(CloseReason::Eof))));
    assert_eq!(collected.len(), 2);
}

#[test]
fn a_sink_takes_no_more_than_the_peer() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(1000);
    let mut socket = server(&runtime, near, Config::default());
    let fed = spawn(&runtime, async move {
        let mut fed = 0;
        while fed < 100 && socket.feed("y".repeat(10_000)).await.is_ok() {
            fed += 1;
            assert!(socket.buffered_amount() < 270 << 10);
        }
        SinkExt::<Message>::close(&mut socket).await.expect("written");
        fed
    });
    runtime.run_until_idle();
    assert!(!fed.is_done());
    let mut read = Vec::new();
    while !fed.is_done() {
        read.extend(far.take_all());
        runtime.run_until_idle();
    }
    read.extend(far.take_all());
    assert_eq!(fed.done(), 100);
    let mut expected = unmasked(0x81, "y".repeat(10_000).as_bytes()).repeat(100);
    expected.extend(unmasked(0x88, &status(1000)));
    assert!(read == expected);
}
