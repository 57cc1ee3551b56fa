//! What holds for every conversation: whatever the peer does, and without loss for a peer that
//! keeps to the rules.

mod steps;
mod upgrading;

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use spola_engineio::{
    Config, Revision,
    packet::{EncodedMessage, WebSocketMessage, payload, v3},
    server::{
        BinaryMode, Dialect, Event, Opening, Payload, PollResponse, PostMark, RequestId, Transmit,
    },
};

use self::steps::{Step, dialect, opening, step};
use crate::World;

const MAX_QUEUED: usize = 200;
const MAX_RESPONSE: usize = 60;

fn tight_config() -> Config {
    let mut config = Config::default();
    config.max_payload = 64;
    config.max_poll_response = MAX_RESPONSE;
    config.max_queued_bytes = MAX_QUEUED;
    config.max_queued_packets = 10;
    config.max_kept_bytes = 300;
    config.transports.sse = true;
    config
}

/// The state of a request, as the driver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Get,
    /// A GET that asks for an event stream.
    Ask,
    Post,
    /// A GET that was answered by an event stream.
    Stream,
    Answered,
    Gone,
}

/// A driver that checks what it is given.
struct Driver {
    world: World,
    dialect: Dialect,
    requests: BTreeMap<u64, Request>,
    websocket: bool,
    events: Vec<Event>,
}

impl Driver {
    fn new(opening: Opening, dialect: Dialect) -> Self {
        let websocket = matches!(opening, Opening::WebSocket);
        let request = match opening {
            Opening::Sse(_) => Request::Ask,
            _ => Request::Get,
        };
        let requests = if websocket { BTreeMap::new() } else { [(0, request)].into() };
        let dialect = match opening {
            // Revision 3 knows no event streams.
            Opening::Sse(_) => Dialect::default(),
            _ => dialect,
        };
        let world = World::speaking(dialect, opening, &tight_config());
        Self { world, dialect, requests, websocket, events: Vec::new() }
    }

    fn new_request(&mut self, request: Request) -> RequestId {
        let id = self.requests.len() as u64;
        self.requests.insert(id, request);
        RequestId(id)
    }

    /// One of the latest requests: `back` before the last.
    fn recent(&self, back: u64) -> u64 {
        (self.requests.len() as u64).saturating_sub(1 + back)
    }

    fn is_waiting(&self, request: Request) -> bool {
        self.requests.values().any(|other| *other == request)
    }

    fn has(&self, id: u64, request: Request) -> bool {
        self.requests.get(&id) == Some(&request)
    }

    fn step(&mut self, step: Step) {
        let get_waits = self.is_waiting(Request::Get);
        let post_waits = self.is_waiting(Request::Post);
        let World { session, now } = &mut self.world;
        match step {
            Step::Send(len) => {
                let _ = session.send(EncodedMessage::text(&"x".repeat(len)));
            }
            Step::SendBinary { len, ahead } => {
                let message = EncodedMessage::binary(vec![0; len].into());
                let as_text = ahead && session.binary_mode() == BinaryMode::Base64;
                let _ = session.send(if as_text { message.into_text() } else { message });
            }
            Step::Close => session.close(*now),
            Step::Discard => session.discard(),
            Step::Abort => session.abort(),
            Step::Get { overlap } if get_waits && !overlap => {}
            Step::Get { .. } => {
                let id = self.new_request(Request::Get);
                self.world.session.handle_poll(id);
            }
            Step::AbortGet(back) => {
                let id = self.recent(back);
                self.world.session.handle_poll_aborted(RequestId(id));
                if self.has(id, Request::Get) {
                    self.requests.insert(id, Request::Gone);
                }
            }
            Step::StartPost { overlap, .. } if post_waits && !overlap => {}
            Step::StartPost { binary, .. } => {
                let id = self.new_request(Request::Post);
                let content_type = binary.then_some(&b"application/octet-stream"[..]);
                self.world.session.handle_post_started(id, content_type);
            }
            Step::EndPost(back, body) => {
                let id = RequestId(self.recent(back));
                self.world.session.handle_post(self.world.now, id, body);
            }
            Step::TooLarge(back) => {
                let id = RequestId(self.recent(back));
                self.world.session.handle_post_too_large(id);
            }
            Step::AbortPost(back) => {
                let id = self.recent(back);
                self.world.session.handle_post_aborted(RequestId(id));
                if self.has(id, Request::Post) {
                    self.requests.insert(id, Request::Gone);
                }
            }
            Step::OpenWebSocket => {
                let opened = session.handle_websocket_opened(*now, BinaryMode::Base64);
                if opened.is_ok() {
                    assert!(!self.websocket, "a second WebSocket");
                    self.websocket = true;
                }
            }
            Step::WebSocketText(text) => {
                let message = WebSocketMessage::from_static(text);
                session.handle_websocket_message(*now, message);
            }
            Step::WebSocketBinary => {
                let message = WebSocketMessage::Binary(Bytes::new());
                session.handle_websocket_message(*now, message);
            }
            Step::EndWebSocket(end) => {
                if self.websocket {
                    session.handle_websocket_closed(end);
                    self.websocket = false;
                }
            }
            Step::OpenStream(last_event_id) => {
                let id = self.new_request(Request::Ask);
                self.world.session.handle_stream(self.world.now, id, last_event_id);
            }
            Step::DropStream(back) => {
                let id = self.recent(back);
                if self.has(id, Request::Ask) || self.has(id, Request::Stream) {
                    self.world.session.handle_stream_dropped(self.world.now, RequestId(id));
                    self.requests.insert(id, Request::Gone);
                }
            }
            Step::StartStreamPost { binary, seq, ack } => {
                let id = self.new_request(Request::Post);
                let content_type = binary.then_some(&b"application/octet-stream"[..]);
                let mark = PostMark { seq, ack };
                self.world.session.handle_stream_post_started(id, content_type, mark);
            }
            Step::Advance(ms) => self.world.advance(ms),
            Step::Drain => self.drain(),
        }
        assert!(self.world.session.buffered_amount() <= MAX_QUEUED);
    }

    fn drain(&mut self) {
        while let Some(event) = self.world.session.poll_event() {
            self.events.push(event);
        }
        while let Some(transmit) = self.world.session.poll_transmit() {
            match transmit {
                Transmit::PollResponse { id: RequestId(id), response: PollResponse::Stream } => {
                    let before = self.requests.get(&id).copied();
                    assert!(matches!(before, Some(Request::Ask | Request::Gone)), "{before:?}");
                    if before == Some(Request::Ask) {
                        self.requests.insert(id, Request::Stream);
                    }
                }
                Transmit::StreamData { id: RequestId(id), data } => {
                    let stream = self.requests.get(&id);
                    assert!(matches!(stream, Some(Request::Stream | Request::Gone)), "{stream:?}");
                    assert!(data.ends_with(b"\n\n"));
                }
                Transmit::EndStream { id: RequestId(id) } => {
                    let before = self.requests.insert(id, Request::Answered);
                    assert!(matches!(before, Some(Request::Stream | Request::Gone)), "{before:?}");
                }
                Transmit::PollResponse { id, response } => {
                    check_payload(self.dialect, response);
                    self.answer(id, Request::Get);
                }
                Transmit::PostResponse { id, .. } => self.answer(id, Request::Post),
                Transmit::WebSocketMessage(_) => assert!(self.websocket, "no WebSocket"),
                Transmit::CloseWebSocket => {
                    assert!(self.websocket, "no WebSocket to close");
                    self.websocket = false;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn answer(&mut self, RequestId(id): RequestId, request: Request) {
        let before = self.requests.insert(id, Request::Answered);
        // A request may go away while its answer is on the way.
        let asked = request == Request::Get && before == Some(Request::Ask);
        let gone = before == Some(Request::Gone);
        assert!(asked || gone || before == Some(request), "{id}: {before:?}");
    }
}

fn check_payload(dialect: Dialect, response: PollResponse) {
    let body = match response {
        PollResponse::Payload(payload) if !payload.binary => payload.body,
        PollResponse::Payload(Payload { body, .. }) => {
            assert_eq!((dialect.revision, dialect.jsonp), (Revision::V3, None));
            assert_eq!(dialect.binary, BinaryMode::Native);
            let len = body.len();
            let packets: Result<Vec<_>, _> = v3::Decoder::binary(body).collect();
            return assert!(packets.expect("packets").len() == 1 || len <= MAX_RESPONSE);
        }
        _ => return,
    };
    let mut text = String::from_utf8(body.to_vec()).expect("a payload is text");
    if dialect.jsonp.is_some() {
        let script = text.strip_prefix("___eio[7](\"").and_then(|text| text.strip_suffix("\");"));
        text = script.expect("a script").replace("\\\"", "\"").replace("\\u001e", "\x1e");
    }
    let len = text.len();
    let count = match dialect.revision {
        Revision::V4 => {
            payload::Decoder::new(text.into()).inspect(|packet| assert!(packet.is_ok())).count()
        }
        Revision::V3 => {
            v3::Decoder::text(text.into()).inspect(|packet| assert!(packet.is_ok())).count()
        }
    };
    assert!(count == 1 || len <= MAX_RESPONSE, "{count} packets of {len} bytes");
}

fn check_events(events: &[Event]) {
    let opened = events.iter().filter(|event| matches!(event, Event::Opened)).count();
    let upgraded = events.iter().filter(|event| matches!(event, Event::Upgraded)).count();
    let closed = events.iter().filter(|event| matches!(event, Event::Closed(_))).count();
    assert_eq!((opened, closed), (1, 1));
    assert!(upgraded <= 1);
    assert_eq!(events.first(), Some(&Event::Opened));
    assert!(matches!(events.last(), Some(Event::Closed(_))));
}

proptest! {
    #[test]
    fn every_session_ends_well(
        opening in opening(),
        dialect in dialect(),
        steps in vec(step(), 0..80),
    ) {
        let mut driver = Driver::new(opening, dialect);
        for step in steps {
            driver.step(step);
        }
        driver.step(Step::Discard);
        driver.drain();
        check_events(&driver.events);
        prop_assert_eq!(driver.world.timeout(), None);
        let open = |request: &Request| !matches!(request, Request::Answered | Request::Gone);
        prop_assert!(!driver.requests.values().any(open), "{:?}", driver.requests);
        prop_assert!(!driver.websocket, "the WebSocket was left open");
        prop_assert_eq!(driver.world.session.buffered_amount(), 0);
    }

    #[test]
    fn session_ends_by_itself_when_the_peer_is_silent(
        opening in opening(),
        dialect in dialect(),
        steps in vec(step(), 0..40),
    ) {
        let mut driver = Driver::new(opening, dialect);
        for step in steps {
            driver.step(step);
        }
        let mut timers = 0;
        while let Some(at) = driver.world.session.poll_timeout() {
            driver.world.now = driver.world.now.max(at);
            driver.world.session.handle_timeout(driver.world.now);
            driver.drain();
            timers += 1;
            prop_assert!(timers < 1000, "the timers do not end");
        }
        driver.drain();
        check_events(&driver.events);
    }
}
