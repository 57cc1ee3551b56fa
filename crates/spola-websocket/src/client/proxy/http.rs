//! HTTP CONNECT (RFC 9110 §9.3.6).

use super::{Progress, ProxyError};
use crate::client::{Credentials, Host};
use crate::handshake::client::ResponseReader;

#[derive(Clone, Debug)]
pub(super) struct Http {
    reader: ResponseReader,
}

impl Http {
    pub(super) fn start(
        host: &Host,
        port: u16,
        credentials: Option<&Credentials>,
    ) -> (Vec<u8>, Self) {
        let mut head = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
        if let Some(credentials) = credentials {
            head.push_str("Proxy-Authorization: ");
            head.push_str(&credentials.basic());
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        (head.into_bytes(), Self { reader: ResponseReader::new() })
    }

    /// A success has no body, whatever its header says.
    pub(super) fn read(&mut self, input: &[u8]) -> Result<Progress, ProxyError> {
        match self.reader.read(input) {
            Ok(None) => Ok(Progress::NeedsInput),
            Ok(Some(head)) if (200..300).contains(&head.status) => {
                Ok(Progress::Open { consumed: head.head_len })
            }
            Ok(Some(head)) => Err(ProxyError::Status(head.status)),
            Err(_) => Err(ProxyError::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Proxy;
    use super::*;
    use crate::handshake::MAX_HEAD_LEN;

    fn start(url: &str, host: &str) -> (String, super::super::Negotiation) {
        let (bytes, talk) = Proxy::parse(url).unwrap().start(&Host::parse(host).unwrap(), 443);
        (String::from_utf8(bytes).unwrap(), talk)
    }

    #[test]
    fn the_proxy_is_asked_for_the_target_and_told_who_asks() {
        let (plain, _) = start("http://proxy:3128", "example.com");
        assert_eq!(plain, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
        let (known, _) = start("http://Aladdin:open%20sesame@proxy", "[::1]");
        assert_eq!(
            known,
            "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\
             Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"
        );
    }

    #[test]
    fn the_tunnel_is_open_after_a_success() {
        let answer = b"HTTP/1.0 200 Connection established\r\nContent-Length: 9\r\n\r\n";
        let (_, mut talk) = start("http://proxy", "h");
        for end in 0..answer.len() {
            assert_eq!(talk.read(&answer[..end]), Ok(Progress::NeedsInput));
        }
        let input = [&answer[..], b"from the target"].concat();
        assert_eq!(talk.read(&input), Ok(Progress::Open { consumed: answer.len() }));
    }

    #[test]
    fn refusals_and_other_protocols_are_errors() {
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(MAX_HEAD_LEN));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(101));
        for (answer, expected) in [
            ("HTTP/1.1 407 Who?\r\n\r\n", ProxyError::Status(407)),
            ("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 1\r\n\r\nx", ProxyError::Status(502)),
            ("HTTP/1.1 101 Hm\r\n\r\n", ProxyError::Status(101)),
            ("\x05\x00\r\n\r\n", ProxyError::Malformed),
            (&endless, ProxyError::Malformed),
            (&many, ProxyError::Malformed),
        ] {
            let (_, mut talk) = start("http://proxy", "h");
            assert_eq!(talk.read(answer.as_bytes()), Err(expected), "{answer}");
        }
    }
}
