//! What is different for clients of the protocol's revisions 4 and 3 (§22).

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _};

use bytestring::ByteString;
use spola_socketio_packet::{Encoded, Format, Namespace, NamespaceError, Packet, RawValue};

use super::{CloseReason, Connection};

/// A revision of the Socket.IO protocol. What carries the packets decides it: revision 5 comes over
/// Engine.IO 4, the others over Engine.IO 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Revision {
    /// Revisions 4 and 3, of `socket.io-client` 2 and 1: the root is joined without being asked for,
    /// credentials come in the query of a namespace, answers to a CONNECT have no id.
    V4,
    /// Revision 5, of `socket.io-client` 3 and later.
    #[default]
    V5,
}

/// What a refusal says of a namespace that does not exist, and an object in every revision.
const UNKNOWN: &str = "Invalid namespace";

impl Connection {
    /// Takes a CONNECT of revision 4 apart, whose namespace may be longer than one: it has the
    /// credentials in its query. What may stand behind it is ignored.
    pub(super) fn handle_legacy_connect(&mut self, name: &str) {
        if name.len() > self.max_auth_bytes as usize {
            return self.finish(CloseReason::Malformed(NamespaceError::TooLong(name.len()).into()));
        }
        match target(name) {
            Ok((namespace, auth)) => self.handle_connect(namespace, auth),
            Err(error) => self.finish(CloseReason::Malformed(error.into())),
        }
    }
}

/// The namespace of a CONNECT, as it stands there.
pub(super) fn connect_name(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('0')?;
    if !rest.starts_with('/') {
        return Some("/");
    }
    rest.split(',').next()
}

/// Brings the namespace of a packet to its normal form.
pub(super) fn normal_packet(mut packet: Packet) -> Result<Packet, NamespaceError> {
    let (Packet::Connect { namespace, .. }
    | Packet::ConnectError { namespace, .. }
    | Packet::Disconnect { namespace }
    | Packet::Event { namespace, .. }
    | Packet::Ack { namespace, .. }) = &mut packet;
    let auth = if is_normal(namespace) {
        None
    } else {
        let (name, auth) = target(namespace)?;
        *namespace = name;
        auth
    };
    if let Packet::Connect { auth: credentials, .. } = &mut packet {
        *credentials = auth;
    }
    Ok(packet)
}

/// The normal form of a namespace.
pub(super) fn normal(namespace: &Namespace) -> Result<Cow<'_, Namespace>, NamespaceError> {
    if is_normal(namespace) {
        return Ok(Cow::Borrowed(namespace));
    }
    target(namespace).map(|(namespace, _)| Cow::Owned(namespace))
}

/// The answer to a CONNECT that is accepted: the client knows its id by itself.
pub(super) fn connect_reply(format: &Format, prefix: &str, namespace: &Namespace) -> Encoded {
    format.encode(prefix, &Packet::Connect { namespace: namespace.clone(), auth: None })
}

/// The answer to a CONNECT that is refused: the data if it has any, or else the message. Only that a
/// namespace does not exist is told as in revision 5.
pub(super) fn connect_error(
    format: &Format,
    prefix: &str,
    namespace: &Namespace,
    message: &str,
    data: Option<&RawValue>,
) -> Encoded {
    let payload = match data.filter(|data| is_truthy(data.get())) {
        Some(data) => data.get().into(),
        None if message == UNKNOWN => serde_json::json!({ "message": message }).to_string(),
        None => serde_json::Value::from(message).to_string(),
    };
    let (namespace, payload) = (namespace.clone(), payload.into());
    format.encode(prefix, &Packet::ConnectError { namespace, payload })
}

/// Whether JavaScript takes a JSON value for true.
fn is_truthy(json: &str) -> bool {
    let zero = json.bytes().all(|byte| matches!(byte, b'0' | b'-' | b'.'));
    !zero && !matches!(json, "null" | "false" | "\"\"")
}

/// Whether a namespace is certain to be in its normal form.
fn is_normal(name: &str) -> bool {
    name.bytes()
        .all(|byte| matches!(byte, b'/' | b'-' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9'))
        && !name.starts_with("//")
}

/// Reads the namespace of a client as the official server does, as a URL without scheme and host: the
/// normal form of its path, and of its query an object of strings (§22).
fn target(name: &str) -> Result<(Namespace, Option<ByteString>), NamespaceError> {
    if name.contains(char::is_control) {
        return Err(NamespaceError::ControlCharacter);
    }
    let name = name.trim_end_matches(' ');
    let name = name.split('#').next().unwrap_or_default();
    let (path, query) = match name.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (name, None),
    };
    let namespace = normal_path(path)?;
    let auth = query.map(|query| {
        // Of a name that comes twice the last value counts.
        let fields: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).collect();
        ByteString::from(serde_json::to_string(&fields).unwrap_or_default())
    });
    Ok((namespace, auth))
}

/// The path of a URL, by the rules of the WHATWG: dots resolved, backslashes turned, and what a path
/// cannot hold percent-encoded. A path that begins with two slashes would name a host.
fn normal_path(path: &str) -> Result<Namespace, NamespaceError> {
    if path.len() > Namespace::MAX_LEN {
        return Err(NamespaceError::TooLong(path.len()));
    }
    let is_slash = |character| matches!(character, '/' | '\\');
    let path = path.strip_prefix('/').ok_or(NamespaceError::NoSlash)?;
    if path.starts_with(is_slash) {
        return Err(NamespaceError::NoSlash);
    }
    let mut segments = Vec::new();
    let mut parts = path.split(is_slash).peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        let dots = dots(part);
        if dots == Some(2) {
            segments.pop();
        }
        match dots {
            None => segments.push(part),
            Some(_) if is_last => segments.push(""),
            Some(_) => {}
        }
    }
    let mut normal = String::with_capacity(path.len() + 1);
    for segment in segments {
        normal.push('/');
        for byte in segment.bytes() {
            if is_path_byte(byte) {
                normal.push(char::from(byte));
            } else {
                // Writing into a `String` cannot fail.
                let _ = write!(normal, "%{byte:02X}");
            }
        }
    }
    if normal == "/" { Ok(Namespace::root()) } else { Namespace::new(normal) }
}

/// How many dots a segment of dots has, if it is one that stands for another place.
fn dots(segment: &str) -> Option<usize> {
    let mut rest = segment;
    let mut count = 0;
    while !rest.is_empty() {
        let dot = rest.strip_prefix('.').or(rest.strip_prefix("%2e")).or(rest.strip_prefix("%2E"));
        rest = dot?;
        count += 1;
    }
    (1..=2).contains(&count).then_some(count)
}

const fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(byte, b'"' | b'#' | b'<' | b'>' | b'?' | b'`' | b'{' | b'}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_urls() {
        let object = |json: &'static str| Some(ByteString::from_static(json));
        for (name, namespace, auth) in [
            ("/", "/", None),
            ("/admin", "/admin", None),
            ("/a/b/", "/a/b/", None),
            ("/a//b", "/a//b", None),
            ("/é b", "/%C3%A9%20b", None),
            ("/\"<>`{}[]'", "/%22%3C%3E%60%7B%7D[]'", None),
            ("/a;b=c:@&$!*()+^|~", "/a;b=c:@&$!*()+^|~", None),
            ("/a%zz%20", "/a%zz%20", None),
            ("/a\\b ", "/a/b", None),
            ("/a/../b", "/b", None),
            ("/a/./b/.", "/a/b/", None),
            ("/a/..", "/", None),
            ("/%2e%2E/.%2e/x/...", "/x/...", None),
            ("/a#b?c=1", "/a", None),
            ("/admin?token=1&x=%20a", "/admin", object(r#"{"token":"1","x":" a"}"#)),
            ("/admin?a=1&a=2+3&b#c", "/admin", object(r#"{"a":"2 3","b":""}"#)),
            ("/admin?", "/admin", object("{}")),
            ("/?a=%22", "/", object(r#"{"a":"\""}"#)),
        ] {
            let read = target(name).map(|(namespace, auth)| (namespace.to_string(), auth));
            assert_eq!(read, Ok((namespace.to_owned(), auth)), "{name}");
            assert_eq!(target(namespace).map(|(again, _)| again.to_string()), Ok(namespace.into()));
        }
        for name in ["", "admin", "//", "///", "//host/a", "/\\host", "/a\nb", "/a\u{7f}"] {
            assert!(target(name).is_err(), "{name:?}");
        }
        assert!(target(&format!("/{}?{}", "a".repeat(254), "b".repeat(5000))).is_ok());
        assert!(target(&format!("/{}", "a".repeat(255))).is_err());
        assert!(target(&format!("/{}", "é".repeat(50))).is_err(), "300 bytes once encoded");
    }
}
