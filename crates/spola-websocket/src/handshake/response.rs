use super::{
    MAX_HEADERS,
    client::HandshakeError,
    header::{HeadEnd, all},
    server::HttpVersion,
};

/// Reads the head of any HTTP/1 response, which may arrive in pieces.
///
/// A [`Handshake`](super::client::Handshake) needs none: this is for the refused client that wants
/// to know more, such as `Location` or `WWW-Authenticate`.
///
/// ```
/// use spola_websocket::handshake::client::ResponseReader;
///
/// let input = b"HTTP/1.1 302 Found\r\nLocation: /chat\r\n\r\n";
/// let head = ResponseReader::new().read(input)?.expect("a whole head");
/// assert_eq!(head.status, 302);
/// assert_eq!(head.header("location"), Some(&b"/chat"[..]));
/// # Ok::<(), spola_websocket::handshake::client::HandshakeError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ResponseReader {
    end: HeadEnd,
}

impl ResponseReader {
    /// A reader at the start of a response.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the head at the start of `input`, which is all that has arrived so far; `None` until
    /// it is complete.
    ///
    /// # Errors
    /// When it is too long, has too many fields, or is none.
    pub fn read<'a>(
        &mut self,
        input: &'a [u8],
    ) -> Result<Option<ResponseHead<'a>>, HandshakeError> {
        let Some(head_len) = self.end.find(input).map_err(|_| HandshakeError::HeadTooLong)? else {
            return Ok(None);
        };
        let head = input.get(..head_len).unwrap_or_default();
        let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut fields);
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(_)) => {}
            Err(httparse::Error::TooManyHeaders) => return Err(HandshakeError::TooManyHeaders),
            Ok(httparse::Status::Partial) | Err(_) => return Err(HandshakeError::Malformed),
        }
        let headers = parsed.headers.iter().map(|field| (field.name, field.value)).collect();
        let status = parsed.code.ok_or(HandshakeError::Malformed)?;
        let version = match parsed.version {
            Some(1) => HttpVersion::Http11,
            _ => HttpVersion::Http10,
        };
        Ok(Some(ResponseHead { status, version, headers, head_len }))
    }
}

/// The head of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseHead<'a> {
    /// The status code.
    pub status: u16,
    /// The version of HTTP.
    pub version: HttpVersion,
    /// The header fields in order, at most 100.
    pub headers: Vec<(&'a str, &'a [u8])>,
    /// Bytes the head took of the input.
    pub head_len: usize,
}

impl<'a> ResponseHead<'a> {
    /// The first value of the header called `name`, whatever the case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        all(self.headers.iter().copied(), name).next()
    }
}
