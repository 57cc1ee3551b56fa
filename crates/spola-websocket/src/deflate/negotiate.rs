use crate::handshake::{ExtensionOffer, client::HandshakeError};

use super::parameters::{ClientWindowBits, NAME, Parameters};

/// What an endpoint wants of permessage-deflate, whichever its role.
///
/// Compression tells the length of what was compressed, and so of secrets that stand in one message
/// with text of the peer's choosing: send such messages uncompressed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Keep the compressor's window from message to message, if the peer allows it: small messages
    /// that are alike shrink much more, and the connection owns a [`Deflater`](super::Deflater).
    /// Default: false.
    pub outgoing_context_takeover: bool,
    /// Allow the peer to do so; the connection then owns an [`Inflater`](super::Inflater).
    /// Default: false.
    pub incoming_context_takeover: bool,
    /// The most bits for the window of our compressor, from 9 to 15; what is beyond is taken as the
    /// nearest. A peer may ask for less. Default: 15.
    pub outgoing_window_bits: u8,
    /// The most bits for the window of the peer's compressor, from 8 to 15; what is beyond is taken
    /// as the nearest. A peer that cannot be held to it gets no compression. Less than 15 is of no
    /// use to us: the decompressor's window has a fixed size. Default: 15.
    pub incoming_window_bits: u8,
    /// From 0 (store) to 9 (small and slow). Default: 1, which on JSON of 16 KiB leaves 22 % in
    /// 18 µs, where 2 leaves 16 % in 34 µs and 6 leaves 14 % in 80 µs. Level 1 finds repetitions
    /// only: take 2 for text in which nothing repeats, or base64.
    pub level: u8,
    /// Messages with fewer bytes are sent uncompressed, unless asked otherwise. Default: 1024.
    pub threshold: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            outgoing_context_takeover: false,
            incoming_context_takeover: false,
            outgoing_window_bits: 15,
            incoming_window_bits: 15,
            level: 1,
            threshold: 1024,
        }
    }
}

impl Options {
    fn outgoing_bits(&self) -> u8 {
        self.outgoing_window_bits.clamp(9, 15)
    }

    fn incoming_bits(&self) -> u8 {
        self.incoming_window_bits.clamp(8, 15)
    }
}

/// How one direction of a connection is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Direction {
    /// Whether the window outlives a message. If not, each message is compressed by itself.
    pub context_takeover: bool,
    /// The most bits that the compressor's window has: 8 to 15.
    pub window_bits: u8,
}

/// What both ends agreed on, seen from one of them. A connection with it knows no roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    outgoing: Direction,
    incoming: Direction,
    level: u8,
    threshold: usize,
    response: Parameters,
}

impl Agreement {
    /// The server's half: takes the first acceptable one among the `offers` of a request; `None`
    /// if none is, and then the answer names no permessage-deflate.
    ///
    /// An offer is declined if a parameter is unknown, repeated or has a wrong value, if it wants a
    /// window of 8 bits from us, which our compressor does not have, or if it does not let us limit
    /// the client's window where [`Options::incoming_window_bits`] wants to.
    #[must_use]
    pub fn accept(offers: &[ExtensionOffer<'_>], options: &Options) -> Option<Self> {
        offers
            .iter()
            .filter(|offer| offer.name == NAME)
            .filter_map(Parameters::parse)
            .find_map(|offer| accept_one(offer, options))
    }

    /// The client's half: what becomes of an [`offer`] with `options`, judging by the elements of
    /// the server's response. `Ok(None)`: the server declined.
    ///
    /// # Errors
    /// [`HandshakeError::Extension`] if the response names another extension, or this one twice; if
    /// a parameter is unknown, repeated or has a wrong value; or if the response does not stay
    /// within the offer. A client that finds out late closes with 1010.
    pub fn from_response(
        elements: &[ExtensionOffer<'_>],
        options: &Options,
    ) -> Result<Option<Self>, HandshakeError> {
        let response = match elements {
            [] => return Ok(None),
            [element] if element.name == NAME => Parameters::parse(element),
            _ => None,
        };
        response
            .and_then(|response| conclude(offered(options), response, options))
            .map(Some)
            .ok_or(HandshakeError::Extension)
    }

    /// How what we send is compressed. `None`: not at all, since the server wants a window of 8
    /// bits, which our compressor does not have. To receive compressed messages is still agreed.
    #[must_use]
    pub fn outgoing(&self) -> Option<Direction> {
        (self.outgoing.window_bits > 8).then_some(self.outgoing)
    }

    /// How what we receive is compressed.
    #[must_use]
    pub const fn incoming(&self) -> Direction {
        self.incoming
    }

    /// The level of our compressor, from 0 to 9.
    #[must_use]
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// Messages with fewer bytes are sent uncompressed, unless asked otherwise.
    #[must_use]
    pub const fn threshold(&self) -> usize {
        self.threshold
    }

    /// The response's element of `Sec-WebSocket-Extensions` that makes this agreement.
    #[must_use]
    pub fn to_header(&self) -> String {
        self.response.to_string()
    }

    const fn new(
        outgoing: Direction,
        incoming: Direction,
        options: &Options,
        response: Parameters,
    ) -> Self {
        let level = if options.level > 9 { 9 } else { options.level };
        Self { outgoing, incoming, level, threshold: options.threshold, response }
    }
}

/// The element of `Sec-WebSocket-Extensions` with which a client offers what `options` say.
///
/// It always lets the server limit the client's window.
#[must_use]
pub fn offer(options: &Options) -> String {
    offered(options).to_string()
}

fn offered(options: &Options) -> Parameters {
    Parameters {
        server_no_context_takeover: !options.incoming_context_takeover,
        client_no_context_takeover: !options.outgoing_context_takeover,
        server_max_window_bits: below_15(options.incoming_bits()),
        client_max_window_bits: Some(
            below_15(options.outgoing_bits()).map_or(ClientWindowBits::Any, ClientWindowBits::Max),
        ),
    }
}

/// The server's answer to one sound offer (RFC 7692 §7.1).
fn accept_one(offer: Parameters, options: &Options) -> Option<Agreement> {
    let outgoing = Direction {
        context_takeover: options.outgoing_context_takeover && !offer.server_no_context_takeover,
        window_bits: options.outgoing_bits().min(offer.server_max_window_bits.unwrap_or(15)),
    };
    if outgoing.window_bits < 9 {
        return None;
    }
    // A client that tells a value keeps to it anyway; one that tells nothing cannot be asked.
    let limit = options.incoming_bits();
    let (window_bits, asked) = match offer.client_max_window_bits {
        None if limit < 15 => return None,
        None => (15, None),
        Some(ClientWindowBits::Any) => (limit, below_15(limit)),
        Some(ClientWindowBits::Max(bits)) => (limit.min(bits), (limit < bits).then_some(limit)),
    };
    let incoming = Direction {
        context_takeover: options.incoming_context_takeover && !offer.client_no_context_takeover,
        window_bits,
    };
    let response = Parameters {
        server_no_context_takeover: !outgoing.context_takeover,
        client_no_context_takeover: !incoming.context_takeover,
        server_max_window_bits: offer
            .server_max_window_bits
            .map(|_| outgoing.window_bits)
            .or_else(|| below_15(outgoing.window_bits)),
        client_max_window_bits: asked.map(ClientWindowBits::Max),
    };
    Some(Agreement::new(outgoing, incoming, options, response))
}

/// What a response makes of a client's offer; `None` if it does not stay within (RFC 7692 §7.1).
fn conclude(offer: Parameters, response: Parameters, options: &Options) -> Option<Agreement> {
    if offer.server_no_context_takeover && !response.server_no_context_takeover {
        return None;
    }
    let incoming_bits = match (offer.server_max_window_bits, response.server_max_window_bits) {
        (None, None) => 15,
        (None, Some(bits)) => bits,
        (Some(limit), Some(bits)) if bits <= limit => bits,
        (Some(_), _) => return None,
    };
    let outgoing_bits = match (offer.client_max_window_bits, response.client_max_window_bits) {
        (_, None) => options.outgoing_bits(),
        (Some(ClientWindowBits::Any), Some(ClientWindowBits::Max(bits))) => bits,
        (Some(ClientWindowBits::Max(limit)), Some(ClientWindowBits::Max(bits)))
            if bits <= limit =>
        {
            bits
        }
        (None | Some(ClientWindowBits::Max(_)), Some(_)) | (_, Some(ClientWindowBits::Any)) => {
            return None;
        }
    };
    let outgoing = Direction {
        context_takeover: options.outgoing_context_takeover && !response.client_no_context_takeover,
        window_bits: outgoing_bits,
    };
    let incoming = Direction {
        context_takeover: !response.server_no_context_takeover,
        window_bits: incoming_bits,
    };
    Some(Agreement::new(outgoing, incoming, options, response))
}

/// The bits, if they say more than leaving the parameter out.
fn below_15(bits: u8) -> Option<u8> {
    (bits < 15).then_some(bits)
}

#[cfg(test)]
mod tests;
