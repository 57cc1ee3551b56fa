use std::{error, fmt, str::FromStr};

use super::credentials::percent_decode;
use super::{Credentials, Host};
use crate::handshake::{client::Request, server::MAX_TARGET_LEN};

/// The longest URL: 8 KiB, as servers limit the request's target.
const MAX_URL_LEN: usize = MAX_TARGET_LEN;

/// Where a WebSocket client is to go: a URL, parsed.
///
/// `ws://` and `wss://`, and `http://` and `https://` as other names for them;
/// `ws+unix:///run/app.sock:/chat` for the path `/chat` at the Unix socket `/run/app.sock`. A user
/// and a password before the host become basic authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    place: Place,
    secure: bool,
    /// Path and query, as they go into the request.
    path: String,
    credentials: Option<Credentials>,
}

/// What to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A host and a port.
    Tcp {
        /// The host, to be resolved if it is a name.
        host: Host,
        /// The port, never 0.
        port: u16,
    },
    /// A Unix socket, by the absolute path of its file.
    Unix(String),
}

impl Target {
    /// Parses a URL.
    ///
    /// Stricter than browsers: nothing is corrected. What is not ASCII, or is a space, a control
    /// character or a backslash, must have been percent-encoded.
    ///
    /// # Errors
    /// When it is no URL of a WebSocket.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        if url.len() > MAX_URL_LEN {
            return Err(TargetError::TooLong);
        }
        if !url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return Err(TargetError::Character);
        }
        if url.contains('#') {
            return Err(TargetError::Fragment);
        }
        let (scheme, rest) = url.split_once(':').ok_or(TargetError::Scheme)?;
        let secure = match &*scheme.to_ascii_lowercase() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            "ws+unix" => return Self::unix(rest),
            _ => return Err(TargetError::Scheme),
        };
        let rest = rest.strip_prefix("//").ok_or(TargetError::Host)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port, credentials) = parse_authority(authority)?;
        let port = port.unwrap_or(default_port(secure));
        let place = Place::Tcp { host, port };
        Ok(Self { place, secure, path: rooted(path), credentials })
    }

    /// What follows `ws+unix:`: the socket's path, then a colon and the request's.
    fn unix(rest: &str) -> Result<Self, TargetError> {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (socket, path) = rest.split_once(':').unwrap_or((rest, ""));
        if socket.contains('?') {
            return Err(TargetError::Path);
        }
        let socket = percent_decode(socket).ok_or(TargetError::Path)?;
        // A control character could only be meant to cheat; NUL would cut the path short.
        let sound =
            socket.len() > 1 && !socket.contains(|c: char| c.is_ascii_control() || c == '?');
        if !socket.starts_with('/') || !sound || !(path.is_empty() || path.starts_with(['/', '?']))
        {
            return Err(TargetError::Path);
        }
        let place = Place::Unix(socket);
        Ok(Self { place, secure: false, path: rooted(path), credentials: None })
    }

    /// What to connect to.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Whether TLS lies between the socket and the WebSocket.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Path and query, starting with a slash.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value of `Host`: without the port if it is the scheme's own, and `localhost` for a Unix
    /// socket.
    #[must_use]
    pub fn host(&self) -> String {
        match &self.place {
            Place::Tcp { host, port } if *port == default_port(self.secure) => host.to_string(),
            Place::Tcp { host, port } => format!("{host}:{port}"),
            Place::Unix(_) => "localhost".to_owned(),
        }
    }

    /// The user and the password that stood in the URL.
    #[must_use]
    pub const fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The same target with other credentials, or none.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Option<Credentials>) -> Self {
        self.credentials = credentials;
        self
    }

    /// Whether both are on one server: scheme, host and port, or the Unix socket, are the same.
    #[must_use]
    pub fn same_origin(&self, other: &Self) -> bool {
        self.secure == other.secure && self.place == other.place
    }

    /// The request for an upgrade, with the credentials if there are any.
    #[must_use]
    pub fn request(&self) -> Request {
        let authorization = self.credentials.as_ref().map(Credentials::basic);
        Request::to(&self.host(), &self.path, authorization.as_deref())
    }

    /// The same place and credentials with another path and query.
    pub(super) fn with_path(&self, path: &str) -> Self {
        Self { path: rooted(path), ..self.clone() }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(url: &str) -> Result<Self, TargetError> {
        Self::parse(url)
    }
}

/// As a URL, without the credentials.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { .. } => {
                let scheme = if self.secure { "wss" } else { "ws" };
                write!(f, "{scheme}://{}{}", self.host(), self.path)
            }
            Place::Unix(socket) => {
                f.write_str("ws+unix://")?;
                for byte in socket.bytes() {
                    match byte {
                        b'%' | b':' | b'?' | b'#' | b'\\' => write!(f, "%{byte:02X}")?,
                        byte if byte.is_ascii_graphic() => write!(f, "{}", char::from(byte))?,
                        byte => write!(f, "%{byte:02X}")?,
                    }
                }
                write!(f, ":{}", self.path)
            }
        }
    }
}

/// Why a text is no URL of a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// More than 8 KiB.
    TooLong,
    /// A space, a control character, a backslash or non-ASCII.
    Character,
    /// Neither `ws`, `wss`, `http`, `https` nor `ws+unix`.
    Scheme,
    /// No host, or what is none.
    Host,
    /// A port that is 0, too large or no number.
    Port,
    /// A user and password that are wrongly encoded, hold control characters, or `@` twice.
    Credentials,
    /// No absolute path of a Unix socket, or no path after its colon.
    Path,
    /// A fragment: RFC 6455 §3 forbids it.
    Fragment,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "URL too long",
            Self::Character => "a character that must be percent-encoded in a URL",
            Self::Scheme => "not the URL of a WebSocket",
            Self::Host => "no valid host in the URL",
            Self::Port => "no valid port in the URL",
            Self::Credentials => "no valid user and password in the URL",
            Self::Path => "no valid path of a socket in the URL",
            Self::Fragment => "a fragment in the URL",
        })
    }
}

impl error::Error for TargetError {}

/// `user:password@host:port`, of which only the host must be there.
pub(super) fn parse_authority(
    authority: &str,
) -> Result<(Host, Option<u16>, Option<Credentials>), TargetError> {
    let (userinfo, rest) = match authority.split_once('@') {
        // Readers that disagree on which `@` counts would go to different hosts.
        Some((_, rest)) if rest.contains('@') => return Err(TargetError::Credentials),
        Some((userinfo, rest)) => (userinfo, rest),
        None => ("", authority),
    };
    let credentials = match userinfo {
        "" => None,
        userinfo => Some(Credentials::parse(userinfo).ok_or(TargetError::Credentials)?),
    };
    let bracket = rest.rfind(']').unwrap_or_default();
    let colon = rest.get(bracket..).and_then(|end| end.find(':')).map(|at| bracket + at);
    let (host, port) = rest.split_at(colon.unwrap_or(rest.len()));
    let host = Host::parse(host).ok_or(TargetError::Host)?;
    let port = match port.trim_start_matches(':') {
        _ if port.starts_with("::") => return Err(TargetError::Port),
        "" => None,
        port => Some(parse_port(port).ok_or(TargetError::Port)?),
    };
    Ok((host, port, credentials))
}

/// Digits only: `u16::from_str` would take a sign.
fn parse_port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok().filter(|&port| port != 0)).flatten()
}

const fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// A path that may be empty or only a query, with its slash.
fn rooted(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(url: &str) -> Result<(Place, bool, String), TargetError> {
        Target::parse(url).map(|target| (target.place, target.secure, target.path))
    }

    fn tcp(host: &str, port: u16) -> Place {
        Place::Tcp { host: Host::parse(host).unwrap(), port }
    }

    #[test]
    fn urls_are_taken_apart() {
        for (url, place, secure, path) in [
            ("ws://example.com", tcp("example.com", 80), false, "/"),
            ("wss://example.com", tcp("example.com", 443), true, "/"),
            ("http://example.com/a", tcp("example.com", 80), false, "/a"),
            ("HTTPS://Example.com:8443/a/?b=c", tcp("example.com", 8443), true, "/a/?b=c"),
            ("ws://h?q=/@:", tcp("h", 80), false, "/?q=/@:"),
            ("ws://h:/", tcp("h", 80), false, "/"),
            ("ws://h:0080/", tcp("h", 80), false, "/"),
            ("ws://127.0.0.1:65535/%20", tcp("127.0.0.1", 65535), false, "/%20"),
            ("ws://[::1]/", tcp("[::1]", 80), false, "/"),
            ("wss://u:p@[::1]:1/a@b", tcp("[::1]", 1), true, "/a@b"),
            (
                "ws+unix:///run/a.sock:/chat?x=1",
                Place::Unix("/run/a.sock".into()),
                false,
                "/chat?x=1",
            ),
            ("ws+unix:/run/a%3Ab", Place::Unix("/run/a:b".into()), false, "/"),
            ("ws+unix:///run/a:?x", Place::Unix("/run/a".into()), false, "/?x"),
        ] {
            assert_eq!(show(url), Ok((place, secure, path.to_owned())), "{url}");
        }
    }

    #[test]
    fn faults_are_named() {
        let long = "ws://h/".to_owned() + &"x".repeat(MAX_URL_LEN);
        for (url, expected) in [
            (&*long, TargetError::TooLong),
            ("", TargetError::Scheme),
            ("example.com", TargetError::Scheme),
            ("//example.com", TargetError::Scheme),
            ("ftp://h/", TargetError::Scheme),
            ("ws:h", TargetError::Host),
            ("ws:/h", TargetError::Host),
            ("ws://", TargetError::Host),
            ("ws:///path", TargetError::Host),
            ("ws://:80/", TargetError::Host),
            ("ws://[::1/", TargetError::Host),
            ("ws://[::1]x:80/", TargetError::Host),
            ("ws://a%62c/", TargetError::Host),
            ("ws://127.1/", TargetError::Host),
            ("ws://h:x/", TargetError::Port),
            ("ws://h:+80/", TargetError::Port),
            ("ws://h:0/", TargetError::Port),
            ("ws://h:65536/", TargetError::Port),
            ("ws://h:80:80/", TargetError::Port),
            ("ws://h::80/", TargetError::Port),
            ("ws://a@b@h/", TargetError::Credentials),
            ("ws://%@h/", TargetError::Credentials),
            ("ws://a%0d%0ab@h/", TargetError::Credentials),
            ("ws://h/#f", TargetError::Fragment),
            ("ws://h#f", TargetError::Fragment),
            ("ws://h/a b", TargetError::Character),
            ("ws://h/\r\nX: y", TargetError::Character),
            (" ws://h/", TargetError::Character),
            ("ws://h/ü", TargetError::Character),
            ("ws://good.example\\@evil.example/", TargetError::Character),
            ("ws+unix://host/a.sock", TargetError::Path),
            ("ws+unix:a.sock", TargetError::Path),
            ("ws+unix:///", TargetError::Path),
            ("ws+unix:///a:b", TargetError::Path),
            ("ws+unix:///a%00b", TargetError::Path),
            ("ws+unix:///a?b", TargetError::Path),
        ] {
            assert_eq!(show(url).err(), Some(expected), "{url:?}");
        }
    }

    #[test]
    fn the_host_header_names_only_unusual_ports() {
        for (url, host) in [
            ("ws://h:80/", "h"),
            ("ws://h:443/", "h:443"),
            ("wss://h:443/", "h"),
            ("wss://h:80/", "h:80"),
            ("ws://[::1]:8080/", "[::1]:8080"),
            ("ws+unix:///a.sock", "localhost"),
        ] {
            assert_eq!(Target::parse(url).unwrap().host(), host, "{url}");
        }
    }

    #[test]
    fn credentials_go_into_the_request_and_not_into_what_is_shown() {
        let target = Target::parse("ws://Aladdin:open%20sesame@h/x").unwrap();
        let mut nonce = |buffer: &mut [u8]| buffer.fill(0);
        let (bytes, _) = target.request().start(&mut nonce);
        let head = String::from_utf8(bytes).unwrap();
        assert!(head.starts_with("GET /x HTTP/1.1\r\nHost: h\r\n"), "{head}");
        let authorization = "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n";
        assert!(head.contains(authorization), "{head}");
        assert_eq!(target.to_string(), "ws://h/x");
        for shown in [format!("{target:?}"), format!("{:?}", target.request())] {
            assert!(!shown.contains("sesame") && !shown.contains("QWxhZGRpb"), "{shown}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_what_parses_is_shown_as_it_parses(
            text in "((wss?://|ws\\+unix://)?[a-z0-9:/?@%\\[\\].#-]{0,20}|ws\\+unix:///[a-c%235cf3a:]{9})",
        ) {
            if let Ok(target) = Target::parse(&text) {
                let mut nonce = |buffer: &mut [u8]| buffer.fill(0);
                let (bytes, _) = target.request().start(&mut nonce);
                let mut reader = crate::handshake::server::RequestReader::new();
                proptest::prop_assert!(matches!(reader.read(&bytes), Ok(Some(_))));
                let shown = Target::parse(&target.to_string());
                proptest::prop_assert_eq!(shown, Ok(target.with_credentials(None)));
            }
        }
    }
}
