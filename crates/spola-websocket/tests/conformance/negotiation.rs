//! The negotiation of permessage-deflate: offers and answers (RFC 7692 §5, §7.1).

use libtest_mimic::Trial;
use spola_websocket::{
    deflate::Options,
    handshake::{
        accept_key,
        client::{HandshakeError, Request},
        server::{HttpVersion, Rejection, check},
    },
};

use crate::row::expect;

pub(crate) fn trials() -> Vec<Trial> {
    let offers = offers().into_iter().map(|(name, lines, expected)| {
        Trial::test(format!("offers: {name}"), move || {
            Ok(expect("answer", &answer(lines), &expected)?)
        })
    });
    let answers = answers().into_iter().map(|(name, lines, expected)| {
        Trial::test(format!("answers: {name}"), move || {
            Ok(expect("outcome", &outcome(lines), &expected)?)
        })
    });
    offers.chain(answers).collect()
}

/// What a server with the default options puts into `Sec-WebSocket-Extensions` when the request has
/// these lines of it; nothing, if it declines.
fn answer(lines: &[&'static str]) -> Result<Option<String>, Rejection> {
    let fields = [
        ("Host", "h"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let extensions = lines.iter().map(|line| ("Sec-WebSocket-Extensions", *line));
    let fields = fields.into_iter().chain(extensions).map(|(name, value)| (name, value.as_bytes()));
    let upgrade = check("GET", HttpVersion::Http11, fields)?;
    let (response, agreement) = upgrade.accept().deflate(&Options::default());
    let head = String::from_utf8(response.to_bytes()).unwrap();
    let mut lines = head.split("\r\n");
    let line = lines.find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    assert_eq!(line.is_some(), agreement.is_some());
    Ok(line.map(str::to_owned))
}

type Offer = (&'static str, &'static [&'static str], Result<Option<String>, Rejection>);

/// The bare agreement, by the default options without context takeover.
const PLAIN: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

fn offers() -> Vec<Offer> {
    let plain = || Ok(Some(PLAIN.to_owned()));
    let with = |more: &str| Ok(Some(format!("{PLAIN}; {more}")));
    let declined = || Ok(None);
    let malformed = || Err(Rejection::Extensions);
    vec![
        ("none", &[], declined()),
        ("a bare one", &["permessage-deflate"], plain()),
        ("a browser's", &["permessage-deflate; client_max_window_bits"], plain()),
        ("no takeover asked for", &["permessage-deflate; server_no_context_takeover"], plain()),
        ("no takeover promised", &["permessage-deflate; client_no_context_takeover"], plain()),
        (
            "a smaller window of ours",
            &["permessage-deflate; server_max_window_bits=10"],
            with("server_max_window_bits=10"),
        ),
        (
            "the largest window of ours",
            &["permessage-deflate; server_max_window_bits=15"],
            with("server_max_window_bits=15"),
        ),
        (
            "a window of 8 bits, which we do not have",
            &["permessage-deflate; server_max_window_bits=8"],
            declined(),
        ),
        ("a client's window of 8 bits", &["permessage-deflate; client_max_window_bits=8"], plain()),
        (
            "a quoted value",
            &["permessage-deflate; server_max_window_bits=\"10\""],
            with("server_max_window_bits=10"),
        ),
        (
            "a quoted value with an escape",
            &["permessage-deflate; server_max_window_bits=\"1\\0\""],
            with("server_max_window_bits=10"),
        ),
        ("7 bits", &["permessage-deflate; server_max_window_bits=7"], declined()),
        ("16 bits", &["permessage-deflate; client_max_window_bits=16"], declined()),
        ("0 bits", &["permessage-deflate; client_max_window_bits=0"], declined()),
        (
            "bits with a zero in front",
            &["permessage-deflate; server_max_window_bits=010"],
            declined(),
        ),
        ("bits with a sign", &["permessage-deflate; server_max_window_bits=+10"], declined()),
        (
            "bits that are no number",
            &["permessage-deflate; server_max_window_bits=ten"],
            declined(),
        ),
        (
            "bits that overflow",
            &["permessage-deflate; server_max_window_bits=4294967306"],
            declined(),
        ),
        ("bits left out", &["permessage-deflate; server_max_window_bits"], declined()),
        ("a flag with a value", &["permessage-deflate; server_no_context_takeover=1"], declined()),
        ("an unknown parameter", &["permessage-deflate; dictionary=1"], declined()),
        (
            "a parameter twice",
            &["permessage-deflate; server_no_context_takeover; server_no_context_takeover"],
            declined(),
        ),
        (
            "bits twice",
            &["permessage-deflate; server_max_window_bits=10; server_max_window_bits=10"],
            declined(),
        ),
        ("another extension", &["permessage-bzip2"], declined()),
        ("another extension first", &["permessage-bzip2, permessage-deflate"], plain()),
        (
            "a fallback",
            &["permessage-deflate; server_max_window_bits=8, permessage-deflate"],
            plain(),
        ),
        (
            "a fallback on another line",
            &["permessage-deflate; unknown", "permessage-deflate"],
            plain(),
        ),
        (
            "the first of two",
            &["permessage-deflate; server_max_window_bits=11, permessage-deflate"],
            with("server_max_window_bits=11"),
        ),
        (
            "blanks",
            &["  permessage-deflate\t;  server_max_window_bits = 11 "],
            with("server_max_window_bits=11"),
        ),
        ("too many, the last one good", &["a,a,a,a,a,a,a,a, permessage-deflate"], declined()),
        (
            "too many parameters",
            &["permessage-deflate;a;b;c;d;e;f;g;h;i, permessage-deflate"],
            plain(),
        ),
        ("an empty value", &[""], malformed()),
        ("an empty element", &["permessage-deflate,,permessage-deflate"], malformed()),
        ("an empty parameter", &["permessage-deflate;"], malformed()),
        ("a parameter without a name", &["permessage-deflate; =10"], malformed()),
        (
            "a parameter without a value",
            &["permessage-deflate; server_max_window_bits="],
            malformed(),
        ),
        ("an open quote", &["permessage-deflate; server_max_window_bits=\"10"], malformed()),
        ("a quoted blank", &["permessage-deflate; server_max_window_bits=\"1 0\""], malformed()),
        ("a name in quotes", &["\"permessage-deflate\""], malformed()),
        ("a malformed line behind a good one", &["permessage-deflate", ";"], malformed()),
    ]
}

/// What a client with the default options makes of a response with these lines: whether it
/// compresses what it sends (and the bits of its window), and the bits of the server's.
fn outcome(lines: &[&str]) -> Result<Option<(Option<u8>, u8)>, HandshakeError> {
    let mut entropy = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce");
    let request = Request::new("h", "/").unwrap().deflate(Options::default());
    let mut handshake = request.start(&mut entropy).1;
    let mut response = format!(
        "HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n",
        accept_key("dGhlIHNhbXBsZSBub25jZQ==")
    );
    for line in lines {
        response.push_str(&format!("Sec-WebSocket-Extensions: {line}\r\n"));
    }
    response.push_str("\r\n");
    let read = handshake.read(response.as_bytes())?.unwrap();
    Ok(read.deflate.map(|agreement| {
        let bits = agreement.outgoing().map(|direction| direction.window_bits);
        (bits, agreement.incoming().window_bits)
    }))
}

type Answer =
    (&'static str, &'static [&'static str], Result<Option<(Option<u8>, u8)>, HandshakeError>);

/// The default offer asks for no context takeover in either direction, and lets the server limit
/// the client's window.
fn answers() -> Vec<Answer> {
    let agreed = |outgoing, incoming| Ok(Some((outgoing, incoming)));
    let refused = || Err(HandshakeError::Extension);
    vec![
        ("none: declined", &[], Ok(None)),
        ("what was asked for", &[PLAIN], agreed(Some(15), 15)),
        (
            "the client's promise left out",
            &["permessage-deflate; server_no_context_takeover"],
            agreed(Some(15), 15),
        ),
        ("the server's promise left out", &["permessage-deflate"], refused()),
        (
            "a smaller window for the client",
            &["permessage-deflate; server_no_context_takeover; client_max_window_bits=10"],
            agreed(Some(10), 15),
        ),
        (
            "a window that the client does not have",
            &["permessage-deflate; server_no_context_takeover; client_max_window_bits=8"],
            agreed(None, 15),
        ),
        (
            "a smaller window of the server's",
            &["permessage-deflate; server_no_context_takeover; server_max_window_bits=8"],
            agreed(Some(15), 8),
        ),
        (
            "no bits for the client's window",
            &["permessage-deflate; server_no_context_takeover; client_max_window_bits"],
            refused(),
        ),
        (
            "7 bits",
            &["permessage-deflate; server_no_context_takeover; client_max_window_bits=7"],
            refused(),
        ),
        (
            "16 bits",
            &["permessage-deflate; server_no_context_takeover; server_max_window_bits=16"],
            refused(),
        ),
        ("an unknown parameter", &["permessage-deflate; server_no_context_takeover; x"], refused()),
        (
            "a parameter twice",
            &["permessage-deflate; server_no_context_takeover; server_no_context_takeover"],
            refused(),
        ),
        (
            "the extension twice",
            &[
                "permessage-deflate; server_no_context_takeover, permessage-deflate; server_no_context_takeover",
            ],
            refused(),
        ),
        ("the extension on two lines", &[PLAIN, PLAIN], refused()),
        ("another extension", &["permessage-bzip2"], refused()),
        (
            "another extension besides",
            &["permessage-deflate; server_no_context_takeover, x"],
            refused(),
        ),
        ("malformed", &["permessage-deflate;"], refused()),
        ("an empty value", &[""], refused()),
    ]
}
