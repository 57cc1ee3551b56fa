//! Commands, and what they write.

use crate::common::{Clock, client, close, frame, masked, sent, server};
use bytes::Buf;
use spola_frame::Opcode;
use spola_websocket::{CloseCode, Message, Prepared, SendError};

#[test]
fn impossible_commands_are_refused_and_change_nothing() {
    let clock = Clock::new();
    let mut server = server();
    assert_eq!(server.ping(&[0; 126]), Err(SendError::ControlTooLong));
    let long = "x".repeat(124);
    assert_eq!(server.close(clock.now(), CloseCode::NORMAL, &long), Err(SendError::ControlTooLong));
    assert_eq!(
        server.close(clock.now(), CloseCode::NO_STATUS, ""),
        Err(SendError::InvalidCloseCode)
    );
    assert_eq!(sent(&mut server), []);
    server.ping(&[1; 125]).unwrap();
    server.close(clock.now(), CloseCode::NORMAL, &long[..123]).unwrap();
    let wire = [frame(Opcode::Ping, &[1; 125]), close(1000, &long[..123])].concat();
    assert_eq!(sent(&mut server), wire);
}

#[test]
fn large_payloads_are_queued_without_a_copy_and_in_order() {
    let large = bytes::Bytes::from(vec![9; 100_000]);
    let mut server = server();
    server.send_text("a").unwrap();
    server.send(Message::Binary(large.clone())).unwrap();
    server.send_text("b").unwrap();
    let wire =
        [frame(Opcode::Text, b"a"), frame(Opcode::Binary, &large), frame(Opcode::Text, b"b")]
            .concat();
    assert_eq!(server.buffered_amount(), wire.len());
    let mut slices = [std::io::IoSlice::new(&[]); 8];
    let output = server.output();
    assert_eq!(output.chunks_vectored(&mut slices[..2]), 2);
    assert_eq!(output.chunks_vectored(&mut slices), 3);
    assert_eq!(slices[1].as_ptr(), large.as_ptr());
    let joined: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
    assert_eq!(joined, wire);
    server.output().advance(5);
    server.send_text("c").unwrap();
    let rest = [&wire[5..], &frame(Opcode::Text, b"c")].concat();
    assert_eq!(sent(&mut server), rest);
}

#[test]
fn a_client_masks_a_large_payload_whoever_holds_it() {
    let large = bytes::Bytes::from(vec![9; 100_000]);
    let expected = masked(Opcode::Binary, &large);
    let mut client = client();
    client.send(Message::Binary(large.clone())).unwrap();
    assert_eq!(sent(&mut client), expected);
    assert_eq!(large, vec![9; 100_000]);
    let own = large.as_ptr();
    client.send(Message::Binary(large)).unwrap();
    let mut slices = [std::io::IoSlice::new(&[]); 2];
    let output = client.output();
    assert_eq!(output.chunks_vectored(&mut slices), 2);
    assert_eq!(slices[1].as_ptr(), own);
    assert_eq!(sent(&mut client), expected);
}

#[test]
fn prepared_messages_look_like_sent_ones() {
    for message in [Message::from("a"), Message::from(vec![3; 70_000]), Message::from("")] {
        let prepared = Prepared::new(&message);
        assert_eq!(prepared.payload(), message.as_bytes());
        for mut connection in [server(), client()] {
            connection.send(message.clone()).unwrap();
            let expected = sent(&mut connection);
            connection.send_prepared(&prepared).unwrap();
            assert_eq!(sent(&mut connection), expected);
        }
    }
}
