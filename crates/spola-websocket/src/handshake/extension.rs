use std::borrow::Cow;

use super::header::{is_token, is_token_byte};

/// The most offers looked at in a handshake.
const MAX_OFFERS: usize = 8;

/// The most parameters of an offer; one with more is declined.
const MAX_PARAMETERS: usize = 8;

/// One element of `Sec-WebSocket-Extensions` (RFC 6455 §9.1), as it was written.
///
/// At most 8 offers with 8 parameters each are kept; what exceeds that is left out, which declines
/// it. A response with more is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionOffer<'a> {
    /// The extension's name, such as `permessage-deflate`.
    pub name: &'a str,
    /// Its parameters in order, each with its value if it has one; quotes are removed.
    pub parameters: Vec<(&'a str, Option<Cow<'a, str>>)>,
}

/// Appends the offers of one header value to `offers`; says how many were too many. `None`: the
/// value is malformed.
pub(super) fn parse<'a>(value: &'a [u8], offers: &mut Vec<ExtensionOffer<'a>>) -> Option<usize> {
    let mut scanner = Scanner { rest: value };
    let mut left_out = 0;
    loop {
        let name = scanner.token()?;
        let mut parameters = Vec::new();
        let mut excess = false;
        while scanner.eat(b';') {
            let parameter = scanner.token()?;
            let value = if scanner.eat(b'=') { Some(scanner.value()?) } else { None };
            if parameters.len() < MAX_PARAMETERS {
                parameters.push((parameter, value));
            } else {
                excess = true;
            }
        }
        if !excess && offers.len() < MAX_OFFERS {
            offers.push(ExtensionOffer { name, parameters });
        } else {
            left_out += 1;
        }
        if scanner.rest.is_empty() {
            return Some(left_out);
        }
        if !scanner.eat(b',') {
            return None;
        }
    }
}

/// The elements of a header value that must not have too many.
pub(super) fn parse_all(value: &[u8]) -> Option<Vec<ExtensionOffer<'_>>> {
    let mut elements = Vec::new();
    (parse(value, &mut elements)? == 0).then_some(elements)
}

/// Reads a header value from left to right, each byte once. Blanks between tokens are skipped.
struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest.trim_ascii_start();
                true
            }
            _ => false,
        }
    }

    fn token(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_ascii_start();
        let len = rest.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(rest.len());
        let (token, rest) = rest.split_at(len);
        self.rest = rest.trim_ascii_start();
        if token.is_empty() { None } else { str::from_utf8(token).ok() }
    }

    /// A token, or a quoted string that is a token once unquoted.
    fn value(&mut self) -> Option<Cow<'a, str>> {
        let Some(quoted) = self.rest.strip_prefix(b"\"") else {
            return self.token().map(Cow::Borrowed);
        };
        let mut value = String::new();
        let mut bytes = quoted.iter();
        loop {
            match bytes.next()? {
                b'"' => break,
                b'\\' => value.push(char::from(*bytes.next()?)),
                &byte => value.push(char::from(byte)),
            }
        }
        self.rest = bytes.as_slice().trim_ascii_start();
        is_token(&value).then_some(Cow::Owned(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &str) -> Option<Vec<(String, Vec<String>)>> {
        let mut offers = Vec::new();
        parse(value.as_bytes(), &mut offers)?;
        let show = |(name, value): &(&str, Option<Cow<'_, str>>)| match value {
            Some(value) => format!("{name}={value}"),
            None => (*name).to_owned(),
        };
        let offers = offers.iter();
        Some(
            offers
                .map(|offer| (offer.name.to_owned(), offer.parameters.iter().map(show).collect()))
                .collect(),
        )
    }

    #[test]
    fn offers_are_parsed_in_order_with_their_parameters() {
        let offer = |name: &str, parameters: &[&str]| {
            (name.to_owned(), parameters.iter().map(|&p| p.to_owned()).collect())
        };
        for (value, expected) in [
            ("permessage-deflate", vec![offer("permessage-deflate", &[])]),
            ("a, b", vec![offer("a", &[]), offer("b", &[])]),
            ("a;x=1 ; y , b;z", vec![offer("a", &["x=1", "y"]), offer("b", &["z"])]),
            (r#"a; x="10""#, vec![offer("a", &["x=10"])]),
            (r#"a; x="1\0"; y"#, vec![offer("a", &["x=10", "y"])]),
        ] {
            assert_eq!(parsed(value), Some(expected), "{value}");
        }
    }

    #[test]
    fn malformed_offers_are_refused() {
        for value in [
            "",
            ",",
            "a,",
            ",a",
            "a;",
            "a;=1",
            "a;x=",
            "a b",
            r#"a;x=""#,
            r#"a;x="1"#,
            r#"a;x="1 2""#,
            r#"a;x="1"2"#,
            "a;x=\"\\",
            "a=1",
            "\u{e9}",
        ] {
            assert_eq!(parsed(value), None, "{value:?}");
        }
    }

    #[test]
    fn excessive_offers_are_declined_not_refused() {
        let many = ["a"; 20].join(",");
        assert_eq!(parsed(&many).unwrap().len(), MAX_OFFERS);
        let wide = format!("a;{}, b", ["x"; 9].join(";"));
        assert_eq!(parsed(&wide), Some(vec![("b".to_owned(), vec![])]));
    }
}
