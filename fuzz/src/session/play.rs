use std::time::{Duration, Instant};

use bytes::Buf;
use spola_websocket::{
    CloseCode, CloseReason, Connection, Event, Kind, Message, Part, Prepared, SendError, Violation,
};

use super::{
    Payload, Role, Session, Step,
    chunks::Chunks,
    trace::{Heard, Moment, Said, Sent, Trace},
    written,
};

/// How the input of a step reaches the connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Delivery {
    Whole,
    /// So many bytes at a time.
    Pieces(usize),
    /// So many bytes at a time, read in chunks.
    Chunks(usize),
    /// So many bytes at a time, read in chunks at every other step.
    Mixed(usize),
}

/// A large payload comes in at most about so many pieces, so that scripts stay quick.
pub(super) const PIECES: usize = 300;

/// More than all answers that may wait in the output at once take: pongs, the Close frame.
const ANSWERS: usize = 18 * 131;

pub(super) fn play(session: &Session, role: Role, delivery: Delivery) -> Trace {
    let mut player = Player::new(session, role, delivery);
    let mut moments: Vec<_> = session.steps.iter().map(|step| player.step(step)).collect();
    player.connection.handle_eof(player.now);
    player.poll(&mut []);
    moments.push(player.moment());
    player.write(usize::MAX);
    assert_eq!(player.connection.buffered_amount(), 0);
    let reason = player.closed.unwrap_or_else(|| panic!("no end"));
    written::check(session, role, &player.written, &player.said, &reason);
    // Which of the two a broken message shows first depends on the pieces; both are 1007.
    let inflate = CloseReason::Violation(Violation::Inflate);
    let reason =
        if reason == inflate { CloseReason::Violation(Violation::InvalidUtf8) } else { reason };
    Trace { moments, written: player.written, reason }
}

/// A connection for `role`, and the moment it begins.
pub(super) fn open(session: &Session, role: Role) -> (Connection, Instant) {
    let config = session.limits.config();
    let connection = match role {
        Role::Server => Connection::server(config),
        Role::Client => {
            let mut state = 0_u8;
            Connection::client(config, move |buf: &mut [u8]| {
                state = state.wrapping_mul(5).wrapping_add(113);
                buf.fill(state);
            })
        }
    };
    let connection = match session.compression.agreement(role) {
        Some(agreement) => connection.with_deflate(&agreement),
        None => connection,
    };
    (connection, now())
}

fn now() -> Instant {
    Instant::now()
}

struct Player {
    connection: Connection,
    role: Role,
    delivery: Delivery,
    /// Whether silence changes when the timer is due.
    keeps_alive: bool,
    start: Instant,
    now: Instant,
    steps: usize,
    chunks: Chunks,
    heard: Vec<Heard>,
    closed: Option<CloseReason>,
    said: Vec<Said>,
    written: Vec<u8>,
    fragment_size: usize,
    /// The most that what was said can take of the output since it was last empty.
    owed: usize,
    scratch: Vec<u8>,
}

impl Player {
    fn new(session: &Session, role: Role, delivery: Delivery) -> Self {
        let (connection, start) = open(session, role);
        Self {
            connection,
            role,
            delivery,
            keeps_alive: session.limits.keeps_alive(),
            start,
            now: start,
            steps: 0,
            chunks: Chunks::default(),
            heard: Vec::new(),
            closed: None,
            said: Vec::new(),
            written: Vec::new(),
            fragment_size: session.limits.fragment_size(),
            owed: 0,
            scratch: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step) -> Moment {
        self.steps += 1;
        match step {
            Step::Frame(frame) => self.receive(frame.wire(self.role)),
            Step::Bytes(payload) => self.receive(payload.to_vec()),
            Step::Wait(hundredths) => self.wait(Duration::from_millis(u64::from(*hundredths) * 10)),
            Step::EarlyTimeout => self.early_timeout(),
            Step::Write(len) => self.write(usize::from(*len)),
            Step::Flush => self.write(usize::MAX),
            Step::Lend(true) => self.connection.output().lend(&mut self.scratch),
            Step::Lend(false) => self.connection.output().reclaim(&mut self.scratch),
            Step::Eof => {
                self.connection.handle_eof(self.now);
                self.poll(&mut []);
            }
            Step::Text(payload) => self.text(payload),
            Step::Binary(how, payload) => self.binary(*how, payload),
            Step::Fragment(how, payload) => self.fragment(*how, payload),
            Step::Ping(payload) => self.ping(payload),
            Step::Close(code, reason) => self.close(*code, reason),
            Step::CloseWithoutStatus => self.close_without_status(),
        }
        self.moment()
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        if self.connection.poll_timeout().is_some_and(|due| due <= self.now) {
            self.connection.handle_timeout(self.now);
            self.poll(&mut []);
            let next = self.connection.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "the timer spins");
        }
    }

    fn early_timeout(&mut self) {
        let due = self.connection.poll_timeout();
        if due.is_none_or(|due| due > self.now) {
            self.connection.handle_timeout(self.now);
            self.poll(&mut []);
            assert_eq!(self.heard, [], "an early timeout was heard");
            let next = self.connection.poll_timeout();
            // A message that was begun in chunks has its time from when it is wanted whole.
            let changed = matches!(self.delivery, Delivery::Mixed(_)) && due.is_none();
            assert!(next == due || self.keeps_alive || changed, "{next:?} after {due:?}");
        }
    }

    fn moment(&mut self) -> Moment {
        let buffered = self.connection.buffered_amount();
        if buffered == 0 {
            self.owed = 0;
        }
        assert!(buffered <= self.owed + ANSWERS, "{buffered} bytes for {} owed", self.owed);
        let timeout = self.connection.poll_timeout();
        assert_eq!(self.closed.is_some(), self.connection.is_closed());
        assert!(timeout.is_none() || !self.connection.is_closed(), "a timer after the end");
        Moment {
            heard: std::mem::take(&mut self.heard),
            buffered,
            timeout: timeout.map(|timeout| timeout.saturating_duration_since(self.start)),
        }
    }

    fn receive(&mut self, mut wire: Vec<u8>) {
        let size = match self.delivery {
            Delivery::Whole => usize::MAX,
            Delivery::Pieces(size) | Delivery::Chunks(size) | Delivery::Mixed(size) => size,
        };
        let size = size.max(wire.len() / PIECES);
        wire.chunks_mut(size).for_each(|piece| self.poll(piece));
    }

    /// Takes all events there are.
    fn poll(&mut self, input: &mut [u8]) {
        let in_chunks = match self.delivery {
            Delivery::Whole | Delivery::Pieces(_) => false,
            Delivery::Chunks(_) => true,
            Delivery::Mixed(_) => self.steps.is_multiple_of(2),
        };
        if in_chunks {
            self.poll_chunks(input);
        } else {
            self.chunks.skip();
            self.poll_events(input);
        }
    }

    fn poll_chunks(&mut self, mut input: &mut [u8]) {
        let read = input.len();
        while let Some(event) = self.connection.poll_chunk(self.now, &mut input) {
            assert_eq!(self.closed, None, "an event after the last");
            let (heard, closed) = self.chunks.add(event, read);
            self.heard.extend(heard);
            self.closed = closed;
        }
        assert!(input.is_empty(), "input left over");
    }

    fn poll_events(&mut self, mut input: &mut [u8]) {
        while let Some(event) = self.connection.poll_event(self.now, &mut input) {
            assert_eq!(self.closed, None, "an event after the last");
            self.heard.push(match event {
                Event::Text(text) => Heard::Text(text.to_string()),
                Event::Binary(payload) => Heard::Binary(payload.to_vec()),
                Event::Pong(payload) => Heard::Pong(payload.to_vec()),
                Event::Closed(reason) => {
                    self.closed = Some(reason);
                    Heard::Closed
                }
            });
        }
        assert!(input.is_empty(), "input left over");
    }

    fn write(&mut self, mut len: usize) {
        while len > 0 && self.connection.output().has_remaining() {
            let output = self.connection.output();
            let chunk = output.chunk();
            let step = chunk.len().min(len);
            assert!(step > 0, "an empty chunk in front of others");
            self.written.extend_from_slice(&chunk[..step]);
            output.advance(step);
            len -= step;
        }
    }

    fn text(&mut self, payload: &Payload) {
        let text = String::from_utf8_lossy(&payload.to_vec()).into_owned();
        let result = self.connection.send_text(&text);
        self.message(result, Kind::Text, text.into_bytes());
    }

    fn binary(&mut self, how: u8, payload: &Payload) {
        let payload = payload.to_vec();
        let message = Message::from(payload.clone());
        let result = match how % 3 {
            0 => self.connection.send_binary(&payload),
            1 => self.connection.send(message),
            _ => self.connection.send_prepared(&Prepared::new(&message)),
        };
        self.message(result, Kind::Binary, payload);
    }

    fn message(&mut self, result: Result<(), SendError>, kind: Kind, payload: Vec<u8>) {
        if self.connection.can_send() && self.unfinished().is_some() {
            assert_eq!(result, Err(SendError::Fragmented));
        } else {
            self.say(result, Said::Message(Sent { kind, payload }));
        }
    }

    /// The message that was not ended.
    fn unfinished(&self) -> Option<&Sent> {
        self.said.iter().find_map(|said| match said {
            Said::Unfinished(sent) => Some(sent),
            Said::Message(_) | Said::Ping(_) | Said::Close(_) => None,
        })
    }

    fn fragment(&mut self, how: u8, payload: &Payload) {
        let kind = if how & 1 == 0 { Kind::Binary } else { Kind::Text };
        let part = if how & 2 == 0 { Part::More } else { Part::Last };
        let fragment = payload.to_vec();
        let result = self.connection.send_fragment(kind, &fragment, part);
        let begun = self.unfinished();
        let payload = [begun.map_or(&[][..], |sent| &sent.payload), &fragment].concat();
        let expected = if !self.connection.can_send() {
            Err(SendError::Closed)
        } else if begun.is_some_and(|sent| sent.kind != kind) {
            Err(SendError::Fragmented)
        } else if kind == Kind::Text && !may_be_text(&payload, part) {
            Err(SendError::InvalidUtf8)
        } else {
            Ok(())
        };
        assert_eq!(result, expected);
        if result.is_ok() {
            self.owe(fragment.len());
            self.said.retain(|said| !matches!(said, Said::Unfinished(_)));
            let sent = Sent { kind, payload };
            self.said.push(match part {
                Part::More => Said::Unfinished(sent),
                Part::Last => Said::Message(sent),
            });
        }
    }

    fn ping(&mut self, payload: &Payload) {
        let payload = payload.to_vec();
        let result = self.connection.ping(&payload);
        if payload.len() > 125 && self.connection.can_send() {
            assert_eq!(result, Err(SendError::ControlTooLong));
        } else {
            self.say(result, Said::Ping(payload));
        }
    }

    fn close(&mut self, code: u16, reason: &Payload) {
        let could = self.connection.can_send();
        let reason = String::from_utf8_lossy(&reason.to_vec()).into_owned();
        let sendable = CloseCode::new(code);
        let code = sendable.unwrap_or(CloseCode::ABNORMAL);
        let result = self.connection.close(self.now, code, &reason);
        if sendable.is_none() {
            assert_eq!(result, Err(SendError::InvalidCloseCode));
        } else if reason.len() > 123 {
            assert_eq!(result, Err(SendError::ControlTooLong));
        } else {
            let body = [&code.get().to_be_bytes(), reason.as_bytes()].concat();
            return self.said_close(could, result, body);
        }
        assert_eq!(self.connection.can_send(), could, "a refused command changed something");
    }

    fn close_without_status(&mut self) {
        let could = self.connection.can_send();
        let result = self.connection.close_without_status(self.now);
        self.said_close(could, result, Vec::new());
    }

    fn said_close(&mut self, could: bool, result: Result<(), SendError>, body: Vec<u8>) {
        assert_eq!(result, if could { Ok(()) } else { Err(SendError::Closed) });
        assert!(!self.connection.can_send());
        if could {
            self.said.push(Said::Close(body));
        }
    }

    /// Notes what was said; it succeeds as long as nothing closed the connection.
    fn say(&mut self, result: Result<(), SendError>, said: Said) {
        let can_send = self.connection.can_send();
        assert_eq!(result, if can_send { Ok(()) } else { Err(SendError::Closed) });
        if can_send {
            self.owe(match &said {
                Said::Message(sent) | Said::Unfinished(sent) => sent.payload.len(),
                Said::Ping(payload) | Said::Close(payload) => payload.len(),
            });
            self.said.push(said);
        }
    }

    fn owe(&mut self, len: usize) {
        // What does not compress grows by little.
        let len = len + len / 100 + 20;
        self.owed += len + 14 * (1 + len / self.fragment_size);
    }
}

/// Whether text, of which `part` was the latest, can begin or be so.
fn may_be_text(bytes: &[u8], part: Part) -> bool {
    std::str::from_utf8(bytes)
        .err()
        .is_none_or(|error| part == Part::More && error.error_len().is_none())
}
