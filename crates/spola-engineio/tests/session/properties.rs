//! What holds for every conversation: whatever the peer does, and without loss for a peer that
//! keeps to the rules.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*, sample::select};
use spola_engineio::{
    Config, Revision,
    packet::{EncodedMessage, WebSocketMessage, payload, v3},
    server::{
        BinaryMode, Dialect, Event, Opening, Payload, PollResponse, PostMark, RequestId, Transmit,
        WebSocketEnd,
    },
};

use crate::World;

/// One step of a peer without manners, or of the application, or of the clock.
#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    SendBinary { len: usize, ahead: bool },
    Close,
    Discard,
    Abort,
    Get { overlap: bool },
    AbortGet(u64),
    StartPost { binary: bool, overlap: bool },
    EndPost(u64, Bytes),
    TooLarge(u64),
    AbortPost(u64),
    OpenWebSocket,
    WebSocketText(&'static str),
    WebSocketBinary,
    EndWebSocket(WebSocketEnd),
    OpenStream(Option<u64>),
    DropStream(u64),
    StartStreamPost { binary: bool, seq: Option<u64>, ack: Option<u64> },
    Advance(u64),
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0..3_u64;
    let rarely = prop::bool::weighted(0.04);
    prop_oneof![
        6 => (0..40_usize).prop_map(Step::Send),
        3 => (0..40_usize, any::<bool>())
            .prop_map(|(len, ahead)| Step::SendBinary { len, ahead }),
        1 => Just(Step::Close),
        1 => Just(Step::Discard),
        1 => Just(Step::Abort),
        8 => rarely.prop_map(|overlap| Step::Get { overlap }),
        1 => id.clone().prop_map(Step::AbortGet),
        8 => (rarely, rarely)
            .prop_map(|(binary, overlap)| Step::StartPost { binary, overlap }),
        8 => (id.clone(), body()).prop_map(|(id, body)| Step::EndPost(id, body)),
        1 => id.clone().prop_map(Step::TooLarge),
        1 => id.prop_map(Step::AbortPost),
        4 => Just(Step::OpenWebSocket),
        8 => select(&TEXTS[..]).prop_map(Step::WebSocketText),
        1 => Just(Step::WebSocketBinary),
        1 => Just(Step::EndWebSocket(WebSocketEnd::Closed)),
        1 => Just(Step::EndWebSocket(WebSocketEnd::Failed)),
        4 => option::of(0..12_u64).prop_map(Step::OpenStream),
        2 => (0..3_u64).prop_map(Step::DropStream),
        8 => (rarely, option::of(0..6_u64), option::weighted(0.2, 0..12_u64))
            .prop_map(|(binary, seq, ack)| Step::StartStreamPost { binary, seq, ack }),
        6 => prop_oneof![0..200_u64, 0..50_000_u64].prop_map(Step::Advance),
        8 => Just(Step::Drain),
    ]
}

fn opening() -> impl Strategy<Value = Opening> {
    select(vec![Opening::Polling(RequestId(0)), Opening::WebSocket, Opening::Sse(RequestId(0))])
}

const TEXTS: [&str; 14] = [
    "2probe", "2probe", "2probe", "5", "5", "4", "4abc", "3", "2", "1", "6", "bAQ==", "b4AQ==", "9",
];

fn dialect() -> impl Strategy<Value = Dialect> {
    let native = Dialect::default();
    let v3 = Dialect { revision: Revision::V3, ..native };
    let binary = BinaryMode::Base64;
    prop_oneof![
        4 => Just(native),
        2 => Just(v3),
        1 => Just(Dialect { binary, ..v3 }),
        1 => Just(Dialect { jsonp: Some(7), ..v3 }),
        1 => Just(Dialect { jsonp: Some(7), ..native }),
    ]
}

fn body() -> impl Strategy<Value = Bytes> {
    let bodies_v3: [&[u8]; 5] =
        [b"1:22:4a", b"2:4a1:62:4c", b"\x00\x02\xff4a\x01\x02\xff\x04b", b"1:1", b"2:4a3:4b"];
    let bodies = [
        "2probe",
        "5",
        "2probe\x1e5\x1e4z",
        "5\x1e3",
        "4a",
        "4b\x1e3",
        "3",
        "6\x1e4c\x1e4\x1ebAQ==",
        "1",
        "4d\x1e",
        "2",
        "4e\x1e9\x1e4f",
    ];
    prop_oneof![
        6 => select(bodies[..8].to_vec()).prop_map(|body| Bytes::from_static(body.as_bytes())),
        1 => select(bodies.to_vec()).prop_map(|body| Bytes::from_static(body.as_bytes())),
        4 => select(bodies_v3.to_vec()).prop_map(Bytes::from_static),
        1 => vec(any::<u8>(), 0..70).prop_map(Bytes::from),
    ]
}

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

/// A client by the rules of §7.2, over links that deliver late, and the counts of both directions.
#[derive(Default)]
struct Client {
    next_id: u64,
    get_pending: bool,
    get_answer: Option<String>,
    post: Option<(RequestId, Vec<usize>)>,
    post_answer: bool,
    upgrade: ClientUpgrade,
    /// Messages of the WebSocket on their way to the client.
    to_client: VecDeque<String>,
    /// Messages of the WebSocket on their way to the server.
    to_server: VecDeque<String>,
    /// What the application of the client wrote, and no transport took.
    buffer: Vec<usize>,
    written: usize,
    received: Vec<usize>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum ClientUpgrade {
    #[default]
    None,
    Probing,
    Pausing,
    Done,
}

impl Client {
    fn id(&mut self) -> RequestId {
        self.next_id += 1;
        RequestId(self.next_id)
    }

    fn may_poll(&self) -> bool {
        matches!(self.upgrade, ClientUpgrade::None | ClientUpgrade::Probing)
    }

    /// One thing that this client may do now, chosen by `choice`.
    fn act(&mut self, world: &mut World, choice: u8) {
        match choice % 10 {
            0 => {
                self.buffer.push(self.written);
                self.written += 1;
                if self.upgrade == ClientUpgrade::Done {
                    self.flush_to_websocket();
                }
            }
            1 if self.may_poll() && !self.get_pending => {
                self.get_pending = true;
                let id = self.id();
                world.session.handle_poll(id);
            }
            2 if self.may_poll() && self.post.is_none() && !self.buffer.is_empty() => {
                let id = self.id();
                world.session.handle_post_started(id, None);
                self.post = Some((id, std::mem::take(&mut self.buffer)));
            }
            3 => self.end_post(world),
            4 if self.upgrade == ClientUpgrade::None => self.start_upgrade(world),
            5 => self.take_get_answer(),
            6 if self.post_answer => {
                self.post_answer = false;
                self.post = None;
            }
            7 => self.take_websocket_message(),
            8 => {
                if let Some(text) = self.to_server.pop_front() {
                    let message = WebSocketMessage::Text(text.into());
                    world.session.handle_websocket_message(world.now, message);
                }
            }
            9 if self.upgrade == ClientUpgrade::Probing => {
                // The probe fails: the client stays on polling and may try again.
                self.upgrade = ClientUpgrade::None;
                self.to_server.clear();
                self.to_client.clear();
                world.ws_closed();
            }
            _ => {}
        }
        if self.upgrade == ClientUpgrade::Pausing && !self.get_pending && self.post.is_none() {
            self.upgrade = ClientUpgrade::Done;
            self.to_server.push_back("5".to_owned());
            self.flush_to_websocket();
        }
        self.collect(world);
    }

    fn start_upgrade(&mut self, world: &mut World) {
        if world.open_websocket().is_ok() {
            self.upgrade = ClientUpgrade::Probing;
            self.to_server.push_back("2probe".to_owned());
        }
    }

    fn end_post(&mut self, world: &mut World) {
        if let Some((id, numbers)) = &mut self.post
            && !numbers.is_empty()
        {
            let packets: Vec<_> = numbers.drain(..).map(|number| format!("4{number}")).collect();
            world.session.handle_post(world.now, *id, packets.join("\x1e").into());
        }
    }

    fn take_get_answer(&mut self) {
        let Some(body) = self.get_answer.take() else {
            return;
        };
        self.get_pending = false;
        for packet in body.split('\x1e') {
            self.take_packet(packet);
        }
    }

    fn take_websocket_message(&mut self) {
        let Some(text) = self.to_client.pop_front() else {
            return;
        };
        if text == "3probe" {
            assert!(self.upgrade == ClientUpgrade::Probing);
            self.upgrade = ClientUpgrade::Pausing;
        } else {
            self.take_packet(&text);
        }
    }

    fn take_packet(&mut self, packet: &str) {
        if let Some(number) = packet.strip_prefix('4') {
            self.received.push(number.parse().expect("a number"));
        } else {
            assert!(matches!(packet, "6"), "{packet}");
        }
    }

    fn flush_to_websocket(&mut self) {
        let packets = self.buffer.drain(..).map(|number| format!("4{number}"));
        self.to_server.extend(packets);
    }

    fn collect(&mut self, world: &mut World) {
        for line in world.out() {
            if let Some(text) = line.strip_prefix("ws ") {
                self.to_client.push_back(text.to_owned());
            } else if line.starts_with("get ") {
                let (_, body) = line.split_once(": ").expect("an answer");
                self.get_answer = Some(body.replace('|', "\x1e"));
            } else {
                assert!(line.ends_with(": ok"), "{line}");
                self.post_answer = true;
            }
        }
    }
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

    #[test]
    fn upgrade_loses_and_reorders_nothing(
        choices in vec((any::<u8>(), prop::bool::weighted(0.3), 0..30_u64), 0..120),
    ) {
        let mut world = World::polling();
        let mut client = Client::default();
        let (mut sent, mut delivered) = (0, Vec::new());
        let round_robin = (0..900_u16).map(|i| {
            // In the end everything on its way arrives; the client starts nothing new but polls.
            ([3, 5, 6, 7, 8, 1, 2][usize::from(i % 7)], false, 10)
        });
        for (choice, send, ms) in choices.into_iter().chain(round_robin) {
            if send {
                prop_assert_eq!(world.send(&sent.to_string()), Ok(()));
                sent += 1;
            }
            world.advance(ms);
            client.act(&mut world, choice);
            delivered.extend(world.events());
        }
        prop_assert_eq!(client.received, (0..sent).collect::<Vec<_>>());
        let delivered: Vec<_> = delivered.into_iter().filter(|line| line != "upgraded").collect();
        let written = (0..client.written).map(|number| format!("text {number}"));
        prop_assert_eq!(delivered, written.collect::<Vec<_>>());
    }
}
