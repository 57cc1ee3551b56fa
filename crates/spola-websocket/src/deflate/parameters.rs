use std::fmt;

use crate::handshake::ExtensionOffer;

/// The extension's name, in offers and in responses.
pub(crate) const NAME: &str = "permessage-deflate";

/// The parameters of an offer or of a response (RFC 7692 §7.1), as they are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<u8>,
    pub(super) client_max_window_bits: Option<ClientWindowBits>,
}

/// The value of `client_max_window_bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientWindowBits {
    /// None: the client can be asked for any. Only in offers.
    Any,
    Max(u8),
}

impl Parameters {
    /// Reads the parameters of an element; `None` when one is unknown, repeated, or has a value that
    /// it must not have.
    pub(super) fn parse(element: &ExtensionOffer<'_>) -> Option<Self> {
        let mut parameters = Self::default();
        for (name, value) in &element.parameters {
            let value = value.as_deref();
            match *name {
                "server_no_context_takeover" => {
                    set(&mut parameters.server_no_context_takeover, value)?;
                }
                "client_no_context_takeover" => {
                    set(&mut parameters.client_no_context_takeover, value)?;
                }
                "server_max_window_bits" => {
                    let bits = window_bits(value?)?;
                    put(&mut parameters.server_max_window_bits, bits)?;
                }
                "client_max_window_bits" => {
                    let bits = match value {
                        Some(value) => ClientWindowBits::Max(window_bits(value)?),
                        None => ClientWindowBits::Any,
                    };
                    put(&mut parameters.client_max_window_bits, bits)?;
                }
                _ => return None,
            }
        }
        Some(parameters)
    }
}

fn set(parameter: &mut bool, value: Option<&str>) -> Option<()> {
    if *parameter || value.is_some() {
        return None;
    }
    *parameter = true;
    Some(())
}

fn put<T>(parameter: &mut Option<T>, value: T) -> Option<()> {
    if parameter.is_some() {
        return None;
    }
    *parameter = Some(value);
    Some(())
}

/// 8 to 15, without leading zeros (RFC 7692 §7.1.2).
fn window_bits(value: &str) -> Option<u8> {
    match value.as_bytes() {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        if self.server_no_context_takeover {
            f.write_str("; server_no_context_takeover")?;
        }
        if self.client_no_context_takeover {
            f.write_str("; client_no_context_takeover")?;
        }
        if let Some(bits) = self.server_max_window_bits {
            write!(f, "; server_max_window_bits={bits}")?;
        }
        match self.client_max_window_bits {
            None => Ok(()),
            Some(ClientWindowBits::Any) => f.write_str("; client_max_window_bits"),
            Some(ClientWindowBits::Max(bits)) => write!(f, "; client_max_window_bits={bits}"),
        }
    }
}
