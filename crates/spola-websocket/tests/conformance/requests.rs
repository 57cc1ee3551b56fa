//! Requests for an upgrade, and how a server answers (RFC 6455 §4.2).

use libtest_mimic::Trial;
use spola_websocket::handshake::{
    MAX_HEAD_LEN, MAX_HEADERS,
    server::{MAX_TARGET_LEN, Rejection, RequestReader},
};
use tungstenite::HandshakeError;

use crate::{
    handshake::{Answering, Tungstenite, Verdict},
    row::expect,
};

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

const ACCEPTED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// What comes in, what goes out.
struct Row {
    name: &'static str,
    request: String,
    /// The rejection; the status of the answer to it.
    expected: Result<&'static str, (Rejection, u16)>,
    tungstenite: Tungstenite,
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut rows = sound();
    rows.extend(unsound());
    rows.extend(too_much());
    rows.into_iter().map(Row::trial).collect()
}

/// The request with one part replaced is accepted.
fn accepted(name: &'static str, from: &str, to: &str) -> Row {
    Row {
        name,
        request: REQUEST.replacen(from, to, 1),
        expected: Ok(ACCEPTED),
        tungstenite: Tungstenite::Same,
    }
}

/// The request with one part replaced is rejected.
fn rejected(name: &'static str, from: &str, to: &str, status: u16, rejection: Rejection) -> Row {
    Row { expected: Err((rejection, status)), ..accepted(name, from, to) }
}

impl Row {
    fn differs(mut self, verdict: Verdict, why: &'static str) -> Self {
        self.tungstenite = Tungstenite::Differs(verdict, why);
        self
    }

    fn trial(self) -> Trial {
        Trial::test(format!("requests: {}", self.name), move || {
            for size in [1, self.request.len()] {
                let verdict = self.run(size)?;
                self.tungstenite.check(verdict, theirs(&self.request))?;
            }
            Ok(())
        })
    }

    /// Reads the request, `size` bytes more each time.
    fn run(&self, size: usize) -> Result<Verdict, String> {
        let bytes = self.request.as_bytes();
        let mut reader = RequestReader::new();
        let mut ends: Vec<_> = (size..bytes.len()).step_by(size).collect();
        ends.push(bytes.len());
        for end in ends {
            match reader.read(&bytes[..end]) {
                Ok(None) => {}
                Ok(Some(request)) => {
                    let answer = request.upgrade.accept().to_bytes();
                    let answer = String::from_utf8(answer).unwrap();
                    let answer = Ok(answer.as_str());
                    return expect("answer", &answer, &self.expected).map(|()| Verdict::Accepts);
                }
                Err(rejection) => {
                    let answer = String::from_utf8(rejection.to_bytes()).unwrap();
                    let status = answer["HTTP/1.1 ".len()..][..3].parse().unwrap();
                    let answer = Err((rejection, status));
                    return expect("answer", &answer, &self.expected).map(|()| Verdict::Refuses);
                }
            }
        }
        Err("the request is not complete".to_owned())
    }
}

fn theirs(request: &str) -> Verdict {
    match tungstenite::accept(Answering::new(|_: &[u8]| request.as_bytes().to_vec())) {
        Ok(_) => Verdict::Accepts,
        Err(HandshakeError::Interrupted(_)) => Verdict::Waits,
        Err(HandshakeError::Failure(_)) => Verdict::Refuses,
    }
}

const HOST: &str = "Host: h\r\n";
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

fn sound() -> Vec<Row> {
    vec![
        accepted("the least there must be", "", ""),
        accepted("names and tokens in any case", "Upgrade: websocket", "uPGRADE: WebSocket"),
        accepted(
            "a browser's Connection",
            "Connection: Upgrade",
            "Connection: keep-alive, Upgrade",
        ),
        accepted(
            "two Connection lines",
            "Connection: Upgrade",
            "Connection: keep-alive\r\nConnection: upgrade",
        )
        .differs(Verdict::Refuses, "it reads the first line only"),
        accepted("Upgrade among others", "Upgrade: websocket", "Upgrade: h2c, websocket")
            .differs(Verdict::Refuses, "it knows no list here"),
        accepted("blanks around values", "Host: h", "Host:   h \t"),
        accepted("a body of nothing", HOST, "Host: h\r\nContent-Length: 0\r\n"),
        accepted(
            "an extension that nobody knows",
            HOST,
            "Host: h\r\nSec-WebSocket-Extensions: x; y=\"1\"\r\n",
        ),
        accepted("bare line feeds", "\r\n", "\n"),
        accepted(
            "subprotocols, of which none is taken",
            HOST,
            "Host: h\r\nSec-WebSocket-Protocol: a, b\r\n",
        ),
        accepted("a target with a query", "/chat", "/chat?a=b%20c&d"),
        accepted("an empty header line value", HOST, "Host: h\r\nX:\r\n"),
    ]
}

fn unsound() -> Vec<Row> {
    const LENIENT: &str = "it does not ask";
    let accepts = Verdict::Accepts;
    vec![
        rejected("another method", "GET", "POST", 405, Rejection::Method),
        rejected("HTTP/1.0", "HTTP/1.1", "HTTP/1.0", 505, Rejection::HttpVersion),
        rejected("a version there is not", "HTTP/1.1", "HTTP/1.2", 505, Rejection::HttpVersion),
        rejected("no Host", HOST, "", 400, Rejection::Host).differs(accepts, LENIENT),
        rejected("two Hosts", HOST, "Host: h\r\nHost: i\r\n", 400, Rejection::Host)
            .differs(accepts, LENIENT),
        rejected("no Upgrade", "Upgrade: websocket\r\n", "", 426, Rejection::Upgrade),
        rejected("an upgrade to something else", "websocket", "h2c", 426, Rejection::Upgrade),
        rejected("no Connection", "Connection: Upgrade\r\n", "", 426, Rejection::Upgrade),
        rejected(
            "a Connection that stays",
            "Connection: Upgrade",
            "Connection: close",
            426,
            Rejection::Upgrade,
        ),
        rejected(
            "no version",
            "Sec-WebSocket-Version: 13\r\n",
            "",
            426,
            Rejection::WebSocketVersion,
        ),
        rejected("an old version", "Version: 13", "Version: 8", 426, Rejection::WebSocketVersion),
        rejected(
            "a list of versions",
            "Version: 13",
            "Version: 13, 8",
            426,
            Rejection::WebSocketVersion,
        ),
        rejected(
            "two versions",
            HOST,
            "Host: h\r\nSec-WebSocket-Version: 13\r\n",
            426,
            Rejection::WebSocketVersion,
        )
        .differs(accepts, "it reads the first line only"),
        rejected("no key", &format!("Sec-WebSocket-Key: {KEY}\r\n"), "", 400, Rejection::Key),
        rejected("a short key", KEY, "dGhlIHNhbXBsZQ==", 400, Rejection::Key),
        rejected("a long key", KEY, "dGhlIHNhbXBsZSBub25jZSB3aWxs", 400, Rejection::Key),
        rejected(
            "a key outside the alphabet",
            KEY,
            "dGhlIHNhbXBsZSBub25jZ$==",
            400,
            Rejection::Key,
        ),
        rejected("a key of 18 bytes", KEY, "dGhlIHNhbXBsZSBub25jZUFB", 400, Rejection::Key),
        rejected(
            "two keys",
            HOST,
            &format!("Host: h\r\nSec-WebSocket-Key: {KEY}\r\n"),
            400,
            Rejection::Key,
        )
        .differs(accepts, "it reads the first line only"),
        rejected("a body", HOST, "Host: h\r\nContent-Length: 5\r\n", 400, Rejection::Body)
            .differs(accepts, LENIENT),
        rejected(
            "a body in chunks",
            HOST,
            "Host: h\r\nTransfer-Encoding: chunked\r\n",
            400,
            Rejection::Body,
        )
        .differs(accepts, LENIENT),
        rejected(
            "a length twice",
            HOST,
            "Host: h\r\nContent-Length: 0\r\nContent-Length: 0\r\n",
            400,
            Rejection::Body,
        )
        .differs(accepts, LENIENT),
        rejected(
            "a subprotocol that is no token",
            HOST,
            "Host: h\r\nSec-WebSocket-Protocol: a b\r\n",
            400,
            Rejection::Protocols,
        )
        .differs(accepts, LENIENT),
        rejected(
            "a subprotocol twice",
            HOST,
            "Host: h\r\nSec-WebSocket-Protocol: a, a\r\n",
            400,
            Rejection::Protocols,
        )
        .differs(accepts, LENIENT),
        rejected(
            "an empty subprotocol",
            HOST,
            "Host: h\r\nSec-WebSocket-Protocol: a,,b\r\n",
            400,
            Rejection::Protocols,
        )
        .differs(accepts, LENIENT),
        rejected(
            "extensions that are malformed",
            HOST,
            "Host: h\r\nSec-WebSocket-Extensions: x;\r\n",
            400,
            Rejection::Extensions,
        )
        .differs(accepts, LENIENT),
        rejected("a folded line", HOST, "Host: h\r\nX: a\r\n b\r\n", 400, Rejection::Malformed),
        rejected("a blank in a name", HOST, "Host: h\r\nX : a\r\n", 400, Rejection::Malformed),
        rejected("NUL in a value", HOST, "Host: h\r\nX: a\0\r\n", 400, Rejection::Malformed),
        rejected("not HTTP", "GET /chat HTTP/1.1", "\u{16}\u{3}\u{1}", 400, Rejection::Malformed),
    ]
}

fn too_much() -> Vec<Row> {
    let accepts = Verdict::Accepts;
    let fields = |count: usize| format!("Host: h\r\n{}", "X: y\r\n".repeat(count - 5));
    let pad = |len: usize| format!("Host: h\r\nX: {}\r\n", "y".repeat(len - REQUEST.len() - 5));
    let offers = |count: usize| {
        let names: Vec<_> = (0..count).map(|at| format!("p{at}")).collect();
        format!("Host: h\r\nSec-WebSocket-Protocol: {}\r\n", names.join(", "))
    };
    let long = format!("/{}", "a".repeat(MAX_TARGET_LEN));
    vec![
        accepted("as many fields as allowed", HOST, &fields(MAX_HEADERS)),
        rejected(
            "a field too many",
            HOST,
            &fields(MAX_HEADERS + 1),
            431,
            Rejection::TooManyHeaders,
        )
        .differs(accepts, "it allows 124 fields"),
        rejected("thousands of fields", HOST, &fields(3000), 431, Rejection::HeadTooLong),
        accepted("a head as long as allowed", HOST, &pad(MAX_HEAD_LEN - 1)),
        rejected(
            "a head one byte too long",
            HOST,
            &pad(MAX_HEAD_LEN + 1),
            431,
            Rejection::HeadTooLong,
        )
        .differs(accepts, "it allows 64 KiB"),
        accepted("a target as long as allowed", "/chat", &long[..MAX_TARGET_LEN]),
        rejected("a target one byte too long", "/chat", &long, 414, Rejection::TargetTooLong)
            .differs(accepts, "it does not limit the target"),
        accepted("as many subprotocols as allowed", HOST, &offers(16)),
        rejected("a subprotocol too many", HOST, &offers(17), 400, Rejection::Protocols)
            .differs(accepts, "it does not count subprotocols"),
    ]
}
