//! SOCKS5 (RFC 1928), with a user and a password (RFC 1929).
//!
//! ```text
//! client  greeting ──────────── credentials ─────────── request ──────────
//!                  \          /    (if asked)  \       /         \
//! proxy             ── method ─                 status            ── reply
//!         Awaits::Method         Awaits::Status          Awaits::Reply
//! ```

use super::{Progress, ProxyError};
use crate::client::{Credentials, Host};

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_PASSWORD: u8 = 2;
/// The version of the talk about credentials (RFC 1929 §2).
const USER_PASSWORD_VERSION: u8 = 1;
const CONNECT: u8 = 1;

const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

#[derive(Clone, Debug)]
pub(super) struct Socks5 {
    request: Vec<u8>,
    credentials: Option<Credentials>,
    awaits: Awaits,
}

#[derive(Clone, Copy, Debug)]
enum Awaits {
    /// Which of the methods offered the proxy takes.
    Method,
    /// Whether it knows the credentials.
    Status,
    /// Whether it could connect.
    Reply,
}

/// Whether SOCKS can carry the credentials: a user of 1 to 255 bytes, a password of at most 255.
/// (RFC 1929 wants one byte of it, too; proxies that go by the user alone do not.)
pub(super) fn can_carry(credentials: &Credentials) -> bool {
    !credentials.user().is_empty()
        && length(credentials.user()).is_some()
        && length(credentials.password()).is_some()
}

impl Socks5 {
    pub(super) fn start(
        host: &Host,
        port: u16,
        credentials: Option<Credentials>,
    ) -> (Vec<u8>, Self) {
        let greeting = match credentials {
            Some(_) => vec![VERSION, 2, NO_AUTHENTICATION, USER_PASSWORD],
            None => vec![VERSION, 1, NO_AUTHENTICATION],
        };
        let request = request(host, port);
        (greeting, Self { request, credentials, awaits: Awaits::Method })
    }

    pub(super) fn read(&mut self, input: &[u8]) -> Result<Progress, ProxyError> {
        match self.awaits {
            Awaits::Method => self.read_method(input),
            Awaits::Status => self.read_status(input),
            Awaits::Reply => read_reply(input),
        }
    }

    fn read_method(&mut self, input: &[u8]) -> Result<Progress, ProxyError> {
        match (input, &self.credentials) {
            ([] | [VERSION], _) => Ok(Progress::NeedsInput),
            ([VERSION, NO_AUTHENTICATION, ..], _) => Ok(self.ask()),
            ([VERSION, USER_PASSWORD, ..], Some(credentials)) => {
                let reply = introduce(credentials);
                self.awaits = Awaits::Status;
                Ok(Progress::Reply { consumed: 2, reply })
            }
            ([VERSION, ..], _) => Err(ProxyError::Method),
            _ => Err(ProxyError::Malformed),
        }
    }

    fn read_status(&mut self, input: &[u8]) -> Result<Progress, ProxyError> {
        match input {
            [] | [USER_PASSWORD_VERSION] => Ok(Progress::NeedsInput),
            [USER_PASSWORD_VERSION, 0, ..] => Ok(self.ask()),
            [USER_PASSWORD_VERSION, ..] => Err(ProxyError::Credentials),
            _ => Err(ProxyError::Malformed),
        }
    }

    fn ask(&mut self) -> Progress {
        self.awaits = Awaits::Reply;
        Progress::Reply { consumed: 2, reply: std::mem::take(&mut self.request) }
    }
}

/// The reply names the address the proxy connected from, which is nothing to us but its length.
fn read_reply(input: &[u8]) -> Result<Progress, ProxyError> {
    let (kind, rest) = match input {
        [VERSION, 0, 0, kind, rest @ ..] => (*kind, rest),
        [] | [VERSION] | [VERSION, 0] | [VERSION, 0, 0] => return Ok(Progress::NeedsInput),
        [VERSION, code, ..] if *code != 0 => return Err(ProxyError::Refused(*code)),
        _ => return Err(ProxyError::Malformed),
    };
    let address = match (kind, rest) {
        (IPV4, _) => 4,
        (IPV6, _) => 16,
        (NAME, [len, ..]) => 1 + usize::from(*len),
        (NAME, []) => return Ok(Progress::NeedsInput),
        _ => return Err(ProxyError::Malformed),
    };
    let consumed = 4 + address + 2;
    let complete = input.len() >= consumed;
    Ok(if complete { Progress::Open { consumed } } else { Progress::NeedsInput })
}

fn request(host: &Host, port: u16) -> Vec<u8> {
    let mut request = vec![VERSION, CONNECT, 0];
    match host {
        Host::V4(address) => {
            request.push(IPV4);
            request.extend(address.octets());
        }
        Host::V6(address) => {
            request.push(IPV6);
            request.extend(address.octets());
        }
        Host::Name(name) => {
            request.push(NAME);
            push_counted(&mut request, name);
        }
    }
    request.extend(port.to_be_bytes());
    request
}

fn introduce(credentials: &Credentials) -> Vec<u8> {
    let mut reply = vec![USER_PASSWORD_VERSION];
    push_counted(&mut reply, credentials.user());
    push_counted(&mut reply, credentials.password());
    reply
}

/// A text with its length before it. Neither names of hosts nor the credentials of a [`Proxy`] are
/// longer than the byte can say; what is, is cut, and refused by the proxy.
///
/// [`Proxy`]: super::Proxy
fn push_counted(out: &mut Vec<u8>, text: &str) {
    let len = length(text).unwrap_or(u8::MAX);
    out.push(len);
    out.extend(text.bytes().take(usize::from(len)));
}

fn length(text: &str) -> Option<u8> {
    text.len().try_into().ok()
}

/// What a code of RFC 1928 §6 means.
pub(super) const fn meaning(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "unassigned reply",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Negotiation, Proxy};
    use super::*;

    fn start(url: &str, host: &str) -> (Vec<u8>, Negotiation) {
        Proxy::parse(url).unwrap().start(&Host::parse(host).unwrap(), 0x0102)
    }

    fn reply(reply: &[u8]) -> Result<Progress, ProxyError> {
        Ok(Progress::Reply { consumed: 2, reply: reply.to_vec() })
    }

    #[test]
    fn a_proxy_that_asks_nobody_is_given_the_target() {
        let v6 = [&b"\x05\x01\x00\x04"[..], &[0; 15], &[1, 1, 2]].concat();
        for (host, request) in [
            ("1.2.3.4", &b"\x05\x01\x00\x01\x01\x02\x03\x04\x01\x02"[..]),
            ("[::1]", &v6),
            ("example.com", b"\x05\x01\x00\x03\x0bexample.com\x01\x02"),
        ] {
            let (greeting, mut talk) = start("socks5://p", host);
            assert_eq!(greeting, [5, 1, 0]);
            assert_eq!(talk.read(b"\x05\x00"), reply(request), "{host}");
        }
    }

    #[test]
    fn a_proxy_that_asks_is_told_user_and_password() {
        let (greeting, mut talk) = start("socks5://me:secret@p", "h");
        assert_eq!(greeting, [5, 2, 0, 2]);
        assert_eq!(talk.read(b"\x05\x02"), reply(b"\x01\x02me\x06secret"));
        assert_eq!(talk.read(b"\x01\x00"), reply(b"\x05\x01\x00\x03\x01h\x01\x02"));
        assert_eq!(
            talk.read(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50target"),
            Ok(Progress::Open { consumed: 10 })
        );
    }

    #[test]
    fn the_answers_may_come_byte_by_byte() {
        let v6 = [&b"\x05\x00\x00\x04"[..], &[7; 18]].concat();
        for last in [
            &b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50"[..],
            b"\x05\x00\x00\x03\x02ab\x00\x50",
            &v6,
        ] {
            let (_, mut talk) = start("socks5://me:secret@p", "h");
            for answer in [b"\x05\x02", b"\x01\x00"] {
                assert_eq!(talk.read(&answer[..0]), Ok(Progress::NeedsInput));
                assert_eq!(talk.read(&answer[..1]), Ok(Progress::NeedsInput));
                assert!(matches!(talk.read(answer), Ok(Progress::Reply { consumed: 2, .. })));
            }
            for end in 0..last.len() {
                assert_eq!(talk.read(&last[..end]), Ok(Progress::NeedsInput), "{end}");
            }
            assert_eq!(talk.read(last), Ok(Progress::Open { consumed: last.len() }));
        }
    }

    #[test]
    fn refusals_are_errors_wherever_they_come() {
        for (answers, expected) in [
            (&[&b"\x04\x00"[..]][..], ProxyError::Malformed),
            (&[b"HT"], ProxyError::Malformed),
            (&[b"\x05\xff"], ProxyError::Method),
            (&[b"\x05\x01"], ProxyError::Method),
            (&[b"\x05\x02", b"\x01\x01"], ProxyError::Credentials),
            (&[b"\x05\x02", b"\x05\x00"], ProxyError::Malformed),
            (&[b"\x05\x00", b"\x05\x05"], ProxyError::Refused(5)),
            (&[b"\x05\x00", b"\x05\x02\x00\x01\0\0\0\0\0\0"], ProxyError::Refused(2)),
            (&[b"\x05\x00", b"\x05\x00\x01"], ProxyError::Malformed),
            (&[b"\x05\x00", b"\x05\x00\x00\x02"], ProxyError::Malformed),
            (&[b"\x05\x00", b"\x04\x00"], ProxyError::Malformed),
        ] {
            let (_, mut talk) = start("socks5://me:secret@p", "h");
            let outcomes: Vec<_> = answers.iter().map(|answer| talk.read(answer)).collect();
            assert_eq!(outcomes.last(), Some(&Err(expected)), "{answers:?}");
        }
        // A method that was not offered, when there are no credentials.
        let (_, mut talk) = start("socks5://p", "h");
        assert_eq!(talk.read(b"\x05\x02"), Err(ProxyError::Method));
    }
}
