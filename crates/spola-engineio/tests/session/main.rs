//! Conversations with a server session in virtual time, and what holds for all of them.

#![allow(clippy::wildcard_enum_match_arm)]

mod base64;
mod closing;
mod heartbeat;
mod limits;
mod polling;
mod properties;
mod revision_3;
mod sse;
mod upgrade;
mod websocket;

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use bytes::Bytes;
use spola_engineio::{
    Config, Sid,
    packet::{EncodedMessage, Message, WebSocketMessage, event_stream},
    server::{
        BinaryMode, Dialect, Event, Opening, PollResponse, PostOutcome, RequestId, SendError,
        Session, Transmit, UpgradeRefused, WebSocketEnd,
    },
};

const SID: &str = "AAECAwQFBgcICQoLAAAA";

#[allow(clippy::disallowed_methods)]
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A session, its clock, and both written as short lines: `get 1: 4a|4b`, `ws 3probe`, `closed: …`.
struct World {
    session: Session,
    now: Instant,
}

impl World {
    fn new(opening: Opening, config: &Config) -> Self {
        Self::speaking(Dialect::default(), opening, config)
    }

    fn speaking(dialect: Dialect, opening: Opening, config: &Config) -> Self {
        let now = *START;
        let sid = SID.parse::<Sid>().expect("an id");
        Self { session: Session::new(sid, opening, dialect, config, now), now }
    }

    /// A session that polls; its open packet is out.
    fn polling() -> Self {
        Self::polling_with(&Config::default())
    }

    fn polling_with(config: &Config) -> Self {
        let mut world = Self::new(Opening::Polling(RequestId(0)), config);
        assert_eq!((world.out().len(), world.events()), (1, vec!["opened".to_owned()]));
        world
    }

    /// A session that opened over a WebSocket; its open packet is out.
    fn websocket() -> Self {
        let mut world = Self::new(Opening::WebSocket, &Config::default());
        assert_eq!((world.out().len(), world.events()), (1, vec!["opened".to_owned()]));
        world
    }

    /// A session that polls, with a WebSocket that was probed; the answer is out.
    fn probed() -> Self {
        let mut world = Self::polling();
        assert_eq!(world.open_websocket(), Ok(()));
        world.ws("2probe");
        assert_eq!(world.out(), ["ws 3probe"]);
        world
    }

    fn advance(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        self.session.handle_timeout(self.now);
    }

    fn get(&mut self, id: u64) {
        self.session.handle_poll(RequestId(id));
    }

    fn post(&mut self, id: u64, body: &'static str) {
        self.start_post(id);
        self.end_post(id, body);
    }

    fn start_post(&mut self, id: u64) {
        self.session.handle_post_started(RequestId(id), Some(b"text/plain;charset=UTF-8"));
    }

    fn end_post(&mut self, id: u64, body: &'static str) {
        self.session.handle_post(self.now, RequestId(id), Bytes::from_static(body.as_bytes()));
    }

    fn open_websocket(&mut self) -> Result<(), UpgradeRefused> {
        self.session.handle_websocket_opened(self.now, BinaryMode::Native)
    }

    fn ws(&mut self, text: &'static str) {
        self.session.handle_websocket_text(self.now, text);
    }

    fn ws_closed(&mut self) {
        self.session.handle_websocket_closed(WebSocketEnd::Closed);
    }

    fn send(&mut self, text: &str) -> Result<(), SendError> {
        self.session.send(EncodedMessage::text(text))
    }

    fn close(&mut self) {
        self.session.close(self.now);
    }

    /// Milliseconds to the next timer.
    fn timeout(&self) -> Option<u64> {
        let wait = self.session.poll_timeout()?.saturating_duration_since(self.now);
        Some(wait.as_millis().try_into().expect("less than ages"))
    }

    fn out(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.session.poll_transmit())
            .map(|transmit| line(&transmit))
            .collect()
    }

    fn events(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.session.poll_event()).map(|event| event_line(&event)).collect()
    }

    /// Asserts that the session closed for this reason, wrote this, and is quiet for good.
    fn assert_closed(&mut self, reason: &str, out: &[&str]) {
        assert_eq!(self.out(), out);
        assert_eq!(self.events().last(), Some(&format!("closed: {reason}")));
        if let Some(fault) = self.session.fault() {
            assert_eq!(fault.close_reason().as_str(), reason);
        }
        assert_eq!(self.timeout(), None);
        assert_eq!(self.send("late"), Err(SendError::Closed));
        assert_eq!(self.session.status(), None);
        self.advance(1_000_000);
        self.close();
        self.session.discard();
        self.get(90);
        self.post(91, "4late");
        self.ws("4late");
        self.ws_closed();
        assert_eq!(self.open_websocket(), Err(UpgradeRefused));
        assert_eq!(self.out(), ["get 90: code 1", "post 91: code 1"]);
        assert!(self.events().is_empty());
    }
}

fn line(transmit: &Transmit) -> String {
    match transmit {
        Transmit::PollResponse { id: RequestId(id), response } => match response {
            PollResponse::Payload(payload) if payload.binary => {
                format!("get {id}: {:x?}", &payload.body[..])
            }
            PollResponse::Payload(payload) => {
                let body = str::from_utf8(&payload.body).expect("a payload is text");
                format!("get {id}: {}", body.replace('\x1e', "|"))
            }
            PollResponse::Stream => format!("get {id}: stream"),
            PollResponse::BadRequest => format!("get {id}: 400"),
            PollResponse::Refused(code) => format!("get {id}: code {}", code.as_u8()),
            other => panic!("{other:?}"),
        },
        Transmit::PostResponse { id: RequestId(id), outcome } => match outcome {
            PostOutcome::Ok => format!("post {id}: ok"),
            PostOutcome::BadRequest => format!("post {id}: 400"),
            PostOutcome::TooLarge => format!("post {id}: 413"),
            PostOutcome::Abort => format!("post {id}: abort"),
            PostOutcome::Refused(code) => format!("post {id}: code {}", code.as_u8()),
            other => panic!("{other:?}"),
        },
        Transmit::WebSocketMessage(WebSocketMessage::Text(text)) => format!("ws {text}"),
        Transmit::WebSocketMessage(WebSocketMessage::Binary(data)) => {
            format!("ws {:x?}", &data[..])
        }
        Transmit::CloseWebSocket => "ws close".to_owned(),
        Transmit::StreamData { id: RequestId(id), data } => {
            format!("sse {id} {}", events_line(data))
        }
        Transmit::EndStream { id: RequestId(id) } => format!("sse {id} end"),
        other => panic!("{other:?}"),
    }
}

/// Events as `#7 4hello`, the comment at the start as `opening`, others as `comment`.
fn events_line(data: &Bytes) -> String {
    if *data == event_stream::OPENING_COMMENT {
        return "opening".to_owned();
    } else if *data == event_stream::COMMENT {
        return "comment".to_owned();
    }
    let text = str::from_utf8(data).expect("a stream is text");
    let (id, text) = text.strip_prefix("id: ").expect("a number").split_once('\n').expect("a line");
    let text = text.strip_prefix("data: ").expect("data").strip_suffix("\n\n").expect("an end");
    format!("#{id} {}", text.replace("\ndata: ", "\\n"))
}

fn event_line(event: &Event) -> String {
    match event {
        Event::Opened => "opened".to_owned(),
        Event::Message(Message::Text(text)) => format!("text {text}"),
        Event::Message(Message::Binary(data)) => format!("binary {:x?}", &data[..]),
        Event::Upgraded => "upgraded".to_owned(),
        Event::Closed(reason) => format!("closed: {}", reason.as_str()),
        other => panic!("{other:?}"),
    }
}
