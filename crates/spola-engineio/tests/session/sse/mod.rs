//! Server-Sent Events (`docs/guide/sse.md`).

mod posts;
mod resuming;
mod upgrade;

use bytes::Bytes;
use spola_engineio::{
    Config, Transport,
    packet::EncodedMessage,
    server::{Opening, PostMark, RequestId},
};

use crate::World;

const OPEN: &str = concat!(
    r#"sse 0 #1 0{"sid":"AAECAwQFBgcICQoLAAAA","upgrades":[],"#,
    r#""pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#
);

fn config() -> Config {
    let mut config = Config::default();
    config.transports.sse = true;
    config
}

/// A session that opened over an event stream; its open packet is out.
fn opened() -> World {
    opened_with(&config())
}

fn opened_with(config: &Config) -> World {
    let mut world = World::new(Opening::Sse(RequestId(0)), config);
    assert_eq!((world.out().len(), world.events()), (3, vec!["opened".to_owned()]));
    world
}

impl World {
    fn stream(&mut self, id: u64, last_event_id: Option<u64>) {
        self.session.handle_stream(self.now, RequestId(id), last_event_id);
    }

    fn drop_stream(&mut self, id: u64) {
        self.session.handle_stream_dropped(self.now, RequestId(id));
    }

    fn start_sse_post(&mut self, id: u64, seq: Option<u64>, ack: Option<u64>) {
        let mark = PostMark { seq, ack };
        self.session.handle_stream_post_started(RequestId(id), Some(b"text/plain"), mark);
    }

    fn sse_post(&mut self, id: u64, seq: u64, body: &'static str) {
        self.start_sse_post(id, Some(seq), None);
        self.end_post(id, body);
    }

    fn ack(&mut self, id: u64, ack: u64) {
        self.start_sse_post(id, None, Some(ack));
        self.end_post(id, "6");
    }
}

#[test]
fn session_opens_with_padding_and_the_open_packet() {
    let mut world = World::new(Opening::Sse(RequestId(0)), &config());
    assert_eq!(world.events(), ["opened"]);
    assert_eq!(world.out(), ["get 0: stream", "sse 0 opening", OPEN]);
    assert_eq!(world.session.transport(), Transport::Sse);
    assert!(world.session.is_writable());
    assert!(!world.session.accepts_upgrade());
}

#[test]
fn packets_go_down_the_stream_one_by_one() {
    let mut world = opened();
    assert_eq!(world.send("a"), Ok(()));
    let binary = EncodedMessage::binary(Bytes::from_static(&[1, 2, 3, 4]));
    assert_eq!(world.session.send(binary), Ok(()));
    assert_eq!(world.send("two\nlines\x1e"), Ok(()));
    assert_eq!(world.session.buffered_amount(), 2 + 4 + 11);
    assert_eq!(world.out(), ["sse 0 #2 4a", "sse 0 #3 bAQIDBA==", "sse 0 #4 4two\\nlines\x1e"]);
    assert_eq!(world.session.buffered_amount(), 0);
}

#[test]
fn posts_go_by_the_rules_of_polling() {
    let mut world = opened();
    world.start_sse_post(1, None, None);
    world.end_post(1, "4a\x1ebAQIDBA==");
    world.sse_post(2, 1, "4b\x1e0\x1e5\x1e6");
    assert_eq!(world.out(), ["post 1: ok", "post 2: ok"]);
    assert_eq!(world.events(), ["text a", "binary [1, 2, 3, 4]", "text b"]);

    for (body, reason) in
        [("4a\x1e9", "parse error"), ("2", "transport error"), ("1\x1e4a", "transport close")]
    {
        let mut world = opened();
        world.sse_post(1, 1, body);
        world.assert_closed(reason, &["post 1: ok", "sse 0 #2 1", "sse 0 end"]);
    }
}

#[test]
fn polling_requests_of_a_streaming_session_are_refused() {
    let mut world = opened();
    world.get(1);
    world.post(2, "4a");
    assert_eq!(world.out(), ["get 1: code 3", "post 2: code 3"]);
    assert!(world.open_websocket().is_err());
    let mut world = World::websocket();
    world.stream(1, None);
    world.start_sse_post(2, Some(1), None);
    assert_eq!(world.out(), ["get 1: code 3", "post 2: code 3"]);
}

#[test]
fn heartbeat_goes_down_the_stream_and_up_by_a_post() {
    let mut world = opened();
    world.advance(15_000);
    assert_eq!(world.out(), ["sse 0 comment"]);
    assert_eq!(world.send("a"), Ok(()));
    world.advance(10_000);
    assert_eq!(world.out(), ["sse 0 #2 2", "sse 0 #3 4a"]);
    world.sse_post(1, 1, "3");
    assert_eq!(world.out(), ["post 1: ok"]);
    world.advance(25_000);
    assert_eq!(world.out(), ["sse 0 #4 2", "sse 0 comment"]);
    world.advance(20_000);
    world.assert_closed("ping timeout", &["sse 0 #5 1", "sse 0 end"]);
}

#[test]
fn comments_come_every_15_s_on_every_stream() {
    let mut world = opened();
    world.advance(10_000);
    world.drop_stream(0);
    world.stream(1, Some(1));
    assert_eq!(world.out(), ["get 1: stream", "sse 1 opening"]);
    world.advance(14_999);
    assert!(world.out().is_empty());
    world.advance(1);
    assert_eq!(world.out(), ["sse 1 #2 2", "sse 1 comment"]);
}

#[test]
fn server_closes_behind_what_is_queued() {
    let mut world = opened();
    assert_eq!(world.send("a"), Ok(()));
    world.close();
    world.assert_closed("forced close", &["sse 0 #2 4a", "sse 0 #3 1", "sse 0 end"]);
}

#[test]
fn server_closes_while_the_stream_is_away() {
    let mut world = opened();
    assert_eq!(world.send("a"), Ok(()));
    world.drop_stream(0);
    world.close();
    assert!(world.out().is_empty());
    assert!(world.events().is_empty());
    world.stream(1, Some(1));
    let out = ["get 1: stream", "sse 1 opening", "sse 1 #2 4a", "sse 1 #3 1", "sse 1 end"];
    world.assert_closed("forced close", &out);

    let mut world = opened();
    world.drop_stream(0);
    world.close();
    world.advance(10_000);
    world.assert_closed("forced close", &[]);
}

#[test]
fn stream_that_drops_behind_the_close_takes_the_rest_with_it() {
    let mut world = opened();
    assert_eq!(world.send("a"), Ok(()));
    world.close();
    world.drop_stream(0);
    world.assert_closed("forced close", &[]);
    assert_eq!(world.session.buffered_amount(), 0);
}

#[test]
fn aborted_session_drops_what_is_queued() {
    let mut world = opened();
    assert_eq!(world.send("a"), Ok(()));
    world.session.abort();
    world.assert_closed("transport error", &["sse 0 #2 1", "sse 0 end"]);
}

#[test]
fn replies_wait_for_no_room() {
    let mut world = opened();
    assert_eq!(world.send("a"), Ok(()));
    world.sse_post(1, 1, "4b");
    let replies = std::iter::from_fn(|| world.session.poll_reply());
    let replies: Vec<_> = replies.map(|reply| crate::line(&reply)).collect();
    assert_eq!(replies, ["post 1: ok"]);
    assert_eq!(world.out(), ["sse 0 #2 4a"]);
}
