use std::borrow::Cow;
use std::fmt;

use spola_websocket::handshake::HeaderError;

type Text = Cow<'static, str>;

/// What the application adds to the answer that accepts a request.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub(super) protocol: Option<Text>,
    pub(super) headers: Vec<(Text, Text)>,
}

impl Answer {
    /// Adds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses a subprotocol, whatever [`protocols`](super::Accept::protocols) says. One that the
    /// client did not offer is a mistake, and refused with 500.
    #[must_use]
    pub fn protocol(mut self, protocol: impl Into<Text>) -> Self {
        self.protocol = Some(protocol.into());
        self
    }

    /// Adds a header. One that cannot be sent, or that the handshake writes itself, is a mistake,
    /// and refused with 500.
    #[must_use]
    pub fn header(mut self, name: impl Into<Text>, value: impl Into<Text>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// The answer that refuses a request, with a status of HTTP.
#[derive(Clone, Debug)]
pub struct Refusal {
    status: u16,
    message: Text,
    headers: String,
}

impl Refusal {
    /// Refuses with `status`, one of 300 to 599 (any other becomes 500), and a plain text for the
    /// body.
    pub fn new(status: u16, message: impl Into<Text>) -> Self {
        let status = if (300..600).contains(&status) { status } else { 500 };
        Self { status, message: message.into(), headers: String::new() }
    }

    /// Adds a header, such as `Location` or `WWW-Authenticate`.
    ///
    /// # Errors
    /// When the line could break the response, or is one that is written here.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, HeaderError> {
        let in_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(in_token) {
            return Err(HeaderError::InvalidName);
        }
        if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(HeaderError::InvalidValue);
        }
        let own = ["connection", "content-length", "content-type", "transfer-encoding", "upgrade"];
        if own.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            return Err(HeaderError::Reserved);
        }
        for part in [name, ": ", value, "\r\n"] {
            self.headers.push_str(part);
        }
        Ok(self)
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let Self { status, message, headers } = self;
        let len = message.len();
        let response = format!(
            "HTTP/1.1 {status} \r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: {len}\r\n{headers}\r\n{message}"
        );
        response.into_bytes()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused with status {}: {}", self.status, self.message)
    }
}
