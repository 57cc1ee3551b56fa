//! A server's whole work on an echo, without a kernel: each library's loop over frames in memory.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use bytes::Buf as _;
use clap::{Args, ValueEnum};
use fastwebsockets::FragmentCollector;
use spola_tokio::websocket::WebSocket;
use spola_websocket::{Config, Connection, Event};
use tokio_tungstenite::tungstenite;

use super::case::Case;
use super::wire::{Wire, Written};
use crate::Failure;
use crate::frames;
use crate::servers::{fastwebsockets as fast, sockudo, spola, tokio_websockets, yawc};

#[derive(Args)]
pub(crate) struct Options {
    library: Library,
    /// What to echo.
    case: Case,
    /// How many messages.
    messages: usize,
}

/// Runs one echo, for tools that look at this process.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    Echo::new(options.case).run(options.library, options.messages)?;
    Ok(())
}

/// Who echoes in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Library {
    /// Spola's machine on bytes that were read already, in place.
    SpolaWebsocket,
    /// Spola's driver on the stream.
    SpolaTokio,
    Fastwebsockets,
    TokioWebsockets,
    Yawc,
    Sockudo,
    /// tungstenite, which does not wait, on the stream.
    Tungstenite,
}

impl Library {
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The crate it is, as locked.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::SpolaWebsocket => "spola-websocket",
            Self::SpolaTokio => "spola-tokio",
            Self::Fastwebsockets => "fastwebsockets",
            Self::TokioWebsockets => "tokio-websockets",
            Self::Yawc => "yawc",
            Self::Sockudo => "sockudo-ws",
            Self::Tungstenite => "tungstenite",
        }
    }
}

/// The bytes of a case.
pub(crate) struct Echo {
    image: Vec<u8>,
    /// Messages and bytes of answers for each image.
    count: usize,
    answers: usize,
    expected: Vec<u8>,
}

impl Echo {
    pub(crate) fn new(case: Case) -> Self {
        let messages = case.messages();
        let expected = frames::from_server(case.kind, &messages).concat();
        Self {
            image: frames::from_client(case.kind, &messages).concat(),
            count: messages.len(),
            answers: expected.len(),
            expected,
        }
    }

    /// Messages that come with one read.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Lets a library answer `messages`, rounded up to whole images.
    ///
    /// # Errors
    /// If it answers with another number of bytes.
    pub(crate) fn run(&self, library: Library, messages: usize) -> Result<(), Failure> {
        let images = messages.div_ceil(self.count);
        let mut written = 0;
        if library == Library::SpolaWebsocket {
            written = self.in_place(images)?;
        } else {
            self.on_stream(library, images, Written::Counted(&mut written))?;
        }
        if written == images * self.answers {
            Ok(())
        } else {
            let expected = images * self.answers;
            Err(format!("{}: {written} bytes of {expected}", library.name()).into())
        }
    }

    /// Compares a library's answers byte by byte.
    ///
    /// # Errors
    /// If they are not what they must be.
    pub(crate) fn check(&self, library: Library) -> Result<(), Failure> {
        let mut written = Vec::new();
        if library == Library::SpolaWebsocket {
            let mut connection = connection();
            let (mut input, mut scratch) = (self.image.clone(), Vec::new());
            self.turn(Instant::now(), &mut connection, &mut input, &mut scratch, |bytes| {
                written.extend_from_slice(bytes);
            })?;
        } else {
            self.on_stream(library, 1, Written::Kept(&mut written))?;
        }
        if written == self.expected {
            Ok(())
        } else {
            Err(format!("{} answers something else", library.name()).into())
        }
    }

    /// The machine unmasks the buffer in place, and is given it again: no copy stands for a read.
    /// The frames' keys are such that the text stays one.
    fn in_place(&self, images: usize) -> Result<usize, Failure> {
        let mut connection = connection();
        let (mut input, mut scratch) = (self.image.clone(), Vec::new());
        let (now, mut written) = (Instant::now(), 0);
        for _ in 0..images {
            self.turn(now, &mut connection, &mut input, &mut scratch, |bytes| {
                written += black_box(bytes).len();
            })?;
        }
        Ok(written)
    }

    /// One read, and the write of all its answers, with a thread's buffers lent as a driver would.
    fn turn(
        &self,
        now: Instant,
        connection: &mut Connection,
        input: &mut [u8],
        scratch: &mut Vec<u8>,
        mut write: impl FnMut(&[u8]),
    ) -> Result<(), Failure> {
        let mut input = black_box(input);
        connection.output().lend(scratch);
        while let Some(event) = connection.poll_event(now, &mut input) {
            match event {
                Event::Text(text) => connection.send_text(&text)?,
                Event::Binary(payload) => connection.send_binary(&payload)?,
                Event::Pong(_) => {}
                Event::Closed(reason) => return Err(format!("closed: {reason}").into()),
            }
        }
        let output = connection.output();
        while output.has_remaining() {
            let chunk = output.chunk();
            write(chunk);
            let len = chunk.len();
            output.advance(len);
        }
        output.reclaim(scratch);
        Ok(())
    }

    /// The stream's end ends the loop; that is an error to some libraries, and none here.
    fn on_stream(
        &self,
        library: Library,
        images: usize,
        written: Written<'_>,
    ) -> Result<(), Failure> {
        let len = images * self.image.len();
        let wire = Wire::new(&self.image, len, written);
        if library == Library::Tungstenite {
            return ended(echo_tungstenite(wire));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        runtime.block_on(async {
            match library {
                Library::SpolaTokio => {
                    let socket = WebSocket::server(wire, Config::default(), Vec::new());
                    ended(spola::echo(socket).await)
                }
                Library::Fastwebsockets => {
                    let role = fastwebsockets::Role::Server;
                    let socket = fastwebsockets::WebSocket::after_handshake(wire, role);
                    ended(fast::echo_each(FragmentCollector::new(socket)).await)
                }
                Library::TokioWebsockets => {
                    let socket = ::tokio_websockets::ServerBuilder::new().serve(wire);
                    ended(tokio_websockets::echo_each(socket).await)
                }
                Library::Yawc => {
                    let options = ::yawc::Options::default().with_utf8();
                    let role = ::yawc::Role::Server;
                    let socket = ::yawc::WebSocket::from_stream(wire, role, options)?;
                    ended(yawc::echo_each(socket).await)
                }
                Library::Sockudo => {
                    let config = sockudo_ws::Config::default();
                    let socket = sockudo_ws::WebSocketStream::server(wire, config);
                    ended(sockudo::echo_each(socket).await)
                }
                // Without a stream, and without waiting: not here.
                Library::SpolaWebsocket | Library::Tungstenite => Ok(()),
            }
        })
    }
}

fn connection() -> Connection {
    Connection::server(Config::default())
}

/// The loop ended, as it does when the stream does. Whether all was answered, the bytes tell.
fn ended<E: Error>(_outcome: Result<(), E>) -> Result<(), Failure> {
    Ok(())
}

fn echo_tungstenite(wire: Wire<'_>) -> Result<(), tungstenite::Error> {
    let role = tungstenite::protocol::Role::Server;
    let mut socket = tungstenite::WebSocket::from_raw_socket(wire, role, None);
    loop {
        let message = socket.read()?;
        if message.is_text() || message.is_binary() {
            socket.send(message)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_answers_every_case() {
        for case in Case::all() {
            let echo = Echo::new(case);
            for &library in Library::value_variants() {
                echo.check(library).unwrap_or_else(|error| panic!("{case}: {error}"));
                echo.run(library, 100).unwrap_or_else(|error| panic!("{case}: {error}"));
            }
        }
    }

    #[test]
    fn another_answer_is_noticed() {
        let mut echo = Echo::new("text-125-one".parse().unwrap());
        echo.expected[100] ^= 1;
        for &library in Library::value_variants() {
            assert!(echo.check(library).is_err(), "{}", library.name());
        }
    }
}
