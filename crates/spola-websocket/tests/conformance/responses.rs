//! Answers to a client's request, and whether it takes them (RFC 6455 §4.1).

use libtest_mimic::Trial;
use spola_websocket::handshake::{
    MAX_HEAD_LEN, MAX_HEADERS, accept_key,
    client::{HandshakeError, Request},
};
use tungstenite::client::IntoClientRequest;

use crate::{
    handshake::{Answering, Tungstenite, Verdict},
    row::expect,
};

/// `{accept}` is what answers the client's key. It offers the subprotocols `chat` and `superchat`.
const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: chat\r\n\r\n";

const PROTOCOL: &str = "Sec-WebSocket-Protocol: chat\r\n";

/// What comes in, what becomes of it.
struct Row {
    name: &'static str,
    response: String,
    /// The subprotocol chosen.
    expected: Result<Option<&'static str>, HandshakeError>,
    tungstenite: Tungstenite,
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut rows = sound();
    rows.extend(unsound());
    rows.into_iter().map(Row::trial).collect()
}

/// The response with one part replaced is taken, with `chat`.
fn taken(name: &'static str, from: &str, to: &str) -> Row {
    Row {
        name,
        response: RESPONSE.replacen(from, to, 1),
        expected: Ok(Some("chat")),
        tungstenite: Tungstenite::Same,
    }
}

/// The response with one part replaced fails the handshake.
fn refused(name: &'static str, from: &str, to: &str, error: HandshakeError) -> Row {
    Row { expected: Err(error), ..taken(name, from, to) }
}

impl Row {
    fn differs(mut self, verdict: Verdict, why: &'static str) -> Self {
        self.tungstenite = Tungstenite::Differs(verdict, why);
        self
    }

    fn trial(self) -> Trial {
        Trial::test(format!("responses: {}", self.name), move || {
            for size in [1, self.response.len()] {
                let verdict = self.run(size)?;
                self.tungstenite.check(verdict, self.theirs())?;
            }
            Ok(())
        })
    }

    /// The response to a request with the key of the RFC's example.
    fn response(&self, key: &str) -> Vec<u8> {
        self.response.replace("{accept}", &accept_key(key)).into_bytes()
    }

    /// Reads the response, `size` bytes more each time.
    fn run(&self, size: usize) -> Result<Verdict, String> {
        let request = Request::new("h", "/").unwrap();
        let request = request.protocol("chat").unwrap().protocol("superchat").unwrap();
        let mut entropy = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce");
        let mut handshake = request.start(&mut entropy).1;
        let bytes = self.response("dGhlIHNhbXBsZSBub25jZQ==");
        let mut ends: Vec<_> = (size..bytes.len()).step_by(size).collect();
        ends.push(bytes.len());
        for end in ends {
            let read = handshake.read(&bytes[..end]).map(|read| read.map(|read| read.protocol));
            let (got, verdict) = match read {
                Ok(None) => continue,
                Ok(Some(protocol)) => (Ok(protocol), Verdict::Accepts),
                Err(error) => (Err(error), Verdict::Refuses),
            };
            return expect("outcome", &got, &self.expected).map(|()| verdict);
        }
        Err("the response is not complete".to_owned())
    }

    fn theirs(&self) -> Verdict {
        let answer = |request: &[u8]| {
            let request = String::from_utf8_lossy(request);
            let mut lines = request.split("\r\n");
            let key = lines.find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
            self.response(key.unwrap())
        };
        let mut request = "ws://h/".into_client_request().unwrap();
        let protocols = "chat, superchat".parse().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocols);
        match tungstenite::client(request, Answering::new(answer)) {
            Ok(_) => Verdict::Accepts,
            Err(tungstenite::HandshakeError::Interrupted(_)) => Verdict::Waits,
            Err(tungstenite::HandshakeError::Failure(_)) => Verdict::Refuses,
        }
    }
}

fn sound() -> Vec<Row> {
    let none = Row { expected: Ok(None), ..taken("no subprotocol", PROTOCOL, "") };
    vec![
        taken("the least there must be", "", ""),
        Row {
            expected: Ok(Some("superchat")),
            ..taken("another subprotocol", "Protocol: chat", "Protocol: superchat")
        },
        none.differs(Verdict::Refuses, "it wants one of those it asked for"),
        taken("tokens in any case", "Upgrade: websocket", "Upgrade: WebSocket"),
        taken("another reason phrase", "Switching Protocols", "Fine"),
        taken("no reason phrase", " Switching Protocols", " "),
        taken("Connection among others", "Connection: Upgrade", "Connection: keep-alive, upgrade")
            .differs(Verdict::Refuses, "it knows no list here"),
        taken("frames behind it", "\r\n\r\n", "\r\n\r\n\u{1}\u{2}"),
        taken("bare line feeds", "\r\n", "\n"),
    ]
}

fn unsound() -> Vec<Row> {
    let fields = |count: usize| format!("{PROTOCOL}{}", "X: y\r\n".repeat(count - 4));
    let pad = format!("{PROTOCOL}X: {}\r\n", "y".repeat(MAX_HEAD_LEN));
    let accepts = Verdict::Accepts;
    vec![
        refused("status 200", "101", "200", HandshakeError::Status(200)),
        refused("a redirect", "101", "302", HandshakeError::Status(302)),
        refused("status 100", "101", "100", HandshakeError::Status(100)),
        refused("HTTP/1.0", "HTTP/1.1", "HTTP/1.0", HandshakeError::Malformed),
        refused("not HTTP", "HTTP/1.1 101", "SSH-2.0-x", HandshakeError::Malformed),
        refused("no Upgrade", "Upgrade: websocket\r\n", "", HandshakeError::Upgrade),
        refused("another upgrade", "websocket", "h2c", HandshakeError::Upgrade),
        refused("no Connection", "Connection: Upgrade\r\n", "", HandshakeError::Upgrade),
        refused("no accept key", "Sec-WebSocket-Accept: {accept}\r\n", "", HandshakeError::Accept),
        refused(
            "another accept key",
            "{accept}",
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=",
            HandshakeError::Accept,
        ),
        refused(
            "an accept key in lower case",
            "{accept}",
            "s3pplmbitxaq9kygzzhzrbk+xoo=",
            HandshakeError::Accept,
        ),
        refused(
            "two accept keys",
            PROTOCOL,
            "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Accept: {accept}\r\n",
            HandshakeError::Accept,
        )
        .differs(accepts, "it reads the first line only"),
        refused(
            "a subprotocol not asked for",
            "Protocol: chat",
            "Protocol: other",
            HandshakeError::Protocol,
        ),
        refused(
            "a subprotocol in another case",
            "Protocol: chat",
            "Protocol: Chat",
            HandshakeError::Protocol,
        ),
        refused(
            "two subprotocols",
            "Protocol: chat",
            "Protocol: chat, superchat",
            HandshakeError::Protocol,
        ),
        refused("two subprotocol lines", PROTOCOL, &PROTOCOL.repeat(2), HandshakeError::Protocol)
            .differs(accepts, "it reads the first line only"),
        refused(
            "an extension not asked for",
            PROTOCOL,
            &format!("{PROTOCOL}Sec-WebSocket-Extensions: permessage-deflate\r\n"),
            HandshakeError::Extension,
        )
        .differs(accepts, "it does not look at extensions"),
        refused(
            "a field too many",
            PROTOCOL,
            &fields(MAX_HEADERS + 1),
            HandshakeError::TooManyHeaders,
        )
        .differs(accepts, "it allows 124 fields"),
        refused("a head too long", PROTOCOL, &pad, HandshakeError::HeadTooLong)
            .differs(accepts, "it allows 64 KiB"),
    ]
}
