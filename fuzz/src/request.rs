//! The server's half of the opening handshake.

use spola_websocket::handshake::{
    MAX_HEAD_LEN, MAX_HEADERS, accept_key,
    server::{MAX_PROTOCOLS, MAX_TARGET_LEN, Rejection, Request, RequestReader},
};

use crate::{negotiation, number};

/// The first byte says how many bytes of the rest come at a time. Growing inputs come to the same
/// end as the whole; what is accepted keeps the limits, and is answered with one head that nothing
/// in the request can break open.
pub fn check(bytes: &[u8]) {
    let (step, input) = number(bytes);
    let whole = RequestReader::new().read(input);
    let mut reader = RequestReader::new();
    for len in (0..input.len()).step_by(step + 1) {
        match reader.read(&input[..len]) {
            Ok(None) => {}
            Ok(Some(request)) => {
                let head_len = whole.as_ref().ok().and_then(Option::as_ref).map(|r| r.head_len);
                assert_eq!(head_len, Some(request.head_len));
                break;
            }
            Err(rejection) => {
                assert_eq!(whole.as_ref().err(), Some(&rejection));
                break;
            }
        }
    }
    match whole {
        Ok(None) => assert!(input.len() < MAX_HEAD_LEN),
        Ok(Some(request)) => accepted(&request, input),
        Err(rejection) => refused(rejection),
    }
}

fn accepted(request: &Request<'_>, input: &[u8]) {
    assert!(request.head_len <= input.len().min(MAX_HEAD_LEN));
    assert!(request.target.len() <= MAX_TARGET_LEN);
    assert!(request.headers.len() <= MAX_HEADERS);
    assert!(request.header("HOST").is_some());
    let upgrade = &request.upgrade;
    assert!(upgrade.protocols.len() <= MAX_PROTOCOLS);
    negotiation::check_bounds(&upgrade.extensions);
    let plain = upgrade.accept().to_bytes();
    let line = format!("\r\nSec-WebSocket-Accept: {}\r\n", accept_key(upgrade.key));
    assert!(String::from_utf8_lossy(&plain).contains(&line));
    one_head(&plain);
    for protocol in &upgrade.protocols {
        let chosen = upgrade.accept().protocol(protocol).map(|response| response.to_bytes());
        one_head(&chosen.unwrap_or_else(|error| panic!("{protocol:?} was offered: {error}")));
    }
    // Nothing that came in breaks a header of the answer, whatever a server may copy.
    let lines = String::from_utf8_lossy(input);
    for (name, value) in lines.split('\n').filter_map(|line| line.split_once(':')) {
        if let Ok(response) = upgrade.accept().header(name, value) {
            let bytes = response.to_bytes();
            one_head(&bytes);
            assert_eq!(bytes.len(), plain.len() + name.len() + value.len() + 4);
        }
    }
}

/// One head without a body, in lines that end with CR LF.
fn one_head(bytes: &[u8]) {
    assert!(bytes.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
    let text = String::from_utf8_lossy(bytes);
    assert_eq!(text.find("\r\n\r\n").map(|at| at + 4), Some(text.len()));
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    assert_eq!(text.matches('\r').count(), text.matches("\r\n").count());
}

fn refused(rejection: Rejection) {
    assert!((400..600).contains(&rejection.status()));
    let bytes = rejection.to_bytes();
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {} ", rejection.status())));
    assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())));
}
