use proptest::prelude::*;

use super::*;
use crate::handshake::{
    client,
    server::{Rejection, RequestReader},
};

fn options(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

/// Takes over whatever it may.
fn takeover() -> Options {
    options(|options| {
        options.outgoing_context_takeover = true;
        options.incoming_context_takeover = true;
    })
}

fn limited(outgoing: u8, incoming: u8) -> Options {
    Options { outgoing_window_bits: outgoing, incoming_window_bits: incoming, ..takeover() }
}

const fn direction(context_takeover: bool, window_bits: u8) -> Direction {
    Direction { context_takeover, window_bits }
}

/// What a server answers a request with these lines of `Sec-WebSocket-Extensions`: the value of its
/// own, if it has one, and the agreement.
fn answered(offers: &[&str], options: &Options) -> Result<Option<(String, Agreement)>, Rejection> {
    let mut request = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        .to_owned();
    for offer in offers {
        request += &format!("Sec-WebSocket-Extensions: {offer}\r\n");
    }
    request += "\r\n";
    let request = RequestReader::new().read(request.as_bytes())?.unwrap();
    let (response, agreement) = request.upgrade.accept().deflate(options);
    let response = String::from_utf8(response.to_bytes()).unwrap();
    let value = response.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    assert_eq!(value.map(str::to_owned), agreement.map(|agreement| agreement.to_header()));
    Ok(value.map(str::to_owned).zip(agreement))
}

/// What a client makes of a response with these lines of `Sec-WebSocket-Extensions`.
fn concluded(lines: &[&str], options: &Options) -> Result<Option<Agreement>, HandshakeError> {
    let mut nonce = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce");
    let request = client::Request::new("h", "/").unwrap().deflate(options.clone());
    let (_, mut handshake) = request.start(&mut nonce);
    let mut response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        .to_owned();
    for line in lines {
        response += &format!("Sec-WebSocket-Extensions: {line}\r\n");
    }
    response += "\r\n";
    Ok(handshake.read(response.as_bytes())?.unwrap().deflate)
}

#[test]
fn a_server_answers_each_sound_offer_it_can_keep() {
    let (default, takeover) = (Options::default(), takeover());
    let none = "; server_no_context_takeover; client_no_context_takeover";
    for (options, offer, expected, outgoing, incoming) in [
        // What browsers offer.
        (&default, "; client_max_window_bits", none, (false, 15), (false, 15)),
        (&takeover, "; client_max_window_bits", "", (true, 15), (true, 15)),
        // Context takeover.
        (&default, "", none, (false, 15), (false, 15)),
        (&takeover, "", "", (true, 15), (true, 15)),
        (
            &takeover,
            "; server_no_context_takeover",
            "; server_no_context_takeover",
            (false, 15),
            (true, 15),
        ),
        (
            &takeover,
            "; client_no_context_takeover",
            "; client_no_context_takeover",
            (true, 15),
            (false, 15),
        ),
        // The server's window.
        (
            &takeover,
            "; server_max_window_bits=15",
            "; server_max_window_bits=15",
            (true, 15),
            (true, 15),
        ),
        (
            &takeover,
            "; server_max_window_bits=9",
            "; server_max_window_bits=9",
            (true, 9),
            (true, 15),
        ),
        (&limited(12, 15), "", "; server_max_window_bits=12", (true, 12), (true, 15)),
        (
            &limited(12, 15),
            "; server_max_window_bits=15",
            "; server_max_window_bits=12",
            (true, 12),
            (true, 15),
        ),
        (
            &limited(12, 15),
            "; server_max_window_bits=10",
            "; server_max_window_bits=10",
            (true, 10),
            (true, 15),
        ),
        // The client's window.
        (&takeover, "; client_max_window_bits=8", "", (true, 15), (true, 8)),
        (&takeover, "; client_max_window_bits=15", "", (true, 15), (true, 15)),
        (
            &limited(15, 8),
            "; client_max_window_bits",
            "; client_max_window_bits=8",
            (true, 15),
            (true, 8),
        ),
        (
            &limited(15, 10),
            "; client_max_window_bits=12",
            "; client_max_window_bits=10",
            (true, 15),
            (true, 10),
        ),
        (&limited(15, 10), "; client_max_window_bits=9", "", (true, 15), (true, 9)),
        // How it may be written.
        (
            &takeover,
            ";server_max_window_bits = \"10\";client_max_window_bits=\"1\\1\"",
            "; server_max_window_bits=10",
            (true, 10),
            (true, 11),
        ),
        (
            &limited(15, 9),
            "; client_max_window_bits; server_max_window_bits=11; client_no_context_takeover; \
             server_no_context_takeover",
            "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=11; \
             client_max_window_bits=9",
            (false, 11),
            (false, 9),
        ),
    ] {
        let offer = format!("permessage-deflate{offer}");
        let (value, agreement) =
            answered(&[&offer], options).unwrap().unwrap_or_else(|| panic!("{offer}: declined"));
        assert_eq!(value, format!("permessage-deflate{expected}"), "{offer}");
        assert_eq!(agreement.outgoing(), Some(direction(outgoing.0, outgoing.1)), "{offer}");
        assert_eq!(agreement.incoming(), direction(incoming.0, incoming.1), "{offer}");
    }
}

#[test]
fn a_server_declines_what_it_cannot_keep_or_does_not_know() {
    let takeover = takeover();
    for offer in [
        "x-webkit-deflate-frame",
        "permessage-bzip2; server_no_context_takeover",
        "Permessage-Deflate",
        "permessage-deflate; mux",
        "permessage-deflate; mux=1",
        "permessage-deflate; Server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover=true",
        "permessage-deflate; client_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=09",
        "permessage-deflate; server_max_window_bits=1",
        "permessage-deflate; server_max_window_bits=100",
        "permessage-deflate; server_max_window_bits=+9",
        "permessage-deflate; server_max_window_bits=nine",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=08",
        "permessage-deflate; client_max_window_bits=0",
        "permessage-deflate; a; b; c; d; e; f; g; h; i",
        "a, b, c, d, e, f, g, h, permessage-deflate",
    ] {
        assert_eq!(answered(&[offer], &takeover), Ok(None), "{offer}");
    }
    // The client does not say that it can be limited.
    assert_eq!(answered(&["permessage-deflate"], &limited(15, 14)), Ok(None));
    assert_eq!(answered(&[], &takeover), Ok(None));
}

#[test]
fn a_server_takes_the_first_offer_that_it_can_keep() {
    let takeover = takeover();
    for (offers, expected) in [
        (
            &["permessage-deflate; server_max_window_bits=8, \
                 permessage-deflate; server_max_window_bits=10, permessage-deflate"][..],
            "permessage-deflate; server_max_window_bits=10",
        ),
        (
            &[
                "x-webkit-deflate-frame, mux; max-channels=4; flow-control",
                "permessage-deflate; unknown, permessage-deflate; client_no_context_takeover",
                "permessage-deflate",
            ],
            "permessage-deflate; client_no_context_takeover",
        ),
    ] {
        let (value, _) = answered(offers, &takeover).unwrap().unwrap();
        assert_eq!(value, expected, "{offers:?}");
    }
}

#[test]
fn a_server_refuses_what_is_not_a_list_of_extensions() {
    for lines in [
        &[""][..],
        &["permessage-deflate,"],
        &["permessage-deflate;"],
        &["permessage-deflate; client_max_window_bits="],
        &["permessage-deflate; client_max_window_bits=\""],
        &["permessage-deflate; client_max_window_bits=\"\""],
        &["permessage-deflate; client_max_window_bits=\"1 0\""],
        &["permessage-deflate; client_max_window_bits=10 10"],
        &["permessage-deflate client_max_window_bits"],
        &["permessage-deflate", "a b"],
    ] {
        assert_eq!(answered(lines, &takeover()), Err(Rejection::Extensions), "{lines:?}");
    }
}

#[test]
fn a_client_offers_what_its_options_say() {
    for (options, expected) in [
        (
            Options::default(),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             client_max_window_bits",
        ),
        (takeover(), "permessage-deflate; client_max_window_bits"),
        (limited(9, 8), "permessage-deflate; server_max_window_bits=8; client_max_window_bits=9"),
        // Beyond the range: taken as the nearest.
        (limited(3, 3), "permessage-deflate; server_max_window_bits=8; client_max_window_bits=9"),
        (limited(200, 200), "permessage-deflate; client_max_window_bits"),
    ] {
        assert_eq!(offer(&options), expected);
        let mut nonce = |buf: &mut [u8]| buf.fill(1);
        let (request, _) =
            client::Request::new("h", "/").unwrap().deflate(options).start(&mut nonce);
        let line = format!("\r\nSec-WebSocket-Extensions: {expected}\r\n");
        assert!(String::from_utf8(request).unwrap().contains(&line));
    }
}

#[test]
fn a_client_agrees_to_responses_within_its_offer() {
    let (default, takeover) = (Options::default(), takeover());
    for (options, response, outgoing, incoming) in [
        (&takeover, "", Some((true, 15)), (true, 15)),
        (&takeover, "; server_no_context_takeover", Some((true, 15)), (false, 15)),
        (&takeover, "; client_no_context_takeover", Some((false, 15)), (true, 15)),
        (&default, "; server_no_context_takeover", Some((false, 15)), (false, 15)),
        (
            &default,
            "; client_no_context_takeover; server_no_context_takeover",
            Some((false, 15)),
            (false, 15),
        ),
        // A server may limit itself unasked.
        (&takeover, "; server_max_window_bits=8", Some((true, 15)), (true, 8)),
        (&takeover, "; server_max_window_bits=15", Some((true, 15)), (true, 15)),
        (&limited(15, 11), "; server_max_window_bits=11", Some((true, 15)), (true, 11)),
        (&limited(15, 11), "; server_max_window_bits=9", Some((true, 15)), (true, 9)),
        (&takeover, "; client_max_window_bits=15", Some((true, 15)), (true, 15)),
        (&takeover, "; client_max_window_bits=9", Some((true, 9)), (true, 15)),
        (&limited(12, 15), "", Some((true, 12)), (true, 15)),
        (&limited(12, 15), "; client_max_window_bits=12", Some((true, 12)), (true, 15)),
        (&limited(12, 15), "; client_max_window_bits=\"10\"", Some((true, 10)), (true, 15)),
        // Our compressor has no such window: what we send stays uncompressed.
        (&takeover, "; client_max_window_bits=8", None, (true, 15)),
    ] {
        let response = format!("permessage-deflate{response}");
        let agreement = concluded(&[&response], options).unwrap().unwrap();
        let outgoing = outgoing.map(|(takeover, bits)| direction(takeover, bits));
        assert_eq!(agreement.outgoing(), outgoing, "{response}");
        assert_eq!(agreement.incoming(), direction(incoming.0, incoming.1), "{response}");
    }
    assert_eq!(concluded(&[], &takeover), Ok(None));
}

#[test]
fn a_client_refuses_responses_that_do_not_answer_its_offer() {
    let takeover = takeover();
    let many = ["permessage-deflate"; 9].join(", ");
    for (options, lines) in [
        // Not offered, or more than one.
        (&takeover, &["x-webkit-deflate-frame"][..]),
        (&takeover, &["permessage-deflate, mux"]),
        (&takeover, &["permessage-deflate, permessage-deflate"]),
        (&takeover, &["permessage-deflate", "permessage-deflate"]),
        (&takeover, &[&many]),
        // Malformed, unknown or repeated.
        (&takeover, &[""]),
        (&takeover, &["permessage-deflate;"]),
        (&takeover, &["permessage-deflate; mux"]),
        (&takeover, &["permessage-deflate; a; b; c; d; e; f; g; h; i"]),
        (&takeover, &["permessage-deflate; server_no_context_takeover=1"]),
        (
            &takeover,
            &["permessage-deflate; client_no_context_takeover; client_no_context_takeover"],
        ),
        (&takeover, &["permessage-deflate; server_max_window_bits"]),
        (&takeover, &["permessage-deflate; server_max_window_bits=7"]),
        (&takeover, &["permessage-deflate; server_max_window_bits=16"]),
        (&takeover, &["permessage-deflate; server_max_window_bits=010"]),
        (&takeover, &["permessage-deflate; client_max_window_bits"]),
        (&takeover, &["permessage-deflate; client_max_window_bits=7"]),
        (&takeover, &["permessage-deflate; client_max_window_bits=16"]),
        // Beyond the offer.
        (&Options::default(), &["permessage-deflate"]),
        (&limited(15, 11), &["permessage-deflate"]),
        (&limited(15, 11), &["permessage-deflate; server_max_window_bits=12"]),
        (&limited(12, 15), &["permessage-deflate; client_max_window_bits=13"]),
    ] {
        assert_eq!(concluded(lines, options), Err(HandshakeError::Extension), "{lines:?}");
    }
    // A client's window cannot be limited where the client did not say so. Ours always does.
    let response = Parameters {
        client_max_window_bits: Some(ClientWindowBits::Max(15)),
        ..Parameters::default()
    };
    assert_eq!(conclude(Parameters::default(), response, &takeover), None);
}

fn any_options() -> impl Strategy<Value = Options> {
    (any::<bool>(), any::<bool>(), 8u8..=15, 8u8..=15).prop_map(
        |(outgoing_context_takeover, incoming_context_takeover, outgoing, incoming)| Options {
            outgoing_context_takeover,
            incoming_context_takeover,
            outgoing_window_bits: outgoing,
            incoming_window_bits: incoming,
            ..Options::default()
        },
    )
}

proptest! {
    #[test]
    fn both_ends_agree_and_within_their_options(
        client in any_options(),
        server in any_options(),
    ) {
        let answer = answered(&[&offer(&client)], &server).unwrap();
        // The one thing our client asks and our server cannot do.
        prop_assert_eq!(answer.is_none(), client.incoming_window_bits == 8);
        let Some((value, served)) = answer else {
            return Ok(());
        };
        let called = concluded(&[&value], &client).unwrap().unwrap();
        // A window of 8 bits shows as no window at all where it is the compressor's.
        prop_assert_eq!(called.incoming(), served.outgoing().unwrap());
        prop_assert_eq!(called.outgoing().unwrap_or(direction(
            served.incoming().context_takeover, 8)), served.incoming());
        for (agreement, options) in [(called, client), (served, server)] {
            prop_assert!(
                agreement.incoming().window_bits <= options.incoming_window_bits
            );
            prop_assert!(
                !agreement.incoming().context_takeover || options.incoming_context_takeover
            );
            if let Some(outgoing) = agreement.outgoing() {
                prop_assert!(outgoing.window_bits <= options.outgoing_window_bits.max(9));
                prop_assert!(!outgoing.context_takeover || options.outgoing_context_takeover);
            }
        }
    }

    #[test]
    fn no_response_leads_beyond_the_offer(
        options in any_options(),
        parameters in proptest::collection::vec(
            (0usize..4, proptest::option::of(7u8..17)), 0..5),
    ) {
        let names = [
            "server_no_context_takeover",
            "client_no_context_takeover",
            "server_max_window_bits",
            "client_max_window_bits",
        ];
        let mut response = "permessage-deflate".to_owned();
        for (name, value) in parameters {
            response += &format!("; {}", names[name]);
            if let Some(value) = value {
                response += &format!("={value}");
            }
        }
        if let Ok(Some(agreement)) = concluded(&[&response], &options) {
            prop_assert!(agreement.incoming().window_bits <= options.incoming_window_bits);
            prop_assert!(
                !agreement.incoming().context_takeover || options.incoming_context_takeover
            );
        }
    }
}
