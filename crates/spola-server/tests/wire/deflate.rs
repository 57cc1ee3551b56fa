//! permessage-deflate (§6 of the wire text; RFC 7692).

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use spola_server::{Config, ConnectionStateRecovery};
use spola_websocket::deflate::Options;

use crate::harness::{Client, KEY, Log, World, close_code, fragment, recorder_with};

const AGREED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

fn deflating() -> (World, Log) {
    let mut config = Config::default();
    config.per_message_deflate = Some(Options::default());
    recorder_with(config)
}

/// Asks for a WebSocket, with this query, and offers these extensions.
fn offer(world: &World, query: &str, extensions: &str) -> Client {
    world.request(format!(
        "GET /socket.io/?{query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\
         Sec-WebSocket-Extensions: {extensions}\r\n\r\n"
    ))
}

/// A session that compresses.
fn open(world: &World) -> Client {
    let offered = "permessage-deflate; client_max_window_bits";
    let mut client = offer(world, "EIO=4&transport=websocket", offered);
    let response = client.response();
    assert_eq!(response.header("sec-websocket-extensions"), Some(AGREED));
    assert!(client.text().starts_with("0{"), "short messages are not compressed");
    client
}

/// The same, in the root namespace.
fn join(world: &World) -> Client {
    let mut client = open(world);
    client.send("40");
    assert!(client.text().starts_with("40{"));
    client
}

/// A client's compressed message.
fn deflated(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 100);
    let mut stream = Compress::new(Compression::default(), false);
    stream.compress_vec(text.as_bytes(), &mut out, FlushCompress::Sync).unwrap();
    assert!(out.ends_with(&[0, 0, 0xff, 0xff]));
    fragment(0xc1, &out[..out.len() - 4])
}

/// The text of a compressed frame of less than 64 KiB.
fn inflated(frame: &[u8]) -> String {
    assert_eq!(frame[0], 0xc1, "a compressed text");
    let start = if frame[1] == 126 { 4 } else { 2 };
    let data = [&frame[start..], &[0, 0, 0xff, 0xff]].concat();
    let mut out = Vec::with_capacity(1 << 20);
    Decompress::new(false).decompress_vec(&data, &mut out, FlushDecompress::Sync).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn compression_is_declined_unless_it_is_configured() {
    let (world, _) = recorder_with(Config::default());
    let response = offer(&world, "EIO=4&transport=websocket", "permessage-deflate").response();
    assert_eq!((response.status, response.header("sec-websocket-extensions")), (101, None));
}

#[test]
fn messages_of_1024_bytes_are_compressed_and_shorter_ones_are_not() {
    let (world, _) = deflating();
    let mut client = join(&world);
    let packet = |len: usize| format!(r#"42["n","{}"]"#, "x".repeat(len - 10));
    for (len, compressed) in [(1023, false), (1024, true), (1024, true)] {
        world.io().emit("n", "x".repeat(len - 10)).unwrap();
        let frame = client.raw();
        assert_eq!(frame[0] == 0xc1, compressed, "{len}");
        let text = if compressed {
            assert!(frame.len() < 100, "{} bytes", frame.len());
            inflated(&frame)
        } else {
            String::from_utf8(frame[4..].to_vec()).unwrap()
        };
        assert_eq!(text, packet(len));
    }
}

#[test]
fn compressed_messages_are_understood() {
    let (world, log) = deflating();
    let mut client = join(&world);
    log.take();
    client.write([deflated(r#"42["a"]"#), deflated(r#"42["b"]"#)].concat());
    assert_eq!(log.take(), [r#"["a"]"#, r#"["b"]"#]);
}

#[test]
fn an_upgrade_may_compress_too() {
    let (world, _) = deflating();
    let session = world.join_polling();
    let mut client = offer(&world, &session.upgrade_query(), "permessage-deflate");
    assert_eq!(client.response().header("sec-websocket-extensions"), Some(AGREED));
    client.write(deflated("2probe"));
    assert_eq!(client.text(), "3probe");
    client.send("5");
    world.io().emit("n", "x".repeat(2000)).unwrap();
    assert_eq!(inflated(&client.raw()).len(), 2010);
}

#[test]
fn what_inflates_beyond_the_limit_is_1009_and_disturbs_nobody() {
    let (world, log) = deflating();
    let (mut client, mut bystander) = (join(&world), join(&world));
    log.take();
    let fits = format!(r#"42["a","{}"]"#, "x".repeat(1_000_000 - 10));
    assert_eq!(fits.len(), 1_000_000);
    client.write(deflated(&fits));
    assert!(log.take() == [&fits[2..]]);
    let bomb = deflated(&"4".repeat(100_000_000));
    assert!(bomb.len() < 200_000);
    client.write(bomb);
    let end = client.raw();
    assert_eq!((&end[..1], &end[2..4]), (&[0x88][..], &close_code(1009)[..]));
    assert_eq!(log.take(), ["transport error"]);
    bystander.send(r#"420["echo",1]"#);
    assert_eq!(bystander.text(), "430[1]");
}

#[test]
fn what_is_no_compressed_data_is_1007() {
    let (world, log) = deflating();
    let mut client = join(&world);
    log.take();
    client.write(fragment(0xc1, &[0xff; 8]));
    let end = client.raw();
    assert_eq!((&end[..1], &end[2..4]), (&[0x88][..], &close_code(1007)[..]));
    assert_eq!(log.take(), ["transport error"]);
}

#[test]
fn much_that_inflates_at_once_lets_others_have_their_turn() {
    let (world, log) = deflating();
    let client = join(&world);
    log.take();
    let message = deflated(&format!(r#"42["a","{}"]"#, "x".repeat(200_000)));
    client.end.write(&message.repeat(100));
    let mut heard = 0;
    while world.runtime.step() {
        let at_once = log.take().len();
        assert!(at_once <= 2, "{at_once} messages of 200 kB without a pause");
        heard += at_once;
    }
    assert_eq!(heard, 100);
}

#[test]
fn an_event_that_may_not_be_compressed_is_not() {
    let (world, _) = deflating();
    let mut client = join(&world);
    let text = "x".repeat(2000);
    let data = bytes::Bytes::from(text.clone());
    let plain = world.io().namespace("/").everybody().compress(false);
    plain.emit("n", &data).unwrap();
    let packet = r#"451-["n",{"_placeholder":true,"num":0}]"#;
    assert_eq!(client.text(), packet);
    assert_eq!(client.try_frame(), Some(crate::harness::Frame::Binary(text.clone().into())));
    world.io().sockets()[0].compress(false).emit("n", &text).unwrap();
    assert_eq!(client.text(), format!(r#"42["n","{text}"]"#));
    world.io().emit("n", &text).unwrap();
    assert_eq!(inflated(&client.raw()), format!(r#"42["n","{text}"]"#));
}

#[test]
fn nor_is_it_when_somebody_missed_it_and_comes_back() {
    let mut config = Config::default();
    config.per_message_deflate = Some(Options::default());
    config.connection_state_recovery = Some(ConnectionStateRecovery::default());
    let (world, _) = recorder_with(config);
    let mut client = open(&world);
    client.send("40");
    let reply = client.text();
    let (_, pid) = reply.split_once(r#""pid":""#).unwrap();
    client.reset();
    let text = "x".repeat(2000);
    world.io().namespace("/").everybody().compress(false).emit("n", &text).unwrap();
    let mut client = open(&world);
    client.send(&format!(r#"40{{"pid":"{}"}}"#, &pid[..20]));
    assert!(client.text().starts_with(&format!(r#"42["n","{text}","#)));
    assert_eq!(client.text(), reply);
}
