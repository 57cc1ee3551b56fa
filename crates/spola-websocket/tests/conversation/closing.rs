//! How a connection ends.

use std::time::Duration;

use crate::common::{
    Clock, Got, client, close, fragment, frame, masked, masked_close, receive, sent, server, text,
};
use spola_frame::Opcode;
use spola_websocket::{CloseCode, CloseFrame, CloseReason, SendError, Violation};

use crate::{closed_by_peer, violated};

#[test]
fn the_peers_close_is_echoed() {
    let clock = Clock::new();
    for (wire, reply, event) in [
        (masked_close(1000, "bye"), close(1000, ""), closed_by_peer(1000, "bye")),
        (masked_close(4999, ""), close(4999, ""), closed_by_peer(4999, "")),
        (masked(Opcode::Close, b""), frame(Opcode::Close, b""), closed_by_peer(0, "")),
    ] {
        let mut server = server();
        let wire = [&wire[..], &masked(Opcode::Text, b"late")].concat();
        assert_eq!(receive(&mut server, clock.now(), &wire), [event]);
        assert_eq!(sent(&mut server), reply);
        assert_eq!(server.ping(b""), Err(SendError::Closed));
        assert_eq!(server.poll_timeout(), None);
        server.handle_eof(clock.now());
        assert_eq!(receive(&mut server, clock.now(), b""), []);
    }
}

#[test]
fn our_close_waits_for_the_peers_and_delivers_what_comes_first() {
    let clock = Clock::new();
    let mut server = server();
    server.close(clock.now(), CloseCode::GOING_AWAY, "later").unwrap();
    assert_eq!(sent(&mut server), close(1001, "later"));
    assert_eq!(server.close_without_status(clock.now()), Err(SendError::Closed));
    assert_eq!(server.poll_timeout(), Some(clock.now() + Duration::from_secs(5)));
    let wire = [masked(Opcode::Text, b"a"), masked(Opcode::Ping, b"?"), masked_close(1001, "ok")];
    let got = receive(&mut server, clock.now(), &wire.concat());
    let frame = CloseFrame { code: Some(CloseCode::GOING_AWAY), reason: "ok".into() };
    assert_eq!(got, [text("a"), Got::Closed(CloseReason::Local(frame))]);
    assert_eq!(sent(&mut server), []);
}

#[test]
fn a_violation_after_our_close_sends_no_second_close() {
    let clock = Clock::new();
    let mut server = server();
    server.close(clock.now(), CloseCode::NORMAL, "").unwrap();
    assert_eq!(sent(&mut server), close(1000, ""));
    let got = receive(&mut server, clock.now(), &frame(Opcode::Text, b"unmasked"));
    assert_eq!(got, [violated(Violation::Masking)]);
    assert_eq!(sent(&mut server), []);
}

#[test]
fn a_close_that_is_not_answered_times_out() {
    let mut clock = Clock::new();
    let mut server = server();
    server.close_without_status(clock.now()).unwrap();
    assert_eq!(sent(&mut server), [0x88, 0x00]);
    server.handle_timeout(clock.advance(Duration::from_millis(4999)));
    assert_eq!(receive(&mut server, clock.now(), b""), []);
    server.handle_timeout(clock.advance(Duration::from_millis(1)));
    assert_eq!(receive(&mut server, clock.now(), b""), [Got::Closed(CloseReason::CloseTimeout)]);
    assert_eq!(CloseReason::CloseTimeout.close_code(), CloseCode::ABNORMAL);
}

#[test]
fn a_client_waits_for_the_server_to_hang_up() {
    let mut clock = Clock::new();
    for wait in [false, true] {
        let mut client = client();
        assert_eq!(receive(&mut client, clock.now(), &close(1000, "bye")), []);
        assert_eq!(sent(&mut client), masked_close(1000, ""));
        assert!(!client.can_send() && !client.is_closed());
        assert_eq!(receive(&mut client, clock.now(), &frame(Opcode::Text, b"late")), []);
        if wait {
            assert_eq!(client.poll_timeout(), Some(clock.now() + Duration::from_secs(5)));
            client.handle_timeout(clock.advance(Duration::from_secs(5)));
        } else {
            client.handle_eof(clock.now());
        }
        assert_eq!(receive(&mut client, clock.now(), b""), [closed_by_peer(1000, "bye")]);
        assert!(client.is_closed());
    }
}

#[test]
fn an_end_without_close_is_reported() {
    let clock = Clock::new();
    for begun in [&b""[..], &fragment(Opcode::Text, b"a"), &masked(Opcode::Text, b"a")[..5]] {
        let mut server = server();
        receive(&mut server, clock.now(), begun);
        server.handle_eof(clock.now());
        server.handle_eof(clock.now());
        assert_eq!(receive(&mut server, clock.now(), b""), [Got::Closed(CloseReason::Eof)]);
        assert_eq!(receive(&mut server, clock.now(), b""), []);
        assert_eq!((server.poll_timeout(), sent(&mut server)), (None, vec![]));
    }
}
