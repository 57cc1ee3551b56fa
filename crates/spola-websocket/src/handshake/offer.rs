use super::{
    HeaderError,
    client::HandshakeError,
    extension,
    header::{is_token, only},
};

#[cfg(feature = "deflate")]
use crate::deflate::{self, Agreement, Options};

/// What a client offers.
#[derive(Clone, Debug, Default)]
pub(super) struct Offer {
    protocols: Vec<String>,
    #[cfg(feature = "deflate")]
    deflate: Option<Options>,
}

/// What the server chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(not(feature = "http"), expect(unreachable_pub))]
pub struct Answer<'h> {
    /// The subprotocol, among those offered.
    pub protocol: Option<&'h str>,
    /// What became of the offer to compress: for `Connection::with_deflate`.
    #[cfg(feature = "deflate")]
    pub deflate: Option<Agreement>,
}

impl Offer {
    pub(super) fn protocol(&mut self, protocol: &str) -> Result<(), HeaderError> {
        if !is_token(protocol) {
            return Err(HeaderError::InvalidName);
        }
        if !self.protocols.iter().any(|offered| offered == protocol) {
            self.protocols.push(protocol.to_owned());
        }
        Ok(())
    }

    #[cfg(feature = "deflate")]
    pub(super) fn deflate(&mut self, options: Options) {
        self.deflate = Some(options);
    }

    /// The header lines that tell the offer.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&'static str, String)> {
        let protocols = (!self.protocols.is_empty())
            .then(|| ("Sec-WebSocket-Protocol", self.protocols.join(", ")));
        #[cfg(feature = "deflate")]
        let extensions = self
            .deflate
            .as_ref()
            .map(|options| ("Sec-WebSocket-Extensions", deflate::offer(options)));
        #[cfg(not(feature = "deflate"))]
        let extensions = None;
        protocols.into_iter().chain(extensions)
    }

    /// Whether the response's headers stay within the offer.
    pub(super) fn check<'h>(
        &self,
        headers: impl Iterator<Item = (&'h str, &'h [u8])> + Clone,
    ) -> Result<Answer<'h>, HandshakeError> {
        let extensions = match only(headers.clone(), "sec-websocket-extensions") {
            Ok(None) => Vec::new(),
            Ok(Some(value)) => extension::parse_all(value).ok_or(HandshakeError::Extension)?,
            Err(()) => return Err(HandshakeError::Extension),
        };
        #[cfg(feature = "deflate")]
        if let Some(options) = &self.deflate {
            let deflate = Agreement::from_response(&extensions, options)?;
            return Ok(Answer { protocol: self.chosen(headers)?, deflate });
        }
        if !extensions.is_empty() {
            return Err(HandshakeError::Extension);
        }
        Ok(Answer {
            protocol: self.chosen(headers)?,
            #[cfg(feature = "deflate")]
            deflate: None,
        })
    }

    fn chosen<'h>(
        &self,
        headers: impl Iterator<Item = (&'h str, &'h [u8])>,
    ) -> Result<Option<&'h str>, HandshakeError> {
        let protocol = only(headers, "sec-websocket-protocol");
        let Some(protocol) = protocol.map_err(|()| HandshakeError::Protocol)? else {
            return Ok(None);
        };
        str::from_utf8(protocol.trim_ascii())
            .ok()
            .filter(|protocol| self.protocols.iter().any(|offered| offered == protocol))
            .map(Some)
            .ok_or(HandshakeError::Protocol)
    }
}
