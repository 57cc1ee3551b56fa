//! Whose memory is read and written.

use crate::common::{
    Clock, binary, fragment, frame, masked, receive, receive_large, sent, server, text,
};
use bytes::Buf;
use spola_frame::Opcode;
use spola_websocket::{Connection, Message};

#[test]
fn an_idle_connection_is_small_and_owns_no_buffer() {
    assert!(size_of::<Connection>() <= 300, "{}", size_of::<Connection>());
    let clock = Clock::new();
    let mut server = server();
    receive(&mut server, clock.now(), &masked(Opcode::Text, b"a"));
    server.send_text("b").unwrap();
    sent(&mut server);
    assert_eq!(server.output().chunk(), b"");
    assert_eq!(server.poll_timeout(), None);
}

#[test]
fn a_lent_buffer_is_used_and_comes_back() {
    let mut server = server();
    let mut scratch = Vec::with_capacity(1000);
    scratch.extend_from_slice(b"stale");
    let place = scratch.as_ptr();
    server.output().lend(&mut scratch);
    assert_eq!(scratch.capacity(), 0);
    server.send_text("a").unwrap();
    assert_eq!(server.output().chunk().as_ptr(), place);
    assert_eq!(sent(&mut server), frame(Opcode::Text, b"a"));
    server.send_text("b").unwrap();
    server.send(Message::from(vec![1; 70_000])).unwrap();
    server.output().advance(1);
    server.output().reclaim(&mut scratch);
    assert_eq!((scratch.as_ptr(), scratch.len()), (place, 0));
    server.output().lend(&mut scratch);
    assert_eq!(scratch.as_ptr(), place, "an output in use takes no loan");
    server.output().reclaim(&mut scratch);
    assert_eq!(scratch.as_ptr(), place);
    let wire = [frame(Opcode::Text, b"b"), frame(Opcode::Binary, &[1; 70_000])].concat();
    assert_eq!(sent(&mut server), wire[1..]);
}

#[test]
fn an_output_that_never_empties_does_not_keep_what_is_written() {
    let mut server = server();
    let message = vec![5; 1000];
    server.send_binary(&message).unwrap();
    for _ in 0..2000 {
        server.send_binary(&message).unwrap();
        server.send(Message::from(vec![6; 70_000])).unwrap();
        server.output().advance(1004 + 70_010);
    }
    assert_eq!(server.buffered_amount(), 1004);
    let mut scratch = Vec::new();
    server.output().reclaim(&mut scratch);
    assert_eq!(scratch.capacity(), 0);
    assert_eq!(sent(&mut server).len(), 1004);
}

#[test]
fn the_rest_of_a_large_frame_is_read_straight_into_its_buffer() {
    let clock = Clock::new();
    let payload: Vec<u8> = (0..=255).cycle().take(900_001).collect();
    let whole = masked(Opcode::Binary, &payload);
    let fragments = [
        fragment(Opcode::Binary, &payload[..333_333]),
        masked(Opcode::Continuation, &payload[333_333..]),
    ]
    .concat();
    // At first the thread has no buffer to use again.
    for (wire, most) in [(whole, 64 * 1024), (fragments, 313_347)] {
        let mut server = server();
        assert!(server.large_read().is_none());
        let wire = [wire, masked(Opcode::Text, b"after")].concat();
        receive(&mut server, clock.now(), &wire[..20_000]);
        let room = server.large_read().map(|room| room.len());
        assert!(room.is_some_and(|room| room <= most), "{room:?}");
        let got = receive_large(&mut server, clock.now(), &wire[20_000..]);
        assert_eq!(got, [binary(&payload), text("after")]);
    }
}

#[test]
fn text_and_small_frames_are_not_read_that_way() {
    let clock = Clock::new();
    let payload = "x".repeat(200_000);
    let mut server = server();
    receive(&mut server, clock.now(), &masked(Opcode::Text, payload.as_bytes())[..100_000]);
    assert!(server.large_read().is_none());
    let got =
        receive(&mut server, clock.now(), &masked(Opcode::Text, payload.as_bytes())[100_000..]);
    assert_eq!(got, [text(&payload)]);
    receive(&mut server, clock.now(), &masked(Opcode::Binary, &[0; 20_000])[..18_000]);
    assert!(server.large_read().is_none());
}

#[test]
fn a_buffer_that_is_used_again_shows_nothing_of_what_it_held() {
    let clock = Clock::new();
    let mut server = server();
    for (len, byte) in [(900_000, 1), (700_000, 2), (300_000, 3), (900_000, 4)] {
        let payload = vec![byte; len];
        let got = receive_large(&mut server, clock.now(), &masked(Opcode::Binary, &payload));
        assert!(got == [binary(&payload)], "{len}");
    }
}
