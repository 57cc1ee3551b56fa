use std::time::{Duration, Instant};

use bytes::{Buf, BufMut};
use spola_websocket::{CloseCode, CloseReason, Connection, Event, Message, Prepared, SendError};

use super::{Payload, Role, Session, Step, written};

/// How the input of a step reaches the connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Delivery {
    Whole,
    /// So many bytes at a time.
    Pieces(usize),
    /// Through [`Connection::large_read`] where it is offered.
    Straight,
}

/// What a script came to; the same for every delivery.
#[derive(Debug, PartialEq)]
pub(super) struct Trace {
    moments: Vec<Moment>,
    written: Vec<u8>,
}

/// What there was to see after a step.
#[derive(Debug, PartialEq)]
struct Moment {
    heard: Vec<Heard>,
    buffered: usize,
    /// From the start.
    timeout: Option<Duration>,
}

#[derive(Debug, PartialEq)]
enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    Closed,
}

/// What the application has sent, with success.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Close(Vec<u8>),
}

/// More than all answers that may wait in the output at once take: pongs, the Close frame.
const ANSWERS: usize = 18 * 131;

pub(super) fn play(session: &Session, role: Role, delivery: Delivery) -> Trace {
    let mut player = Player::new(session, role);
    let mut moments: Vec<_> =
        session.steps.iter().map(|step| player.step(step, delivery)).collect();
    player.connection.handle_eof(player.now);
    player.poll(&mut []);
    moments.push(player.moment());
    player.write(usize::MAX);
    let reason = player.closed.as_ref().unwrap_or_else(|| panic!("no end"));
    written::check(role, &player.written, &player.said, reason);
    Trace { moments, written: player.written }
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
    (connection, now())
}

fn now() -> Instant {
    Instant::now()
}

struct Player {
    connection: Connection,
    role: Role,
    start: Instant,
    now: Instant,
    heard: Vec<Heard>,
    closed: Option<CloseReason>,
    said: Vec<Said>,
    written: Vec<u8>,
    /// The most that what was said can take of the output since it was last empty.
    owed: usize,
    scratch: Vec<u8>,
}

impl Player {
    fn new(session: &Session, role: Role) -> Self {
        let (connection, start) = open(session, role);
        Self {
            connection,
            role,
            start,
            now: start,
            heard: Vec::new(),
            closed: None,
            said: Vec::new(),
            written: Vec::new(),
            owed: 0,
            scratch: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step, delivery: Delivery) -> Moment {
        match step {
            Step::Frame(frame) => self.receive(frame.wire(self.role), delivery),
            Step::Bytes(payload) => self.receive(payload.to_vec(), delivery),
            Step::Wait(hundredths) => {
                self.now += Duration::from_millis(u64::from(*hundredths) * 10);
                if self.connection.poll_timeout().is_some_and(|due| due <= self.now) {
                    self.connection.handle_timeout(self.now);
                    self.poll(&mut []);
                    let next = self.connection.poll_timeout();
                    assert!(next.is_none_or(|next| next > self.now), "the timer spins");
                }
            }
            Step::EarlyTimeout => {
                let due = self.connection.poll_timeout();
                if due.is_none_or(|due| due > self.now) {
                    self.connection.handle_timeout(self.now);
                    self.poll(&mut []);
                    assert_eq!(self.connection.poll_timeout(), due);
                    assert_eq!(self.heard, [], "an early timeout was heard");
                }
            }
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
            Step::Ping(payload) => self.ping(payload),
            Step::Close(code, reason) => self.close(*code, reason),
            Step::CloseWithoutStatus => self.close_without_status(),
        }
        self.moment()
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

    fn receive(&mut self, mut wire: Vec<u8>, delivery: Delivery) {
        match delivery {
            Delivery::Whole => self.poll(&mut wire),
            Delivery::Pieces(size) => wire.chunks_mut(size).for_each(|piece| self.poll(piece)),
            Delivery::Straight => {
                let mut rest = &mut wire[..];
                while !rest.is_empty() {
                    let len = read_straight(&mut self.connection, rest);
                    let (direct, after) = rest.split_at_mut(len);
                    let len = if direct.is_empty() { after.len().min(17_000) } else { 0 };
                    let (piece, after) = after.split_at_mut(len);
                    self.poll(piece);
                    rest = after;
                }
            }
        }
    }

    /// Takes all events there are.
    fn poll(&mut self, mut input: &mut [u8]) {
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
        self.say(result, Said::Text(text.into_bytes()));
    }

    fn binary(&mut self, how: u8, payload: &Payload) {
        let payload = payload.to_vec();
        let message = Message::from(payload.clone());
        let result = match how % 3 {
            0 => self.connection.send_binary(&payload),
            1 => self.connection.send(message),
            _ => self.connection.send_prepared(&Prepared::new(&message)),
        };
        self.say(result, Said::Binary(payload));
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
            let (Said::Text(bytes) | Said::Binary(bytes) | Said::Ping(bytes) | Said::Close(bytes)) =
                &said;
            self.owed += bytes.len() + 14 * (1 + bytes.len() / 4096);
            self.said.push(said);
        }
    }
}

/// Copies as much of `wire` into the connection's own buffer as it has room for.
pub(super) fn read_straight(connection: &mut Connection, wire: &[u8]) -> usize {
    let Some(mut buffer) = connection.large_read() else {
        return 0;
    };
    let len = buffer.remaining_mut().min(wire.len());
    assert!(buffer.remaining_mut() > 0, "no room in a large read");
    buffer.put_slice(&wire[..len]);
    len
}
