//! Connecting, and the client's opening handshake.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType};

use super::socketio;
use crate::Failure;
use crate::deflate::Takeover;

/// The patience for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

const KEY: &str = "c3BvbGEgYmVuY2htYXJrcw==";
const ACCEPT: &str = "02gXFBPqpgAFxOfttHJnFhVA7zE=";

/// The longest response head that is read.
const MAX_HEAD: usize = 4096;

/// The loopback addresses 127.0.0.1 to 127.0.0.`SOURCES` are connected from.
const SOURCES: u8 = 32;

/// What is spoken with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// The same bytes back, without a handshake.
    Raw,
    WebSocket,
    /// WebSocket with permessage-deflate.
    Deflate(Takeover),
    /// Socket.IO over WebSocket.
    SocketIo,
}

/// Opens a connection on which messages can be sent. The socket blocks.
pub(crate) fn open(address: SocketAddr, protocol: Protocol) -> Result<TcpStream, Failure> {
    if protocol == Protocol::SocketIo {
        return socketio::open(address);
    }
    let mut stream = connect(address)?;
    if protocol != Protocol::Raw {
        stream.write_all(request(address, protocol).as_bytes())?;
        read_response(&mut stream, protocol)?;
    }
    Ok(stream)
}

/// Connects; where the ports of one source address are used up, from the next one.
pub(super) fn connect(address: SocketAddr) -> Result<TcpStream, Failure> {
    for last in 1..=SOURCES {
        match connect_from(Ipv4Addr::new(127, 0, 0, last), address) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) => {}
            Err(error) => return Err(format!("connecting to {address}: {error}").into()),
        }
    }
    Err("no more ports on loopback".into())
}

fn connect_from(source: Ipv4Addr, address: SocketAddr) -> Result<TcpStream, Errno> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    // Bound explicitly, a port would serve one destination only.
    if source != Ipv4Addr::LOCALHOST {
        rustix::net::bind(&socket, &SocketAddr::from((source, 0)))?;
    }
    rustix::net::connect(&socket, &address)?;
    Ok(TcpStream::from(socket))
}

/// The upgrade request (RFC 6455 §4.1).
pub(super) fn request(address: SocketAddr, protocol: Protocol) -> String {
    let extensions = match protocol {
        Protocol::Raw | Protocol::WebSocket | Protocol::SocketIo => String::new(),
        Protocol::Deflate(takeover) => {
            format!("Sec-WebSocket-Extensions: {}\r\n", takeover.offer())
        }
    };
    let path = match protocol {
        Protocol::SocketIo => "/socket.io/?EIO=4&transport=websocket",
        Protocol::Raw | Protocol::WebSocket | Protocol::Deflate(_) => "/",
    };
    format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{extensions}\r\n"
    )
}

/// Reads the answer to [`request`]. The server has nothing to say before the first message, so
/// whatever it sends is the response's head; a raw server sends the request back.
pub(super) fn read_response(stream: &mut TcpStream, protocol: Protocol) -> Result<(), Failure> {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        let count = stream.read(&mut buffer)?;
        head.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if count == 0 || head.len() > MAX_HEAD {
            return Err("the server does not complete the opening handshake".into());
        }
    }
    let head = String::from_utf8_lossy(&head);
    match protocol {
        Protocol::Raw => Ok(()),
        Protocol::WebSocket | Protocol::SocketIo => check_accepted(&head),
        Protocol::Deflate(takeover) => {
            check_accepted(&head)?;
            check_agreement(&head, takeover)
        }
    }
}

pub(super) fn check_accepted(head: &str) -> Result<(), Failure> {
    if head.starts_with("HTTP/1.1 101 ") && head.contains(ACCEPT) {
        Ok(())
    } else {
        Err(format!("the server refuses the opening handshake: {head}").into())
    }
}

/// Whether the server compresses, in both directions as was offered.
fn check_agreement(head: &str, takeover: Takeover) -> Result<(), Failure> {
    let head = head.to_ascii_lowercase();
    let line = head.lines().find_map(|line| line.strip_prefix("sec-websocket-extensions:"));
    let line = line.filter(|line| line.contains("permessage-deflate"));
    let line = line.ok_or("the server does not compress")?;
    let server_forgets = line.contains("server_no_context_takeover");
    let client_forgets = line.contains("client_no_context_takeover");
    // A client may forget unasked, so the server need not say it; it must not forbid what comes.
    let agrees = match takeover {
        Takeover::Off => server_forgets,
        Takeover::On => !server_forgets && !client_forgets,
    };
    if agrees { Ok(()) } else { Err(format!("the server agrees to something else:{line}").into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreement(takeover: Takeover, extensions: &str) -> bool {
        let head = format!("HTTP/1.1 101 X\r\n{extensions}\r\n\r\n");
        check_agreement(&head, takeover).is_ok()
    }

    #[test]
    fn an_agreement_is_what_was_offered() {
        let plain = "Sec-WebSocket-Extensions: permessage-deflate";
        let forgetful = format!("{plain}; server_no_context_takeover");
        assert!(agreement(Takeover::On, plain));
        assert!(!agreement(Takeover::Off, plain));
        assert!(agreement(Takeover::Off, &forgetful));
        assert!(!agreement(Takeover::On, &forgetful));
        assert!(!agreement(Takeover::On, "Upgrade: websocket"));
    }
}
