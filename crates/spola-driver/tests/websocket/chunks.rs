use futures_util::FutureExt as _;
use spola_driver::Error;
use spola_websocket::{Config, Kind, Message, Part};

use crate::harness::{VirtualRuntime, WIDE, frame, pipe, server, spawn, unmasked};

#[test]
fn a_message_of_any_size_is_read_as_it_arrives() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let mut config = Config::default();
    config.max_message_size = 1000;
    let mut socket = server(&runtime, near, config);
    let payload: Vec<u8> = (0..3_000_000_u32).map(|at| at as u8).collect();
    far.put(&frame(0x82, &payload));
    far.put(&frame(0x81, b"after"));
    let read = spawn(&runtime, async move {
        let (mut all, mut firsts, mut lasts) = (Vec::new(), 0, 0);
        while lasts == 0 {
            let chunk = socket.recv_chunk().await?.expect("open");
            assert_eq!(chunk.kind, Kind::Binary);
            assert!(chunk.data.len() <= 256 << 10);
            all.extend_from_slice(&chunk.data);
            firsts += usize::from(chunk.first);
            lasts += usize::from(chunk.last);
        }
        let after = socket.recv().await?;
        Ok::<_, Error>((all, firsts, after))
    });
    runtime.run_until_idle();
    let (all, firsts, after) = read.done().expect("sound");
    assert!(all == payload);
    assert_eq!((firsts, after), (1, Some(Message::from("after"))));
}

#[test]
fn a_dropped_call_loses_nothing() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let mut socket = server(&runtime, near, Config::default());
    let mut text = Vec::new();
    let wire = [frame(0x01, "Grü".as_bytes()), frame(0x89, b"ping"), frame(0x80, "ße".as_bytes())];
    for byte in wire.concat() {
        far.put(&[byte]);
        while let Some(chunk) = socket.recv_chunk().now_or_never() {
            text.extend_from_slice(&chunk.expect("sound").expect("open").data);
        }
    }
    assert_eq!(text, "Grüße".as_bytes());
    assert_eq!(far.take_all(), unmasked(0x8a, b"ping"));
}

#[test]
fn fragments_leave_as_the_caller_cuts_them() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    let mut socket = server(&runtime, near, Config::default());
    let sent = spawn(&runtime, async move {
        socket.send_fragment(Kind::Text, b"one ", Part::More).await?;
        socket.ping(b"between").await?;
        assert!(socket.send("another").await.is_err());
        socket.send_fragment(Kind::Text, b"two", Part::Last).await?;
        socket.send("another").await
    });
    runtime.run_until_idle();
    sent.done().expect("sent");
    let wire = [
        unmasked(0x01, b"one "),
        unmasked(0x89, b"between"),
        unmasked(0x80, b"two"),
        unmasked(0x81, b"another"),
    ];
    assert_eq!(far.take_all(), wire.concat());
}
