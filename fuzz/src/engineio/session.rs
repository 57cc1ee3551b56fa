//! A server's session under a list of requests, messages, commands and steps of time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use spola_engineio::{
    Config, Revision, Sid, Transport,
    packet::{EncodedMessage, WebSocketMessage},
    server::{
        BinaryMode, Dialect, Event, Opening, PollResponse, PostMark, RequestId, Session, Transmit,
        WebSocketEnd,
    },
};

use crate::socketio::{Message, messages};

const MAX_QUEUED: usize = 200;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Request {
    Get,
    Post,
    /// A GET that asks for an event stream whose next event has this number.
    Ask(u64),
    /// A GET that was answered by an event stream, whose next event has this number.
    Stream(u64),
    Answered,
    Gone,
}

/// A driver that checks what it is given.
struct Driver {
    session: Session,
    now: Instant,
    requests: BTreeMap<u64, Request>,
    websocket: bool,
    opened: bool,
    closed: bool,
}

/// The first byte sets the session up, and each message is a step: bytes are a WebSocket message, and so
/// is a text, unless it begins with `!` (a command), `>` (the body of a POST) or `<` (the mark and the
/// body of an event stream's POST). In the end the session is closed, once, no timer is left, every
/// request has its answer, and every event stream has its end.
pub fn check(bytes: &[u8]) {
    let (setup, rest) = crate::number(bytes);
    let mut driver = Driver::new(setup);
    driver.drain();
    for message in messages(rest) {
        driver.step(message);
        driver.drain();
        assert!(driver.session.buffered_amount() <= MAX_QUEUED);
    }
    driver.session.discard();
    driver.drain();
    for (id, request) in driver.requests.clone() {
        if request == Request::Post {
            driver.session.handle_post_aborted(RequestId(id));
            driver.requests.insert(id, Request::Gone);
        }
    }
    driver.drain();
    assert!(driver.closed, "not closed");
    let open = |request: &Request| matches!(request, Request::Answered | Request::Gone);
    assert!(driver.requests.values().all(open), "a GET hangs, or a stream does not end");
}

impl Driver {
    fn new(setup: usize) -> Self {
        let mut config = Config::default();
        config.max_payload = 64;
        config.max_poll_response = 60;
        config.max_queued_bytes = MAX_QUEUED;
        config.max_queued_packets = 10;
        config.max_kept_bytes = 300;
        config.transports.sse = true;
        let revision = if setup & 2 == 0 { Revision::V4 } else { Revision::V3 };
        let binary = if setup & 4 == 0 { BinaryMode::Native } else { BinaryMode::Base64 };
        let jsonp = (setup & 8 != 0).then_some(7);
        let knows_sse = setup & 16 != 0;
        let dialect = Dialect { revision, binary, jsonp, knows_sse };
        let websocket = setup & 1 != 0;
        let (opening, dialect, request) = match setup {
            _ if websocket => (Opening::WebSocket, dialect, None),
            // Revision 3 knows no event streams.
            _ if setup & 32 != 0 => {
                (Opening::Sse(RequestId(0)), Dialect::default(), Some(Request::Ask(1)))
            }
            _ => (Opening::Polling(RequestId(0)), dialect, Some(Request::Get)),
        };
        let requests = request.map(|request| (0, request)).into_iter().collect();
        // The one look at a clock: where it starts does not matter.
        #[allow(clippy::disallowed_methods)]
        let now = Instant::now();
        let session = Session::new(Sid::from_bytes([7; 15]), opening, dialect, &config, now);
        Self { session, now, requests, websocket, opened: false, closed: false }
    }

    fn step(&mut self, message: Message) {
        let text = match message {
            Message::Binary(data) => return self.arrives(WebSocketMessage::Binary(data)),
            Message::Text(text) => text,
        };
        if let Some(body) = text.strip_prefix('>') {
            let id = self.request(Request::Post);
            self.session.handle_post_started(id, None);
            self.drain();
            self.session.handle_post(self.now, id, Bytes::copy_from_slice(body.as_bytes()));
        } else if let Some(post) = text.strip_prefix('<') {
            let number = post.bytes().next().unwrap_or_default();
            let id = self.stream_post(number);
            self.drain();
            let body = post.as_bytes().get(1..).unwrap_or_default();
            self.session.handle_post(self.now, id, Bytes::copy_from_slice(body));
        } else if let Some(command) = text.strip_prefix('!') {
            self.act(command);
        } else {
            self.arrives(WebSocketMessage::Text(text.into()));
        }
    }

    fn arrives(&mut self, message: WebSocketMessage) {
        if self.websocket {
            if let WebSocketMessage::Text(text) = &message
                && text.len().is_multiple_of(2)
            {
                self.session.handle_websocket_text(self.now, text);
            } else {
                self.session.handle_websocket_message(self.now, message);
            }
        }
    }

    fn request(&mut self, request: Request) -> RequestId {
        let id = self.requests.len() as u64;
        self.requests.insert(id, request);
        RequestId(id)
    }

    /// Starts a POST of an event stream's client. The mark's number is in three bits, what it
    /// acknowledges in four; zero is none.
    fn stream_post(&mut self, mark: u8) -> RequestId {
        let some = |number: u8| (number != 0).then(|| u64::from(number));
        let mark = PostMark { seq: some(mark & 7), ack: some(mark >> 3 & 15) };
        let id = self.request(Request::Post);
        self.session.handle_stream_post_started(id, None, mark);
        id
    }

    /// A letter and a number.
    fn act(&mut self, command: &str) {
        let mut bytes = command.bytes();
        let letter = bytes.next().unwrap_or_default();
        let number = u64::from(bytes.next().unwrap_or_default());
        let id = (self.requests.len() as u64).saturating_sub(1 + number % 4);
        match letter {
            b'g' => {
                let id = self.request(Request::Get);
                self.session.handle_poll(id);
            }
            b'p' => {
                let id = self.request(Request::Post);
                let binary = number & 1 == 1;
                let kind = binary.then_some(&b"application/octet-stream"[..]);
                self.session.handle_post_started(id, kind);
            }
            b'e' => {
                let last = number.checked_sub(1);
                // The stream of an upgrade is the session's first.
                let resumes = self.session.transport() == Transport::Sse;
                let heard = last.filter(|_| resumes).unwrap_or(0);
                let id = self.request(Request::Ask(heard + 1));
                self.session.handle_stream(self.now, id, last);
            }
            b'q' => drop(self.stream_post(number as u8)),
            b'a' => self.abort(id),
            b'l' if self.requests.get(&id) == Some(&Request::Post) => {
                self.session.handle_post_too_large(RequestId(id));
            }
            b'u' if !self.websocket => {
                let opened = self.session.handle_websocket_opened(self.now, BinaryMode::Native);
                self.websocket = opened.is_ok();
            }
            b'w' if self.websocket => {
                let failed = number & 1 == 1;
                let end = if failed { WebSocketEnd::Failed } else { WebSocketEnd::Closed };
                self.session.handle_websocket_closed(end);
                self.websocket = false;
            }
            b's' => {
                let text = "x".repeat(number as usize);
                let _ = self.session.send(EncodedMessage::text(&text));
            }
            b'b' => {
                let message = EncodedMessage::binary(vec![7; number as usize].into());
                let ahead = number & 1 == 1 && self.session.binary_mode() == BinaryMode::Base64;
                let _ = self.session.send(if ahead { message.into_text() } else { message });
            }
            b't' => {
                self.now += Duration::from_secs(number);
                self.session.handle_timeout(self.now);
            }
            b'm' => {
                self.now += Duration::from_millis(number);
                self.session.handle_timeout(self.now);
            }
            b'c' => self.session.close(self.now),
            b'd' => self.session.discard(),
            b'x' => self.session.abort(),
            _ => {}
        }
    }

    /// The client gives a request up.
    fn abort(&mut self, id: u64) {
        match self.requests.get(&id) {
            Some(Request::Get) => self.session.handle_poll_aborted(RequestId(id)),
            Some(Request::Post) => self.session.handle_post_aborted(RequestId(id)),
            Some(Request::Ask(_) | Request::Stream(_)) => {
                self.session.handle_stream_dropped(self.now, RequestId(id));
            }
            Some(Request::Answered | Request::Gone) | None => return,
        }
        self.requests.insert(id, Request::Gone);
    }

    fn drain(&mut self) {
        while let Some(event) = self.session.poll_event() {
            assert!(!self.closed, "{event:?} behind the end");
            assert_eq!(self.opened, event != Event::Opened, "Opened comes first, and once");
            self.opened = true;
            self.closed = matches!(event, Event::Closed(_));
        }
        while let Some(transmit) = self.session.poll_transmit() {
            match transmit {
                Transmit::PollResponse { id: RequestId(id), response: PollResponse::Stream } => {
                    let before = self.requests.get(&id).copied();
                    if let Some(Request::Ask(next)) = before {
                        self.requests.insert(id, Request::Stream(next));
                    } else {
                        assert!(before == Some(Request::Gone), "a stream for nobody");
                    }
                }
                Transmit::StreamData { id: RequestId(id), data } => self.streamed(id, &data),
                Transmit::EndStream { id: RequestId(id) } => {
                    let before = self.requests.insert(id, Request::Answered);
                    assert!(matches!(before, Some(Request::Stream(_) | Request::Gone)));
                }
                Transmit::PollResponse { id, response } => {
                    assert!(
                        !matches!(&response, PollResponse::Payload(payload) if payload.body.is_empty())
                    );
                    self.answered(id, Request::Get);
                }
                Transmit::PostResponse { id, .. } => self.answered(id, Request::Post),
                Transmit::WebSocketMessage(_) => assert!(self.websocket, "no WebSocket"),
                Transmit::CloseWebSocket => {
                    assert!(std::mem::take(&mut self.websocket), "no WebSocket to close");
                }
                other @ (Transmit::Uncompressed(_) | _) => panic!("{other:?}"),
            }
        }
        assert!(!self.closed || self.session.poll_timeout().is_none(), "a timer behind the end");
    }

    /// Whole events or comments, numbered without a gap.
    fn streamed(&mut self, id: u64, data: &[u8]) {
        let text = std::str::from_utf8(data).expect("a stream is text");
        let events = text.strip_suffix("\n\n").expect("events are whole").split("\n\n");
        let Some(Request::Stream(next)) = self.requests.get_mut(&id) else {
            return assert!(self.requests.get(&id) == Some(&Request::Gone), "data for no stream");
        };
        for event in events.filter(|event| !event.starts_with(':')) {
            let number = event.strip_prefix("id: ").and_then(|rest| rest.split_once('\n'));
            assert_eq!(number.map(|(number, _)| number), Some(&*next.to_string()));
            *next += 1;
        }
    }

    fn answered(&mut self, RequestId(id): RequestId, request: Request) {
        let before = self.requests.insert(id, Request::Answered);
        let asked = request == Request::Get && matches!(before, Some(Request::Ask(_)));
        let fits = asked || before == Some(request) || before == Some(Request::Gone);
        assert!(fits, "{id} answered twice");
    }
}
