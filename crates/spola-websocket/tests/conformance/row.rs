//! A row of a table, and how it is run.

use std::time::Duration;

use libtest_mimic::Trial;
use spola_websocket::{CloseFrame, CloseReason, Config, Connection, Message, Violation};
use tungstenite::protocol;

use crate::{
    common::{
        Clock, Got, binary, oracle,
        oracle::{End, Outcome, Received, Refusal},
        receive, sent, text,
    },
    wire::{self, own_frame},
};

/// What happens to a connection, and what must come of it.
pub(crate) struct Row {
    name: String,
    role: Role,
    config: Config,
    #[cfg(feature = "deflate")]
    agreement: Option<spola_websocket::deflate::Agreement>,
    input: Vec<Input>,
    output: Vec<u8>,
    events: Vec<Got>,
    end: CloseReason,
    tungstenite: Tungstenite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    Client,
}

enum Input {
    Bytes(Vec<u8>),
    Pause(Duration),
}

/// What tungstenite makes of the same bytes.
enum Tungstenite {
    Same,
    Differs(&'static str, Vec<Received>, End),
    /// It has nothing to compare with: no compression, no timers.
    Exempt,
}

impl Row {
    /// A server that is sent `input`.
    pub(crate) fn server(name: impl Into<String>, input: impl AsRef<[u8]>) -> Self {
        Self::new(name.into(), Role::Server, input.as_ref())
    }

    /// A client that is sent `input`.
    pub(crate) fn client(name: impl Into<String>, input: impl AsRef<[u8]>) -> Self {
        Self::new(name.into(), Role::Client, input.as_ref())
    }

    fn new(name: String, role: Role, input: &[u8]) -> Self {
        Self {
            name,
            role,
            config: Config::default(),
            #[cfg(feature = "deflate")]
            agreement: None,
            input: vec![Input::Bytes(input.to_vec())],
            output: Vec::new(),
            events: Vec::new(),
            end: CloseReason::Eof,
            tungstenite: Tungstenite::Same,
        }
    }

    /// Other limits than the default.
    pub(crate) fn limits(mut self, set: impl FnOnce(&mut Config)) -> Self {
        set(&mut self.config);
        self
    }

    /// Compression was agreed on.
    #[cfg(feature = "deflate")]
    pub(crate) fn compressed(mut self, agreement: spola_websocket::deflate::Agreement) -> Self {
        self.agreement = Some(agreement);
        self.tungstenite = Tungstenite::Exempt;
        self
    }

    /// Time passes, the timer with it, then `input` comes.
    pub(crate) fn after(mut self, pause: Duration, input: impl AsRef<[u8]>) -> Self {
        self.input.push(Input::Pause(pause));
        self.input.push(Input::Bytes(input.as_ref().to_vec()));
        self.tungstenite = Tungstenite::Exempt;
        self
    }

    /// A text is delivered.
    pub(crate) fn text(mut self, expected: &str) -> Self {
        self.events.push(text(expected));
        self
    }

    /// A binary message is delivered.
    pub(crate) fn binary(mut self, expected: &[u8]) -> Self {
        self.events.push(binary(expected));
        self
    }

    /// A pong is delivered.
    pub(crate) fn pong(mut self, expected: &[u8]) -> Self {
        self.events.push(Got::Pong(expected.to_vec()));
        self
    }

    /// These bytes go out; a client's with a masking key of zeros.
    pub(crate) fn writes(mut self, expected: impl AsRef<[u8]>) -> Self {
        self.output.extend_from_slice(expected.as_ref());
        self
    }

    /// The connection fails, and a Close frame with `code` goes out.
    pub(crate) fn refused(mut self, code: u16, violation: Violation) -> Self {
        let body = code.to_be_bytes();
        self.output.extend(own_frame(self.role, 0x88, &body));
        self.end = CloseReason::Violation(violation);
        self
    }

    /// The peer's Close frame is answered with its code, and ends the connection.
    pub(crate) fn closed(mut self, code: Option<u16>, reason: &str) -> Self {
        let body = code.map(u16::to_be_bytes);
        self.output.extend(own_frame(self.role, 0x88, body.as_ref().map_or(&[], |body| body)));
        let code = code.map(|code| spola_websocket::CloseCode::new(code).unwrap());
        self.end = CloseReason::Peer(CloseFrame { code, reason: reason.into() });
        self
    }

    /// tungstenite differs, and why.
    pub(crate) fn differs(mut self, why: &'static str, got: Vec<Received>, end: End) -> Self {
        self.tungstenite = Tungstenite::Differs(why, got, end);
        self
    }

    pub(crate) fn trial(self, table: &str) -> Trial {
        Trial::test(format!("{table}: {}", self.name), move || {
            let len = self.wire().len();
            for size in [usize::MAX, 1.max(len / 20_000), 7.max(len / 3)] {
                self.run(size).map_err(|error| format!("in pieces of {size}: {error}"))?;
            }
            Ok(self.compare()?)
        })
    }

    fn connection(&self) -> Connection {
        let config = self.config.clone();
        let connection = match self.role {
            Role::Server => Connection::server(config),
            Role::Client => {
                Connection::client(config, |buf: &mut [u8]| buf.copy_from_slice(&wire::KEY))
            }
        };
        #[cfg(feature = "deflate")]
        if let Some(agreement) = &self.agreement {
            return connection.with_deflate(agreement);
        }
        connection
    }

    fn wire(&self) -> Vec<u8> {
        let mut wire = Vec::new();
        for input in &self.input {
            match input {
                Input::Bytes(bytes) => wire.extend_from_slice(bytes),
                Input::Pause(_) => {}
            }
        }
        wire
    }

    /// Runs the row with the input cut into pieces of `size` bytes.
    fn run(&self, size: usize) -> Result<(), String> {
        let (mut clock, mut connection) = (Clock::new(), self.connection());
        let mut got = Vec::new();
        for input in &self.input {
            match input {
                Input::Bytes(bytes) => {
                    for piece in bytes.chunks(size) {
                        got.extend(receive(&mut connection, clock.now(), piece));
                    }
                }
                Input::Pause(pause) => {
                    let now = clock.advance(*pause);
                    if connection.poll_timeout().is_some_and(|due| due <= now) {
                        connection.handle_timeout(now);
                        got.extend(receive(&mut connection, now, &[]));
                    }
                }
            }
        }
        connection.handle_eof(clock.now());
        got.extend(receive(&mut connection, clock.now(), &[]));
        let mut expected = self.events.clone();
        expected.push(Got::Closed(self.end.clone()));
        expect("events", &shortened(&got), &shortened(&expected))?;
        expect("output", &Hex(&sent(&mut connection)), &Hex(&self.output))?;
        if got == expected { Ok(()) } else { Err("the messages differ".to_owned()) }
    }

    /// Runs the row against tungstenite.
    fn compare(&self) -> Result<(), String> {
        let role = match self.role {
            Role::Server => protocol::Role::Server,
            Role::Client => protocol::Role::Client,
        };
        let ours = || oracle::ours(self.connection(), Clock::new().now(), &self.wire());
        let theirs = || oracle::theirs(role, self.config.max_message_size, &self.wire());
        match &self.tungstenite {
            Tungstenite::Exempt => Ok(()),
            Tungstenite::Same => {
                let (ours, theirs) = (comparable(ours()), comparable(theirs()));
                if ours == theirs { Ok(()) } else { Err(difference(&ours, &theirs)) }
            }
            Tungstenite::Differs(why, got, end) => {
                let (ours, theirs) = (comparable(ours()), comparable(theirs()));
                let expected = Outcome { got: got.clone(), end: end.clone() };
                if ours == expected {
                    Err(format!("no difference, but the row says: {why}"))
                } else if theirs == expected {
                    Ok(())
                } else {
                    Err(format!("{}, although {why}", difference(&expected, &theirs)))
                }
            }
        }
    }
}

/// A refusal is compared by its code.
fn comparable(outcome: Outcome) -> Outcome {
    let end = match outcome.end {
        End::Refused(refusal) => refused(refusal.code()),
        end @ (End::Closed(..) | End::Eof) => end,
    };
    Outcome { end, ..outcome }
}

/// The end of a stream that was refused with this code.
pub(crate) fn refused(code: u16) -> End {
    End::Refused(Refusal::Theirs(code))
}

fn difference(expected: &Outcome, theirs: &Outcome) -> String {
    let shown = |outcome: &Outcome| format!("{outcome:?}").chars().take(300).collect::<String>();
    format!("expected of tungstenite {}, got {}", shown(expected), shown(theirs))
}

/// What makes a difference readable: messages by their first bytes and length.
fn shortened(got: &[Got]) -> Vec<String> {
    let one = |got: &Got| match got {
        Got::Message(Message::Text(text)) => {
            format!("text {:?} of {}", text.chars().take(20).collect::<String>(), text.len())
        }
        Got::Message(Message::Binary(bytes)) => {
            format!("binary {:x?} of {}", &bytes[..bytes.len().min(20)], bytes.len())
        }
        Got::Pong(payload) => format!("pong {payload:x?}"),
        Got::Closed(reason) => format!("closed {reason:?}"),
    };
    got.iter().map(one).collect()
}

#[derive(PartialEq)]
struct Hex<'a>(&'a [u8]);

impl std::fmt::Debug for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x?} of {}", &self.0[..self.0.len().min(200)], self.0.len())
    }
}

pub(crate) fn expect<T: PartialEq + std::fmt::Debug>(
    what: &str,
    got: &T,
    expected: &T,
) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("{what}: {got:?}\nexpected {expected:?}")) }
}
