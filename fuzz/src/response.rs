//! The client's half of the opening handshake.

use spola_websocket::handshake::{
    MAX_HEAD_LEN, MAX_HEADERS,
    client::{Handshake, HandshakeError, Request},
};

use crate::number;

/// What the client offers.
const PROTOCOLS: [&str; 2] = ["chat", "superchat"];

/// The first byte says how many bytes of the rest come at a time, as the answer to the request of
/// RFC 6455 §1.3. Growing inputs come to the same end as the whole; what is accepted answers what
/// was asked.
pub fn check(bytes: &[u8]) {
    let (step, input) = number(bytes);
    let whole = handshake().read(input).map(|r| r.map(|r| (r.head_len, r.protocol)));
    let mut client = handshake();
    for len in (0..input.len()).step_by(step + 1) {
        match client.read(&input[..len]) {
            Ok(None) => {}
            Ok(Some(response)) => {
                assert_eq!(whole, Ok(Some((response.head_len, response.protocol))));
                break;
            }
            Err(error) => {
                assert_eq!(whole, Err(error));
                break;
            }
        }
    }
    match handshake().read(input) {
        Ok(None) => assert!(input.len() < MAX_HEAD_LEN),
        Ok(Some(response)) => {
            assert!(response.head_len <= input.len().min(MAX_HEAD_LEN));
            assert!(response.headers.len() <= MAX_HEADERS);
            assert!(response.protocol.is_none_or(|protocol| PROTOCOLS.contains(&protocol)));
            let accept = response.header("sec-websocket-accept").unwrap_or_default();
            assert_eq!(accept.trim_ascii(), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
            assert_eq!(response.header("sec-websocket-extensions"), None);
        }
        Err(HandshakeError::Status(status)) => assert_ne!(status, 101),
        Err(_) => {}
    }
}

/// The client whose key is the one in the RFC's example.
fn handshake() -> Handshake {
    let mut nonce = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce");
    let mut request = Request::new("h", "/");
    for protocol in PROTOCOLS {
        request = request.and_then(|request| request.protocol(protocol));
    }
    let request = request.unwrap_or_else(|error| panic!("a sound request: {error}"));
    request.start(&mut nonce).1
}
