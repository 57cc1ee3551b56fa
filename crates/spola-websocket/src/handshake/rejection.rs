use std::{error, fmt};

use super::header::push;

/// Why a request cannot lead to a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// The head has 16 KiB or more.
    HeadTooLong,
    /// The head has more than 100 fields.
    TooManyHeaders,
    /// The target has more than 8 KiB.
    TargetTooLong,
    /// Not an HTTP request.
    Malformed,
    /// Not a GET.
    Method,
    /// Not HTTP/1.1.
    HttpVersion,
    /// No Host, or several.
    Host,
    /// The request has a body.
    Body,
    /// Not a request to upgrade to `websocket`.
    Upgrade,
    /// `Sec-WebSocket-Version` is not 13.
    WebSocketVersion,
    /// `Sec-WebSocket-Key` is not base64 of 16 bytes, missing or repeated.
    Key,
    /// `Sec-WebSocket-Protocol` is not a list of at most 16 different tokens.
    Protocols,
    /// `Sec-WebSocket-Extensions` is malformed.
    Extensions,
    /// Not an extended CONNECT, though it came over HTTP/2 or 3.
    Connect,
    /// An extended CONNECT for another protocol.
    ConnectProtocol,
}

impl Rejection {
    /// The HTTP status that fits. (The reference implementation of Engine.IO answers 400 to all.)
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::HeadTooLong | Self::TooManyHeaders => 431,
            Self::TargetTooLong => 414,
            Self::Method => 405,
            Self::HttpVersion => 505,
            Self::Upgrade | Self::WebSocketVersion => 426,
            Self::ConnectProtocol => 501,
            Self::Malformed
            | Self::Host
            | Self::Body
            | Self::Key
            | Self::Protocols
            | Self::Extensions
            | Self::Connect => 400,
        }
    }

    /// Headers that belong to that status.
    #[must_use]
    pub const fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Method => &[("Allow", "GET")],
            Self::Upgrade => &[("Upgrade", "websocket")],
            Self::WebSocketVersion => &[("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")],
            Self::HeadTooLong
            | Self::TooManyHeaders
            | Self::TargetTooLong
            | Self::Malformed
            | Self::HttpVersion
            | Self::Host
            | Self::Body
            | Self::Key
            | Self::Protocols
            | Self::Extensions
            | Self::Connect
            | Self::ConnectProtocol => &[],
        }
    }

    /// A short text for the body.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::HeadTooLong => "Request head too long",
            Self::TooManyHeaders => "Too many header fields",
            Self::TargetTooLong => "Request target too long",
            Self::Malformed => "Malformed request",
            Self::Method => "Method must be GET",
            Self::HttpVersion => "HTTP version must be 1.1",
            Self::Host => "Exactly one Host header is required",
            Self::Body => "Request must not have a body",
            Self::Upgrade => "Upgrade to WebSocket required",
            Self::WebSocketVersion => "Unsupported Sec-WebSocket-Version",
            Self::Key => "Missing or invalid Sec-WebSocket-Key",
            Self::Protocols => "Invalid Sec-WebSocket-Protocol",
            Self::Extensions => "Invalid Sec-WebSocket-Extensions",
            Self::Connect => "Extended CONNECT required",
            Self::ConnectProtocol => "The protocol must be websocket",
        }
    }

    /// A whole response: status, headers, the message as body, and the connection's end.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let phrase = match self.status() {
            405 => "Method Not Allowed",
            414 => "URI Too Long",
            426 => "Upgrade Required",
            431 => "Request Header Fields Too Large",
            501 => "Not Implemented",
            505 => "HTTP Version Not Supported",
            _ => "Bad Request",
        };
        let mut head = format!("HTTP/1.1 {} {phrase}\r\n", self.status());
        for (name, value) in self.headers() {
            push(&mut head, name, value);
        }
        let connection = if self.status() == 426 { "Upgrade, close" } else { "close" };
        push(&mut head, "Connection", connection);
        push(&mut head, "Content-Type", "text/plain");
        push(&mut head, "Content-Length", &self.message().len().to_string());
        head.push_str("\r\n");
        head.push_str(self.message());
        head.into_bytes()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl error::Error for Rejection {}
