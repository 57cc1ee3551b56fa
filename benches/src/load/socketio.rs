//! The beginning of a Socket.IO session over WebSocket, and its events.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::dial::{self, Protocol};
use crate::Failure;
use crate::frames::{self, Kind};

/// The longest head and packets that are read at the beginning.
const MAX_BEGINNING: usize = 8192;

/// An Engine.IO ping over WebSocket, which may come at any time. Runs are too short for it to be missed
/// that nobody answers.
pub(super) const PING: &[u8] = b"\x81\x012";

/// An event of the root namespace with one text, as a WebSocket message (a quote or a backslash would
/// need an escape; the texts have none).
pub(crate) fn events(event: &str, size: usize) -> Vec<Vec<u8>> {
    let event =
        |text: Vec<u8>| [b"42[\"", event.as_bytes(), b"\",\"", text.as_slice(), b"\"]"].concat();
    frames::messages(size).into_iter().map(event).collect()
}

/// Opens a session and joins the root namespace.
pub(super) fn open(address: SocketAddr) -> Result<TcpStream, Failure> {
    let mut stream = dial::connect(address)?;
    stream.write_all(dial::request(address, Protocol::SocketIo).as_bytes())?;
    let mut received = Vec::new();
    let head = loop {
        if let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
        read_more(&mut stream, &mut received)?;
    };
    dial::check_accepted(&String::from_utf8_lossy(received.get(..head).unwrap_or_default()))?;
    received.drain(..head);
    expect(&mut stream, &mut received, b"0{")?;
    let connect = frames::from_client(Kind::Text, &[b"40".to_vec()]);
    stream.write_all(&connect.concat())?;
    expect(&mut stream, &mut received, b"40{")?;
    match received.as_slice() {
        b"" | PING => Ok(stream),
        _ => Err("the server says more than it should".into()),
    }
}

/// Takes a text frame off the front, which must begin so.
fn expect(stream: &mut TcpStream, received: &mut Vec<u8>, start: &[u8]) -> Result<(), Failure> {
    loop {
        let (header, len) = match received.as_slice() {
            [0x81, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
            [0x81, len @ ..126, ..] => (2, usize::from(*len)),
            _ => (2, usize::MAX - 2),
        };
        if received.len() >= header + len {
            let frame: Vec<u8> = received.drain(..header + len).collect();
            let payload = frame.get(header..).unwrap_or_default();
            if payload.starts_with(start) {
                return Ok(());
            }
            if frame != PING {
                let payload = String::from_utf8_lossy(payload);
                return Err(format!("the server says {payload} at the beginning").into());
            }
            continue;
        }
        read_more(stream, received)?;
    }
}

fn read_more(stream: &mut TcpStream, received: &mut Vec<u8>) -> Result<(), Failure> {
    let mut buffer = [0; 1024];
    let count = stream.read(&mut buffer)?;
    received.extend_from_slice(buffer.get(..count).unwrap_or_default());
    if count == 0 || received.len() > MAX_BEGINNING {
        return Err("the server does not open a session".into());
    }
    Ok(())
}
