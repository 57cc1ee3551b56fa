use std::fmt;

use spola_websocket::client::Target;

/// What a server answered to the request for an upgrade.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Response {
    /// Where the answer came from: the URL asked for, unless redirects were followed.
    pub target: Target,
    /// The status code; 101 if there is a WebSocket.
    pub status: u16,
    /// The header fields in order, at most 100.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Response {
    pub(super) fn of(target: &Target, status: u16, headers: &[(&str, &[u8])]) -> Self {
        let owned = |&(name, value): &(&str, &[u8])| (name.to_owned(), value.to_owned());
        Self { target: target.clone(), status, headers: headers.iter().map(owned).collect() }
    }

    /// The first value of the header called `name`, whatever the case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut fields = self.headers.iter();
        let field = fields.find(|(key, _)| key.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value.as_slice())
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered with status {}", self.target, self.status)
    }
}
