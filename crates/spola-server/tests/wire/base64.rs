//! One broadcast with attachments, as clients of every kind get it.

use bytes::Bytes;
use spola_server::{Config, ConnectionStateRecovery};

use crate::harness::{Client, Frame, Polling, Streaming, World, recorder_with, sid_of};

const EVENT: &str = r#"452-["all",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;

/// The long one in base64 is as many times `BwcH` as it has three bytes.
const LEN: usize = 30_000;

fn attachments() -> (Bytes, Bytes) {
    (Bytes::from_static(&[1, 2, 3, 4]), Bytes::from(vec![7; LEN]))
}

fn long() -> String {
    "BwcH".repeat(LEN / 3)
}

fn world() -> World {
    let mut config = Config::default();
    config.engine.allow_eio3 = true;
    config.engine.transports.sse = true;
    recorder_with(config).0
}

/// A session over polling by this query, which has taken what came first.
struct Poller {
    world: World,
    target: String,
}

impl Poller {
    fn revision_3(world: &World, query: &str) -> Self {
        let target = format!("/socket.io/?EIO=3&transport=polling{query}");
        let open = world.plain(&format!("GET {target}")).response().body;
        let sid = sid_of(&open.replace("\\\"", "\""));
        let poller = Self { world: world.clone(), target: format!("{target}&sid={sid}") };
        assert!(poller.get().response().body.contains("2:40"));
        poller
    }

    fn get(&self) -> Client {
        self.world.plain(&format!("GET {}", self.target))
    }
}

/// A WebSocket by this query.
fn websocket(world: &World, query: &str) -> Client {
    let mut client = world.upgrade(&format!("transport=websocket&{query}"));
    assert_eq!(client.response().status, 101);
    if query.starts_with("EIO=4") {
        client.send("40");
    }
    assert_eq!(client.texts().len(), 2);
    client
}

#[test]
fn each_client_gets_the_attachments_in_its_own_form() {
    let world = world();
    // Some wait for it, others come for it later.
    let polling = [(); 3].map(|()| world.join_polling());
    let mut waiting = polling[0].get();
    let mut sse = [(); 2].map(|()| Streaming::join(&world));
    let mut native = websocket(&world, "EIO=4");
    let mut text = websocket(&world, "EIO=4&b64=1");
    let mut native_3 = websocket(&world, "EIO=3");
    let mut text_3 = websocket(&world, "EIO=3&b64=1");
    let base64_3 = [(); 2].map(|()| Poller::revision_3(&world, "&b64=1"));
    let jsonp_3 = Poller::revision_3(&world, "&j=0");
    let binary_3 = Poller::revision_3(&world, "");

    assert_eq!(world.io().namespace("/").emit("all", attachments()).unwrap(), 13);
    let (long, bytes) = (long(), attachments().1);
    let payload = format!("{EVENT}\x1ebAQIDBA==\x1eb{long}");
    assert_eq!(waiting.response().body, payload);
    for session in &polling[1..] {
        assert_eq!(session.get().response().body, payload);
    }
    for session in &mut sse {
        let events = [format!("#3 {EVENT}"), "#4 bAQIDBA==".into(), format!("#5 b{long}")];
        assert_eq!(session.stream.events(), events);
    }
    let frames = |rest: [Frame; 2]| [vec![Frame::Text(EVENT.into())], rest.into()].concat();
    let binary = |first: &[u8]| [first.to_vec(), [first.to_vec(), bytes.to_vec()].concat()];
    let [_, long_3] = binary(&[4]);
    let [_, long_4] = binary(&[]);
    assert_eq!(native.frames(), frames([Frame::Binary(vec![1, 2, 3, 4]), Frame::Binary(long_4)]));
    assert_eq!(
        native_3.frames(),
        frames([Frame::Binary(vec![4, 1, 2, 3, 4]), Frame::Binary(long_3)])
    );
    let texts =
        |prefix: &str| [EVENT.into(), format!("{prefix}AQIDBA=="), format!("{prefix}{long}")];
    assert_eq!(text.texts(), texts("b"));
    assert_eq!(text_3.texts(), texts("b4"));

    let len = EVENT.len();
    let payload = format!("{len}:{EVENT}10:b4AQIDBA=={}:b4{long}", long.len() + 2);
    for session in &base64_3 {
        assert_eq!(session.get().response().body, payload);
    }
    let script = format!("___eio[0](\"{}\");", payload.replace('"', "\\\""));
    assert_eq!(jsonp_3.get().response().body, script);
    let digits = |len: usize| -> Vec<u8> {
        let digits = len.to_string().into_bytes();
        digits.into_iter().map(|digit| digit - b'0').chain([0xff]).collect()
    };
    let payload = [
        &[0][..],
        &digits(len),
        EVENT.as_bytes(),
        &[1, 5, 0xff, 4, 1, 2, 3, 4, 1],
        &digits(bytes.len() + 1),
        &[4],
        &bytes,
    ];
    assert!(binary_3.get().raw().ends_with(&payload.concat()));
}

#[test]
fn a_session_that_upgrades_before_it_is_sent_gets_the_bytes() {
    let world = world();
    let [session, _other] = [(); 2].map(|()| world.join_polling());
    let mut client = session.websocket();
    client.send("2probe");
    assert_eq!(client.text(), "3probe");
    world.io().emit("all", attachments()).unwrap();
    client.send("5");
    let frames = client.frames();
    let bytes = attachments().1.to_vec();
    let expected =
        [Frame::Text(EVENT.into()), Frame::Binary(vec![1, 2, 3, 4]), Frame::Binary(bytes)];
    assert_eq!(frames, expected);
}

/// A session over polling that may come back, and the `auth` by which it does.
fn recoverable(world: &World) -> (Polling, String) {
    let session = world.open_polling();
    session.post("40");
    let reply = session.get().response().body;
    let (_, pid) = reply.split_once(r#""pid":""#).unwrap();
    (session, pid[..20].to_owned())
}

#[test]
fn who_comes_back_gets_the_attachments_it_missed() {
    let mut config = Config::default();
    config.connection_state_recovery = Some(ConnectionStateRecovery::default());
    let (world, _) = recorder_with(config);
    let visitors = [(); 3].map(|()| recoverable(&world));
    let (there, gone) = visitors.split_first().unwrap();
    for (session, _) in gone {
        session.post("1");
    }
    world.io().emit("all", attachments()).unwrap();
    let (long, event) = (long(), EVENT.strip_suffix(']').unwrap());
    let base64 = format!("\x1ebAQIDBA==\x1eb{long}");
    let live = there.0.get().response().body;
    assert!(live.starts_with(&format!("{event},\"")) && live.ends_with(&base64));
    for (_, pid) in gone {
        let session = world.open_polling();
        session.post(&format!(r#"40{{"pid":"{pid}"}}"#));
        let body = session.get().response().body;
        assert!(body.starts_with(&format!("{live}\x1e40{{")), "{body:.200}");
    }
}
