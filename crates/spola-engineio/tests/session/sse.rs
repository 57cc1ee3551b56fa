//! Server-Sent Events (`docs/guide/sse.md`).

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use spola_engineio::{
    Config, Transport,
    packet::EncodedMessage,
    server::{Dialect, Opening, PostMark, RequestId, SendError},
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

/// A session that polls, and a stream that was probed; the answer is out.
fn probed() -> World {
    let mut world = World::polling_with(&config());
    world.stream(10, None);
    assert_eq!(world.out(), ["get 10: stream", "sse 10 opening"]);
    world.sse_post(11, 1, "2probe");
    assert_eq!(world.out(), ["post 11: ok", "sse 10 #1 3probe"]);
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
fn dropped_stream_is_resumed_behind_what_has_arrived() {
    let mut world = opened();
    for message in ["a", "b", "c"] {
        assert_eq!(world.send(message), Ok(()));
    }
    assert_eq!(world.out(), ["sse 0 #2 4a", "sse 0 #3 4b", "sse 0 #4 4c"]);
    world.drop_stream(0);
    assert!(!world.session.is_writable());
    assert_eq!(world.send("d"), Ok(()));
    assert!(world.out().is_empty());
    world.advance(9_999);
    world.stream(1, Some(2));
    assert!(!world.session.is_writable());
    let out = ["get 1: stream", "sse 1 opening", "sse 1 #3 4b", "sse 1 #4 4c", "sse 1 #5 4d"];
    assert_eq!(world.out(), out);
    assert!(world.session.is_writable());
    assert_eq!(world.timeout(), Some(15_000));
    assert!(world.events().is_empty());
}

#[test]
fn session_closes_when_nobody_resumes_for_10_s() {
    let mut world = opened();
    world.drop_stream(0);
    assert_eq!(world.timeout(), Some(10_000));
    assert_eq!(world.send("lost"), Ok(()));
    world.advance(9_999);
    assert!(world.events().is_empty());
    world.advance(1);
    world.assert_closed("transport close", &[]);
}

#[test]
fn newest_stream_counts() {
    let mut world = opened();
    assert_eq!(world.send("a"), Ok(()));
    assert_eq!(world.out(), ["sse 0 #2 4a"]);
    world.stream(1, Some(1));
    assert_eq!(world.send("b"), Ok(()));
    let out = ["sse 0 end", "get 1: stream", "sse 1 opening", "sse 1 #2 4a", "sse 1 #3 4b"];
    assert_eq!(world.out(), out);
    world.drop_stream(0);
    assert_eq!(world.send("c"), Ok(()));
    assert_eq!(world.out(), ["sse 1 #4 4c"]);
    assert_eq!(world.timeout(), Some(15_000));
}

#[test]
fn a_stream_that_lacks_what_is_given_up_closes_the_session() {
    let mut config = config();
    config.max_kept_bytes = 2 * (64 + 2);
    for (last, resumed) in [(None, false), (Some(1), false), (Some(2), true), (Some(4), true)] {
        let mut world = opened_with(&config);
        for message in ["a", "b", "c"] {
            assert_eq!(world.send(message), Ok(()));
        }
        assert_eq!(world.out().len(), 3);
        world.drop_stream(0);
        world.stream(1, last);
        if resumed {
            assert_eq!(world.out().len() as u64, 2 + 4 - last.unwrap_or(0));
        } else {
            world.assert_closed("transport error", &["get 1: code 1"]);
        }
    }
}

#[test]
fn acknowledged_packets_are_given_up() {
    let mut world = opened();
    assert_eq!(world.send("a"), Ok(()));
    assert_eq!(world.out(), ["sse 0 #2 4a"]);
    world.ack(1, 2);
    assert_eq!(world.out(), ["post 1: ok"]);
    assert!(world.events().is_empty());
    world.drop_stream(0);
    world.stream(2, Some(1));
    world.assert_closed("transport error", &["get 2: code 1"]);
}

#[test]
fn events_that_were_never_sent_cannot_be_acknowledged() {
    let mut world = opened();
    world.ack(1, 2);
    world.assert_closed("transport error", &["post 1: 400", "sse 0 #2 1", "sse 0 end"]);
    let mut world = opened();
    world.stream(1, Some(2));
    world.assert_closed("transport error", &["get 1: code 1", "sse 0 #2 1", "sse 0 end"]);
}

#[test]
fn numbered_post_is_taken_in_once() {
    let mut world = opened();
    world.sse_post(1, 1, "4a");
    world.sse_post(2, 1, "4a");
    world.sse_post(3, 2, "4b");
    world.sse_post(4, 1, "9");
    assert_eq!(world.out(), ["post 1: ok", "post 2: ok", "post 3: ok", "post 4: ok"]);
    assert_eq!(world.events(), ["text a", "text b"]);
}

#[test]
fn numbered_post_may_be_given_up_and_repeated() {
    let mut world = opened();
    world.start_sse_post(1, Some(1), None);
    world.session.handle_post_aborted(RequestId(1));
    world.start_sse_post(2, Some(1), None);
    // Its connection is gone, but nobody has noticed yet.
    world.start_sse_post(3, Some(1), None);
    world.end_post(2, "4a");
    world.end_post(3, "4a");
    assert_eq!(world.out(), ["post 2: abort", "post 3: ok"]);
    assert_eq!(world.events(), ["text a"]);
}

#[test]
fn posts_out_of_turn_close_the_session() {
    for seq in [0, 2, u64::MAX] {
        let mut world = opened();
        world.start_sse_post(1, Some(seq), None);
        world.assert_closed("transport error", &["post 1: 400", "sse 0 #2 1", "sse 0 end"]);
    }
}

#[test]
fn overlapping_posts_close_the_session() {
    for (first, second) in [(None, None), (Some(1), None), (None, Some(1)), (Some(1), Some(2))] {
        let mut world = opened();
        world.start_sse_post(1, first, None);
        world.start_sse_post(2, second, None);
        assert_eq!(
            world.out(),
            ["post 1: abort", "post 2: 400", "sse 0 #2 1", "sse 0 end"],
            "{first:?} {second:?}"
        );
        assert_eq!(world.events(), ["closed: transport error"]);
    }
}

#[test]
fn post_without_a_number_must_not_be_given_up() {
    let mut world = opened();
    world.start_sse_post(1, None, None);
    world.session.handle_post_aborted(RequestId(1));
    world.assert_closed("transport error", &["sse 0 #2 1", "sse 0 end"]);
}

#[test]
fn binary_content_type_is_refused() {
    let mut world = opened();
    let octets = Some(&b"application/octet-stream"[..]);
    world.session.handle_stream_post_started(RequestId(1), octets, PostMark::default());
    world.assert_closed("transport error", &["post 1: 400", "sse 0 #2 1", "sse 0 end"]);
}

#[test]
fn body_beyond_the_limit_is_413_and_may_be_mended() {
    let mut config = config();
    config.max_payload = 3;
    let mut world = opened_with(&config);
    world.sse_post(1, 1, "4abc");
    world.sse_post(2, 1, "4ab");
    assert_eq!(world.out(), ["post 1: 413", "post 2: ok"]);
    assert_eq!(world.events(), ["text ab"]);
}

#[test]
fn queue_is_bounded_while_the_stream_is_away() {
    let mut config = config();
    config.max_queued_packets = 2;
    let mut world = opened_with(&config);
    world.drop_stream(0);
    assert_eq!(world.send("a"), Ok(()));
    assert_eq!(world.send("b"), Ok(()));
    assert_eq!(world.send("c"), Err(SendError::Full));
    world.stream(1, Some(1));
    assert_eq!(world.out().len(), 4);
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

/// A session that polls, of a client that knows event streams.
fn knowing(config: &Config) -> World {
    let dialect = Dialect { knows_sse: true, ..Dialect::default() };
    World::speaking(dialect, Opening::Polling(RequestId(0)), config)
}

#[test]
fn upgrade_is_offered_to_those_who_ask() {
    let mut on = config();
    let mut world = World::new(Opening::Polling(RequestId(0)), &on);
    assert!(world.out()[0].contains(r#""upgrades":["websocket"],"#));
    let mut world = knowing(&on);
    assert!(world.out()[0].contains(r#""upgrades":["websocket","sse"],"#));
    on.transports.websocket = false;
    let mut world = knowing(&on);
    assert!(world.out()[0].contains(r#""upgrades":["sse"],"#));
    let mut world = knowing(&Config::default());
    assert!(world.out()[0].contains(r#""upgrades":["websocket"],"#));
}

#[test]
fn upgrade_by_the_book() {
    let mut world = probed();
    world.get(1);
    assert_eq!(world.send("a"), Ok(()));
    assert_eq!(world.out(), ["get 1: 4a"]);
    world.get(2);
    world.advance(100);
    assert_eq!(world.out(), ["get 2: 6"]);
    assert_eq!(world.send("b"), Ok(()));
    assert!(world.out().is_empty());
    world.sse_post(12, 2, "5\x1e4hi");
    assert_eq!(world.events(), ["upgraded", "text hi"]);
    assert_eq!(world.session.transport(), Transport::Sse);
    assert_eq!(world.out(), ["post 12: ok", "sse 10 #2 4b"]);
    world.drop_stream(10);
    world.stream(13, Some(1));
    assert_eq!(world.out(), ["get 13: stream", "sse 13 opening", "sse 13 #2 4b"]);
}

#[test]
fn pending_requests_of_polling_end_with_the_upgrade() {
    let mut world = probed();
    world.get(1);
    world.start_post(2);
    world.sse_post(12, 2, "5");
    assert_eq!(world.out(), ["get 1: 1", "post 2: abort", "post 12: ok"]);
}

#[test]
fn upgrade_that_fails_leaves_polling_alive() {
    for body in ["4a", "2", "1", "9", ""] {
        let mut world = probed();
        world.get(1);
        world.sse_post(12, 2, body);
        world.sse_post(13, 3, "5");
        assert_eq!(world.out(), ["post 12: ok", "post 13: code 3", "sse 10 end"], "{body}");
        assert_eq!(world.send("a"), Ok(()));
        assert_eq!(world.out(), ["get 1: 4a"]);
        assert!(world.events().is_empty());
        world.stream(14, None);
        assert_eq!(world.out(), ["get 14: stream", "sse 14 opening"]);
    }
    let mut world = probed();
    world.start_sse_post(12, Some(2), None);
    world.drop_stream(10);
    assert_eq!(world.out(), ["post 12: abort"]);
    assert!(world.session.accepts_upgrade());

    let mut world = probed();
    world.start_sse_post(12, Some(2), None);
    world.advance(10_000);
    assert_eq!(world.out(), ["post 12: abort", "sse 10 end"]);
    assert!(world.session.accepts_upgrade());
}

#[test]
fn posts_that_break_the_rules_fail_the_upgrade() {
    let mut world = probed();
    world.start_sse_post(12, Some(3), None);
    assert_eq!(world.out(), ["post 12: 400", "sse 10 end"]);
    assert!(world.events().is_empty());
    let mut world = probed();
    world.start_sse_post(12, None, None);
    world.session.handle_post_aborted(RequestId(12));
    assert_eq!(world.out(), ["sse 10 end"]);
    assert!(world.events().is_empty());
}

#[test]
fn one_upgrade_at_a_time() {
    let mut world = probed();
    assert!(world.open_websocket().is_err());
    world.stream(12, None);
    assert_eq!(world.out(), ["get 12: code 3"]);
    let mut world = World::polling_with(&config());
    assert_eq!(world.open_websocket(), Ok(()));
    world.stream(1, None);
    world.start_sse_post(2, Some(1), None);
    assert_eq!(world.out(), ["get 1: code 3", "post 2: code 3"]);
    let mut world = World::polling();
    world.stream(1, None);
    assert_eq!(world.out(), ["get 1: code 3"], "not offered");
}

#[test]
fn session_that_closes_ends_the_probing_stream() {
    let mut world = probed();
    world.start_sse_post(12, Some(2), None);
    world.session.discard();
    world.assert_closed("forced close", &["post 12: abort", "sse 10 end"]);
}

#[test]
fn upgrade_completes_while_the_session_waits_to_close() {
    let mut world = probed();
    assert_eq!(world.send("a"), Ok(()));
    world.close();
    world.sse_post(12, 2, "5");
    let out = ["post 12: ok", "sse 10 #2 4a", "sse 10 #3 1", "sse 10 end"];
    world.assert_closed("forced close", &out);
}

/// A client by the rules: it knows what has arrived, and resumes behind it.
#[derive(Default)]
struct Client {
    stream: u64,
    last: u64,
    /// Messages, in the order of their arrival.
    received: Vec<String>,
    on_its_way: Vec<String>,
}

impl Client {
    fn collect(&mut self, world: &mut World) {
        let prefix = format!("sse {} #", self.stream);
        let events = world.out().into_iter();
        let events = events.filter_map(|line| line.strip_prefix(&prefix).map(str::to_owned));
        self.on_its_way.extend(events);
    }

    /// The first `count` of the events on their way arrive.
    fn arrive(&mut self, count: usize) {
        let count = count.min(self.on_its_way.len());
        for event in self.on_its_way.drain(..count) {
            let (number, packet) = event.split_once(' ').expect("number and packet");
            self.last += 1;
            assert_eq!(number, self.last.to_string());
            self.received.extend(packet.strip_prefix('4').map(str::to_owned));
        }
    }

    fn resume(&mut self, world: &mut World) {
        self.on_its_way.clear();
        self.stream += 1;
        world.stream(self.stream, Some(self.last));
    }
}

#[test]
fn stream_is_resumed_after_every_prefix() {
    for arrived in 1..=6 {
        for noticed in [false, true] {
            let mut world = World::new(Opening::Sse(RequestId(0)), &config());
            for message in 0..5 {
                assert_eq!(world.send(&message.to_string()), Ok(()));
            }
            let mut client = Client::default();
            client.collect(&mut world);
            client.arrive(arrived);
            if noticed {
                world.drop_stream(0);
            }
            assert_eq!(world.send("5"), Ok(()));
            client.resume(&mut world);
            client.collect(&mut world);
            client.arrive(usize::MAX);
            assert_eq!(client.received, ["0", "1", "2", "3", "4", "5"]);
        }
    }
}

proptest! {
    #[test]
    fn no_packet_is_lost_or_doubled(
        steps in vec((0..6_u8, 0..4_usize), 0..80),
    ) {
        let mut world = World::new(Opening::Sse(RequestId(0)), &config());
        let mut client = Client::default();
        client.collect(&mut world);
        client.arrive(1);
        let (mut sent, mut posts, mut request) = (0, 0, 1000);
        for (step, count) in steps {
            match step {
                0 | 1 => {
                    for _ in 0..count {
                        prop_assert_eq!(world.send(&sent.to_string()), Ok(()));
                        sent += 1;
                    }
                }
                2 | 3 => {
                    client.collect(&mut world);
                    client.arrive(count);
                }
                4 => {
                    if count == 0 {
                        world.drop_stream(client.stream);
                    }
                    client.resume(&mut world);
                }
                _ => {
                    // A POST, and perhaps the same once more.
                    posts += 1;
                    for _ in 0..=count {
                        request += 1;
                        world.start_sse_post(request, Some(posts), Some(client.last));
                        let body = format!("4{posts}").into();
                        world.session.handle_post(world.now, RequestId(request), body);
                    }
                }
            }
        }
        client.resume(&mut world);
        client.collect(&mut world);
        client.arrive(usize::MAX);
        let expected: Vec<_> = (0..sent).map(|number: usize| number.to_string()).collect();
        prop_assert_eq!(client.received, expected);
        let posted: Vec<_> = (1..=posts).map(|number| format!("text {number}")).collect();
        prop_assert_eq!(&world.events()[1..], posted);
    }
}
