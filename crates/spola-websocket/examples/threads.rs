//! WebSocket over `std::net`: blocking sockets, a thread for each connection, no async at all.
//!
//! ```sh
//! cargo run -p spola-websocket --example threads -- serve 9001
//! cargo run -p spola-websocket --example threads -- say 127.0.0.1:9001 hello again
//! ```
//!
//! The state machine has no clock: this program reads it, and lets each read block no longer than
//! until the machine's next deadline.

// This is a driver: it may have sockets, threads and clocks.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::error::Error;
use std::io::{self, ErrorKind, IoSlice, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Buf as _;
use spola_websocket::handshake::client::Request;
use spola_websocket::handshake::server::RequestReader;
use spola_websocket::{CloseCode, CloseReason, Config, Connection, Event, Message};

/// Time for the other side's head to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a peer that takes nothing is waited for.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for the peer to end its side after we ended ours.
const LINGER: Duration = Duration::from_secs(2);
/// What a read may bring; heads must fit.
const BUFFER_LEN: usize = 32 * 1024;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", port] => serve(port.parse()?),
        ["say", host, messages @ ..] => say(host, messages),
        _ => Err("usage: threads serve PORT | threads say HOST:PORT MESSAGE..".into()),
    }
}

/// Echoes everything, to anyone.
fn serve(port: u16) -> Result<(), Failure> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || {
            if let Err(error) = echo(stream) {
                eprintln!("{error}");
            }
        });
    }
    Ok(())
}

fn echo(stream: TcpStream) -> Result<(), Failure> {
    let mut socket = WebSocket::accept(stream, Config::default())?;
    while let Some(message) = socket.recv()? {
        // Written by the `recv` that finds nothing more: answers leave together.
        socket.connection.send(message)?;
    }
    Ok(())
}

/// Sends each message and prints what comes back for it.
fn say(host: &str, messages: &[&str]) -> Result<(), Failure> {
    let mut socket = WebSocket::connect(host, "/", Config::default())?;
    for &message in messages {
        socket.connection.send_text(message)?;
        match socket.recv()? {
            Some(Message::Text(text)) => println!("{text}"),
            Some(Message::Binary(bytes)) => println!("{} bytes", bytes.len()),
            None => return Err("the server closed the connection".into()),
        }
    }
    socket.connection.close(Instant::now(), CloseCode::NORMAL, "")?;
    while socket.recv()?.is_some() {}
    Ok(())
}

/// A machine and what it has no part in: a socket, a buffer, the time.
struct WebSocket {
    stream: TcpStream,
    connection: Connection,
    buffer: Vec<u8>,
    /// Of the buffer, what the machine has not taken yet.
    unread: Range<usize>,
}

impl WebSocket {
    /// Answers a client's upgrade request.
    fn accept(stream: TcpStream, config: Config) -> Result<Self, Failure> {
        let mut reader = RequestReader::new();
        let mut head = Head::new(stream)?;
        loop {
            match reader.read(head.read()?) {
                Ok(None) => {}
                Ok(Some(request)) => {
                    let head_len = request.head_len;
                    let response = request.upgrade.accept().to_bytes();
                    head.stream.write_all(&response)?;
                    return Ok(head.followed_by(Connection::server(config), head_len));
                }
                Err(rejection) => {
                    head.stream.write_all(&rejection.to_bytes())?;
                    return Err(rejection.into());
                }
            }
        }
    }

    /// Asks a server for an upgrade.
    fn connect(host: &str, target: &str, config: Config) -> Result<Self, Failure> {
        let (request, mut handshake) = Request::new(host, target)?.start(&mut random);
        let mut head = Head::new(TcpStream::connect(host)?)?;
        head.stream.write_all(&request)?;
        loop {
            if let Some(response) = handshake.read(head.read()?)? {
                let head_len = response.head_len;
                return Ok(head.followed_by(Connection::client(config, random), head_len));
            }
        }
    }

    /// The next message, after writing all that was sent; `None` once the connection is closed.
    fn recv(&mut self) -> Result<Option<Message>, Failure> {
        loop {
            let mut input = self.buffer.get_mut(self.unread.clone()).unwrap_or_default();
            let event = self.connection.poll_event(Instant::now(), &mut input);
            self.unread.start = self.unread.end - input.len();
            match event {
                Some(Event::Text(text)) => return Ok(Some(text.into())),
                Some(Event::Binary(payload)) => return Ok(Some(payload.into())),
                Some(Event::Pong(_)) => {}
                Some(Event::Closed(CloseReason::Peer(_) | CloseReason::Local(_))) => {
                    self.hang_up()?;
                    return Ok(None);
                }
                Some(Event::Closed(reason)) => {
                    self.hang_up()?;
                    return Err(reason.to_string().into());
                }
                None => {
                    self.write()?;
                    self.read()?;
                }
            }
        }
    }

    /// Writes all there is, as many pieces at once as the system takes.
    fn write(&mut self) -> io::Result<()> {
        loop {
            let output = self.connection.output();
            let mut slices = [IoSlice::new(&[]); 16];
            let count = output.chunks_vectored(&mut slices);
            if count == 0 {
                return Ok(());
            }
            match self.stream.write_vectored(&slices[..count]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => output.advance(written),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for input, but no longer than until the machine's next deadline.
    fn read(&mut self) -> io::Result<()> {
        let deadline = self.connection.poll_timeout();
        let wait = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        // Zero would mean "for ever".
        self.stream.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
        match self.stream.read(&mut self.buffer) {
            Ok(0) => self.connection.handle_eof(Instant::now()),
            Ok(read) => self.unread = 0..read,
            Err(error) if is_timeout(&error) => self.connection.handle_timeout(Instant::now()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // How many peers hang up. The machine knows whether the closing handshake was over.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                self.connection.handle_eof(Instant::now());
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Writes what is left and ends our side, then waits for the peer to end its own: to close with
    /// unread input would make the system send a reset, and our Close frame might be lost.
    fn hang_up(&mut self) -> io::Result<()> {
        self.write()?;
        // The peer may be gone altogether, which is no concern any more.
        let _ = self.stream.shutdown(Shutdown::Write);
        self.stream.set_read_timeout(Some(LINGER))?;
        let end = Instant::now() + LINGER;
        while Instant::now() < end && matches!(self.stream.read(&mut self.buffer), Ok(1..)) {}
        Ok(())
    }
}

/// A stream before its first frame, and how much of the other side's head has come.
struct Head {
    stream: TcpStream,
    buffer: Vec<u8>,
    len: usize,
    deadline: Instant,
}

impl Head {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        let deadline = Instant::now() + HEAD_TIMEOUT;
        Ok(Self { stream, buffer: vec![0; BUFFER_LEN], len: 0, deadline })
    }

    /// All that has arrived, after waiting for more. The machine refuses a head before it could
    /// fill the buffer.
    fn read(&mut self) -> io::Result<&[u8]> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        match self.stream.read(&mut self.buffer[self.len..])? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            read => {
                self.len += read;
                Ok(&self.buffer[..self.len])
            }
        }
    }

    /// The connection behind the head, with what came of it already.
    fn followed_by(self, connection: Connection, head_len: usize) -> WebSocket {
        let Self { stream, buffer, len, .. } = self;
        WebSocket { stream, connection, buffer, unread: head_len..len }
    }
}

/// A read that timed out: which of the two it is differs between systems.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Masking keys must not be guessed: they come from the operating system.
fn random(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the system has randomness");
}
