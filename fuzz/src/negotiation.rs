//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455 §9.1), and the agreements on
//! permessage-deflate that come of it (RFC 7692 §7.1).

use spola_websocket::{
    deflate::{Agreement, Options, offer},
    handshake::{
        ExtensionOffer,
        server::{HttpVersion, Rejection, check as check_request},
    },
};

/// The most offers, and the most parameters of one, that are kept.
const LIMIT: usize = 8;

/// Each line is the value of one header. What is understood keeps the limits, reads the same when
/// written anew, and is what a reading without quotes in mind gives where there are none.
pub fn check(bytes: &[u8]) {
    let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    let offers = parsed(&lines);
    let written: Option<Vec<String>> =
        offers.as_ref().ok().map(|offers| offers.iter().map(written).collect());
    if !bytes.contains(&b'"') {
        assert_eq!(written, naive(&lines));
    }
    let (Ok(offers), Some(written)) = (offers, written) else {
        return;
    };
    check_bounds(&offers);
    agreements(bytes, &offers);
    // All may have been declined for their size, and an empty list is malformed.
    if !offers.is_empty() {
        assert_eq!(parsed(&[written.join(",").as_bytes()]), Ok(offers));
    }
}

/// What `bytes` make up as options on both sides agrees with itself, whoever offers.
fn agreements(bytes: &[u8], offers: &[ExtensionOffer<'_>]) {
    let byte = |at: usize| bytes.iter().rev().nth(at).copied().unwrap_or_default();
    let (server, client) = (options(byte(0), byte(1)), options(byte(2), byte(3)));
    if let Some(agreement) = Agreement::accept(offers, &server) {
        sound(&agreement, &server);
        let header = agreement.to_header();
        assert_eq!(parsed(&[header.as_bytes()]).map(|elements| elements.len()), Ok(1), "{header}");
    }
    if let Ok(Some(agreement)) = Agreement::from_response(offers, &client) {
        sound(&agreement, &client);
    }
    // Our own two ends come to the same agreement, each from its side.
    let offered = offer(&client);
    let elements = parsed(&[offered.as_bytes()]).unwrap_or_default();
    if let Some(at_server) = Agreement::accept(&elements, &server) {
        let header = at_server.to_header();
        let answer = parsed(&[header.as_bytes()]).unwrap_or_default();
        let Ok(Some(at_client)) = Agreement::from_response(&answer, &client) else {
            panic!("{header} does not answer {offered}");
        };
        assert_eq!(Some(at_client.incoming()), at_server.outgoing());
        let sent = at_client.outgoing().unwrap_or(at_server.incoming());
        assert!(sent.window_bits <= at_server.incoming().window_bits);
        assert!(!sent.context_takeover || at_server.incoming().context_takeover);
    }
}

fn options(flags: u8, bits: u8) -> Options {
    let mut options = Options::default();
    options.outgoing_context_takeover = flags & 1 != 0;
    options.incoming_context_takeover = flags & 2 != 0;
    options.outgoing_window_bits = bits % 16;
    options.incoming_window_bits = bits / 16;
    options
}

/// Within what the options allow.
fn sound(agreement: &Agreement, options: &Options) {
    if let Some(outgoing) = agreement.outgoing() {
        assert!((9..=options.outgoing_window_bits.clamp(9, 15)).contains(&outgoing.window_bits));
        assert!(!outgoing.context_takeover || options.outgoing_context_takeover);
    }
    let incoming = agreement.incoming();
    assert!((8..=options.incoming_window_bits.clamp(8, 15)).contains(&incoming.window_bits));
    assert!(!incoming.context_takeover || options.incoming_context_takeover);
}

/// No more offers and parameters than are kept, and all of them tokens.
pub fn check_bounds(offers: &[ExtensionOffer<'_>]) {
    assert!(offers.len() <= LIMIT);
    for offer in offers {
        assert!(is_token(offer.name));
        assert!(offer.parameters.len() <= LIMIT);
        for (name, value) in &offer.parameters {
            assert!(is_token(name));
            assert!(value.as_deref().is_none_or(is_token));
        }
    }
}

fn parsed<'a>(lines: &[&'a [u8]]) -> Result<Vec<ExtensionOffer<'a>>, Rejection> {
    let fields = [
        ("Host", &b"h"[..]),
        ("Upgrade", b"websocket"),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Version", b"13"),
        ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let extensions = lines.iter().map(|line| ("Sec-WebSocket-Extensions", *line));
    let fields = fields.into_iter().chain(extensions);
    let upgrade = check_request("GET", HttpVersion::Http11, fields);
    upgrade.map(|upgrade| upgrade.extensions).inspect_err(|rejection| {
        assert_eq!(*rejection, Rejection::Extensions);
    })
}

fn written(offer: &ExtensionOffer<'_>) -> String {
    let mut text = offer.name.to_owned();
    for (name, value) in &offer.parameters {
        text.push(';');
        text.push_str(name);
        if let Some(value) = value {
            text.push('=');
            text.push_str(value);
        }
    }
    text
}

/// The offers in lines without quotes, in the form of [`written`]. `None`: one is malformed.
fn naive(lines: &[&[u8]]) -> Option<Vec<String>> {
    let mut offers = Vec::new();
    for element in lines.iter().flat_map(|line| line.split(|&byte| byte == b',')) {
        let text = std::str::from_utf8(element).ok()?;
        let mut parts = text.split(';').map(|part| {
            let (name, value) = part.split_once('=').map_or((part, None), |(n, v)| (n, Some(v)));
            (name.trim_ascii(), value.map(str::trim_ascii))
        });
        let (name, None) = parts.next()? else { return None };
        let parameters: Vec<_> = parts.collect();
        let sound =
            |&(name, value): &(&str, Option<&str>)| is_token(name) && value.is_none_or(is_token);
        if !is_token(name) || !parameters.iter().all(sound) {
            return None;
        }
        if parameters.len() <= LIMIT && offers.len() < LIMIT {
            let parameters = parameters.into_iter();
            let parameters = parameters.map(|(name, value)| (name, value.map(Into::into)));
            offers.push(written(&ExtensionOffer { name, parameters: parameters.collect() }));
        }
    }
    Some(offers)
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(sound)
}
