//! Streams that drop, and what is sent again.

use proptest::{collection::vec, prelude::*};
use spola_engineio::server::{Opening, RequestId, SendError};

use crate::World;

use super::{config, opened, opened_with};

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
