use super::{ExtensionOffer, HeaderError, extension, header::is_value};

#[cfg(feature = "deflate")]
use crate::deflate::{Agreement, NAME, Options};

/// What a server chooses among a client's offers.
#[derive(Clone, Debug)]
pub(super) struct Choice<'a> {
    protocols: &'a [&'a str],
    extensions: &'a [ExtensionOffer<'a>],
    protocol: Option<&'a str>,
    /// The value of `Sec-WebSocket-Extensions`, which a response has once (RFC 6455 §11.3.2).
    agreed: String,
}

impl<'a> Choice<'a> {
    pub(super) const fn new(
        protocols: &'a [&'a str],
        extensions: &'a [ExtensionOffer<'a>],
    ) -> Self {
        Self { protocols, extensions, protocol: None, agreed: String::new() }
    }

    pub(super) fn protocol(&mut self, protocol: &str) -> Result<(), HeaderError> {
        let offered = self.protocols.iter().find(|&&offered| offered == protocol);
        if self.protocol.is_some() || offered.is_none() {
            return Err(HeaderError::NotOffered);
        }
        self.protocol = offered.copied();
        Ok(())
    }

    pub(super) fn extension(&mut self, element: &str) -> Result<(), HeaderError> {
        let elements = extension::parse_all(element.as_bytes())
            .filter(|_| is_value(element))
            .ok_or(HeaderError::InvalidValue)?;
        let [element_name] = elements.iter().map(|element| element.name).collect::<Vec<_>>()[..]
        else {
            return Err(HeaderError::InvalidValue);
        };
        if !self.extensions.iter().any(|offer| offer.name == element_name)
            || self.has_agreed_to(element_name)
        {
            return Err(HeaderError::NotOffered);
        }
        self.push(element);
        Ok(())
    }

    #[cfg(feature = "deflate")]
    pub(super) fn deflate(&mut self, options: &Options) -> Option<Agreement> {
        if self.has_agreed_to(NAME) {
            return None;
        }
        let agreement = Agreement::accept(self.extensions, options)?;
        self.push(&agreement.to_header());
        Some(agreement)
    }

    /// The header lines that tell the choice.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let agreed = Some(&self.agreed[..]).filter(|agreed| !agreed.is_empty());
        let protocol = self.protocol.map(|protocol| ("Sec-WebSocket-Protocol", protocol));
        protocol.into_iter().chain(agreed.map(|agreed| ("Sec-WebSocket-Extensions", agreed)))
    }

    fn has_agreed_to(&self, name: &str) -> bool {
        extension::parse_all(self.agreed.as_bytes())
            .is_some_and(|agreed| agreed.iter().any(|element| element.name == name))
    }

    fn push(&mut self, element: &str) {
        if !self.agreed.is_empty() {
            self.agreed.push_str(", ");
        }
        self.agreed.push_str(element);
    }
}
