use super::{
    client::{self, HandshakeError},
    server::{Rejection, RequestReader},
    *,
};

const REQUEST: &str = "GET /chat?x=1 HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: keep-alive, Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    Sec-WebSocket-Protocol: chat\r\n\r\n";

fn rejection(request: &str) -> Option<Rejection> {
    RequestReader::new().read(request.as_bytes()).err()
}

/// The client whose key is the one in the RFC's example.
fn sample_client() -> client::Handshake {
    let mut nonce = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce");
    let request = client::Request::new("server.example.com", "/chat").unwrap();
    let request = request.protocol("chat").unwrap().protocol("superchat").unwrap();
    let (bytes, handshake) = request.start(&mut nonce);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), "{text}");
    assert!(text.contains("\r\nSec-WebSocket-Protocol: chat, superchat\r\n"), "{text}");
    handshake
}

fn refusal(response: &str) -> Option<HandshakeError> {
    sample_client().read(response.as_bytes()).err()
}

#[test]
fn the_example_of_the_rfc_is_accepted_as_the_rfc_answers_it() {
    let input = [REQUEST.as_bytes(), b"\x81"].concat();
    let request = RequestReader::new().read(&input).unwrap().unwrap();
    assert_eq!(request.target, "/chat?x=1");
    assert_eq!(request.head_len, REQUEST.len());
    assert_eq!(request.header("origin"), Some(&b"http://example.com"[..]));
    assert_eq!(request.upgrade.protocols, ["chat", "superchat"]);
    let response = request.upgrade.accept().protocol("chat").unwrap().to_bytes();
    assert_eq!(String::from_utf8(response).unwrap(), RESPONSE);
}

#[test]
fn a_head_is_found_wherever_the_bytes_are_cut() {
    for text in [REQUEST.to_owned(), REQUEST.replace("\r\n", "\n")] {
        let mut reader = RequestReader::new();
        for end in 0..text.len() {
            assert!(reader.read(&text.as_bytes()[..end]).unwrap().is_none(), "{end}");
        }
        assert!(reader.read(text.as_bytes()).unwrap().is_some());
        for cut in 0..text.len() {
            let mut reader = RequestReader::new();
            assert!(reader.read(&text.as_bytes()[..cut]).unwrap().is_none());
            assert!(reader.read(text.as_bytes()).unwrap().is_some());
        }
    }
}

#[test]
fn unsound_requests_are_rejected_with_their_reason() {
    let replaced = |from: &str, to: &str| {
        assert!(REQUEST.contains(from), "{from}");
        REQUEST.replacen(from, to, 1)
    };
    let long = "x".repeat(server::MAX_TARGET_LEN);
    for (request, expected) in [
        (replaced("GET", "POST"), Rejection::Method),
        (replaced("HTTP/1.1", "HTTP/1.0"), Rejection::HttpVersion),
        (replaced("HTTP/1.1", "HTTP/3.0"), Rejection::HttpVersion),
        (replaced("/chat", &format!("/{long}")), Rejection::TargetTooLong),
        (replaced("Host: server.example.com\r\n", ""), Rejection::Host),
        (replaced("Host:", "Host: a\r\nHost:"), Rejection::Host),
        (replaced("Origin: http://example.com", "Content-Length: 1"), Rejection::Body),
        (replaced("Origin: http://example.com", "Transfer-Encoding: chunked"), Rejection::Body),
        (replaced("Upgrade: websocket", "Upgrade: h2c"), Rejection::Upgrade),
        (replaced("Upgrade: websocket", "Upgrade: websockets"), Rejection::Upgrade),
        (replaced("Upgrade: websocket\r\n", ""), Rejection::Upgrade),
        (replaced("keep-alive, Upgrade", "keep-alive"), Rejection::Upgrade),
        (replaced("Version: 13", "Version: 8"), Rejection::WebSocketVersion),
        (replaced("Sec-WebSocket-Version: 13\r\n", ""), Rejection::WebSocketVersion),
        (replaced("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ=="), Rejection::Key),
        (replaced("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZ$=="), Rejection::Key),
        (replaced("dGhlIHNhbXBsZSBub25jZQ==", ""), Rejection::Key),
        (replaced("Origin:", "Sec-WebSocket-Key:"), Rejection::Key),
        (replaced("chat, superchat", "chat, chat"), Rejection::Protocols),
        (replaced("chat, superchat", "chat superchat"), Rejection::Protocols),
        (replaced("chat, superchat", "chat,,superchat"), Rejection::Protocols),
        (
            replaced("Origin: http://example.com", "Sec-WebSocket-Extensions: a;"),
            Rejection::Extensions,
        ),
        (replaced("Origin:", "Ori gin:"), Rejection::Malformed),
        (replaced("GET ", "\r\n\r\nGET "), Rejection::Malformed),
        ("\x16\x03\x01\r\n\r\n".to_owned(), Rejection::Malformed),
    ] {
        assert_eq!(rejection(&request), Some(expected), "{request}");
    }
}

#[test]
fn sound_variations_are_accepted() {
    for (from, to) in [
        ("Upgrade: websocket", "upgrade: h2c, WebSocket"),
        ("keep-alive, Upgrade", "UPGRADE"),
        ("Connection: keep-alive, Upgrade", "Connection: keep-alive\r\nConnection: upgrade"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZR=="),
        ("Origin: http://example.com", "Content-Length: 0"),
        (
            "Origin:",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nOrigin:",
        ),
    ] {
        assert!(REQUEST.contains(from));
        assert_eq!(rejection(&REQUEST.replacen(from, to, 1)), None, "{to}");
    }
}

#[test]
fn heads_are_limited_in_bytes_and_fields() {
    let endless = "GET / HTTP/1.1\r\nX: ".to_owned() + &"y".repeat(MAX_HEAD_LEN);
    assert_eq!(rejection(&endless), Some(Rejection::HeadTooLong));
    assert_eq!(rejection(&endless[..MAX_HEAD_LEN]), Some(Rejection::HeadTooLong));
    assert_eq!(rejection(&endless[..MAX_HEAD_LEN - 1]), None);
    let fields = "A: b\r\n".repeat(MAX_HEADERS + 1);
    let many = format!("GET / HTTP/1.1\r\n{fields}\r\n");
    assert_eq!(rejection(&many), Some(Rejection::TooManyHeaders));
    let offers: Vec<_> = (0..17).map(|i| format!("p{i}")).collect();
    let many = REQUEST.replace("chat, superchat", &offers.join(","));
    assert_eq!(rejection(&many), Some(Rejection::Protocols));
    let many = REQUEST.replace("chat, superchat", &offers[..16].join(","));
    assert_eq!(rejection(&many), None);
}

#[test]
fn rejections_are_whole_responses() {
    assert_eq!(
        String::from_utf8(Rejection::WebSocketVersion.to_bytes()).unwrap(),
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Connection: Upgrade, close\r\nContent-Type: text/plain\r\nContent-Length: 33\r\n\r\n\
         Unsupported Sec-WebSocket-Version"
    );
    assert_eq!(Rejection::HeadTooLong.status(), 431);
    assert_eq!(Rejection::Key.status(), 400);
}

#[test]
fn header_lines_cannot_be_smuggled_in() {
    let request = RequestReader::new().read(REQUEST.as_bytes()).unwrap().unwrap();
    let server = request.upgrade.accept();
    let client = client::Request::new("a", "/").unwrap();
    for (name, value, expected) in [
        ("X-A", "b\r\nX-B: c", HeaderError::InvalidValue),
        ("X-A", "b\nc", HeaderError::InvalidValue),
        ("X-A", "b\0", HeaderError::InvalidValue),
        ("X-A: b\r\nX-B", "c", HeaderError::InvalidName),
        ("", "c", HeaderError::InvalidName),
        ("X A", "c", HeaderError::InvalidName),
        ("sec-webSocket-accept", "c", HeaderError::Reserved),
        ("Connection", "close", HeaderError::Reserved),
        ("Transfer-Encoding", "chunked", HeaderError::Reserved),
    ] {
        assert_eq!(server.clone().header(name, value).err(), Some(expected), "{name}");
        assert_eq!(client.clone().header(name, value).err(), Some(expected), "{name}");
    }
    for target in ["", "chat", "/a b", "/a\r\nX: y", "/\u{e9}", "/a#b"] {
        assert!(client::Request::new("a", target).is_err(), "{target:?}");
    }
    for host in ["", "a b", "a\r\nX: y"] {
        assert!(client::Request::new(host, "/").is_err(), "{host:?}");
    }
    assert_eq!(client.protocol("a, b").err(), Some(HeaderError::InvalidName));
    assert_eq!(server.clone().protocol("other").err(), Some(HeaderError::NotOffered));
    assert_eq!(server.clone().extension("a\r\nX: y").err(), Some(HeaderError::InvalidValue));
    let chosen = server.protocol("chat").unwrap();
    assert_eq!(chosen.protocol("superchat").err(), Some(HeaderError::NotOffered));
}

#[test]
fn the_client_accepts_the_answer_of_the_rfc() {
    let input = RESPONSE.to_owned() + "\u{1}frames";
    let mut client = sample_client();
    assert!(client.read(&input.as_bytes()[..30]).unwrap().is_none());
    let response = client.read(input.as_bytes()).unwrap().unwrap();
    assert_eq!(response.protocol, Some("chat"));
    assert_eq!(response.head_len, RESPONSE.len());
    assert_eq!(response.header("UPGRADE"), Some(&b"websocket"[..]));
    let without = RESPONSE.replace("Sec-WebSocket-Protocol: chat\r\n", "");
    assert_eq!(refusal(&without), None);
}

#[test]
fn the_client_refuses_answers_that_do_not_fit() {
    let replaced = |from: &str, to: &str| {
        assert!(RESPONSE.contains(from), "{from}");
        RESPONSE.replacen(from, to, 1)
    };
    for (response, expected) in [
        (replaced("101 Switching Protocols", "200 OK"), HandshakeError::Status(200)),
        ("HTTP/1.1 403 Forbidden\r\n\r\n".to_owned(), HandshakeError::Status(403)),
        (replaced("HTTP/1.1", "HTTP/1.0"), HandshakeError::Malformed),
        (replaced("HTTP/1.1", "SPDY"), HandshakeError::Malformed),
        (replaced("Upgrade: websocket", "Upgrade: h2c"), HandshakeError::Upgrade),
        (replaced("Connection: Upgrade", "Connection: close"), HandshakeError::Upgrade),
        (replaced("s3pP", "S3pP"), HandshakeError::Accept),
        (replaced("Sec-WebSocket-Accept: ", "X: "), HandshakeError::Accept),
        (replaced("Protocol: chat", "Protocol: other"), HandshakeError::Protocol),
        (replaced("Protocol: chat", "Protocol: chat, superchat"), HandshakeError::Protocol),
        (
            replaced("Upgrade:", "Sec-WebSocket-Extensions: permessage-deflate\r\nUpgrade:"),
            HandshakeError::Extension,
        ),
    ] {
        assert_eq!(refusal(&response), Some(expected), "{response}");
    }
    let endless = "HTTP/1.1 101 ".to_owned() + &"x".repeat(MAX_HEAD_LEN);
    assert_eq!(refusal(&endless), Some(HandshakeError::HeadTooLong));
}

proptest::proptest! {
    #[test]
    fn our_two_halves_agree(
        nonce: [u8; 16],
        protocols in proptest::collection::vec("[a-z]{1,4}", 0..5),
        cut in 0usize..200,
    ) {
        let mut request = client::Request::new("h:1", "/p").unwrap();
        for protocol in &protocols {
            request = request.protocol(protocol).unwrap();
        }
        let mut entropy = |buf: &mut [u8]| buf.copy_from_slice(&nonce);
        let (bytes, mut client) = request.start(&mut entropy);
        let request = RequestReader::new().read(&bytes).unwrap().unwrap();
        let mut response = request.upgrade.accept();
        if let Some(last) = protocols.last() {
            response = response.protocol(last).unwrap();
        }
        let bytes = response.to_bytes();
        let _ = client.read(&bytes[..cut.min(bytes.len())]).unwrap();
        let answer = client.read(&bytes).unwrap().unwrap();
        proptest::prop_assert_eq!(answer.protocol, protocols.last().map(String::as_str));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = RequestReader::new().read(&bytes);
        let _ = sample_client().read(&bytes);
        let text = [REQUEST.as_bytes(), &bytes, b"\r\n\r\n"].concat();
        let _ = RequestReader::new().read(&text);
        let text = [&REQUEST.as_bytes()[..REQUEST.len() - 2], &bytes, b"\r\n\r\n"].concat();
        let _ = RequestReader::new().read(&text);
        let text = [&RESPONSE.as_bytes()[..RESPONSE.len() - 2], &bytes, b"\r\n\r\n"].concat();
        let _ = sample_client().read(&text);
    }
}
