//! Keep-alive pings, the pong's deadline, idle connections.

mod common;

use std::time::Duration;

use common::{Clock, Got, close, frame, masked, receive, sent};
use spola_frame::Opcode;
use spola_websocket::{CloseCode, CloseReason, Config, Connection};

const KEEP_ALIVE: Duration = Duration::from_secs(30);
const PONG_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(60);

fn config(keep_alive: Option<Duration>, idle: Option<Duration>) -> Config {
    let mut config = Config::default();
    config.keep_alive = keep_alive;
    config.pong_timeout = PONG_TIMEOUT;
    config.idle_timeout = idle;
    config
}

fn started(keep_alive: Option<Duration>, idle: Option<Duration>) -> (Clock, Connection) {
    let clock = Clock::new();
    let mut server = Connection::server(config(keep_alive, idle));
    receive(&mut server, clock.now(), &[]);
    (clock, server)
}

fn tick(server: &mut Connection, clock: &mut Clock, by: Duration) -> Vec<Got> {
    server.handle_timeout(clock.advance(by));
    receive(server, clock.now(), &[])
}

#[test]
fn without_settings_no_timer_runs() {
    let (_, server) = started(None, None);
    assert_eq!(server.poll_timeout(), None);
}

#[test]
fn a_silent_peer_is_pinged_and_given_up() {
    let (mut clock, mut server) = started(Some(KEEP_ALIVE), None);
    assert_eq!(server.poll_timeout(), Some(clock.now() + KEEP_ALIVE));
    assert_eq!(tick(&mut server, &mut clock, KEEP_ALIVE - Duration::from_nanos(1)), []);
    assert_eq!(sent(&mut server), []);
    assert_eq!(tick(&mut server, &mut clock, Duration::from_nanos(1)), []);
    assert_eq!(sent(&mut server), frame(Opcode::Ping, b""));
    assert_eq!(server.poll_timeout(), Some(clock.now() + PONG_TIMEOUT));
    // Early and repeated calls change nothing.
    assert_eq!(tick(&mut server, &mut clock, PONG_TIMEOUT / 2), []);
    let got = tick(&mut server, &mut clock, PONG_TIMEOUT / 2);
    assert_eq!(got, [Got::Closed(CloseReason::PongTimeout)]);
    assert_eq!(sent(&mut server), close(1011, ""));
    assert_eq!(server.poll_timeout(), None);
}

#[test]
fn any_byte_from_the_peer_is_a_sign_of_life() {
    let (mut clock, mut server) = started(Some(KEEP_ALIVE), None);
    tick(&mut server, &mut clock, KEEP_ALIVE);
    let text = masked(Opcode::Text, b"alive");
    receive(&mut server, clock.advance(PONG_TIMEOUT / 2), &text[..3]);
    assert_eq!(server.poll_timeout(), Some(clock.now() + KEEP_ALIVE));
    // Even at the very moment of the ping.
    receive(&mut server, clock.now(), &text[3..]);
    tick(&mut server, &mut clock, KEEP_ALIVE);
    receive(&mut server, clock.now(), &masked(Opcode::Pong, b""));
    assert_eq!(server.poll_timeout(), Some(clock.now() + KEEP_ALIVE));
}

#[test]
fn a_connection_without_messages_is_closed() {
    let (mut clock, mut server) = started(Some(KEEP_ALIVE), Some(IDLE));
    tick(&mut server, &mut clock, KEEP_ALIVE);
    receive(&mut server, clock.now(), &masked(Opcode::Pong, b""));
    let got = tick(&mut server, &mut clock, IDLE - KEEP_ALIVE);
    assert_eq!(got, [Got::Closed(CloseReason::IdleTimeout)]);
    assert_eq!(CloseReason::IdleTimeout.close_code(), CloseCode::GOING_AWAY);
    let wire = sent(&mut server);
    assert!(wire.ends_with(&close(1001, "")));
}

#[test]
fn messages_either_way_put_it_off() {
    let (mut clock, mut server) = started(None, Some(IDLE));
    receive(&mut server, clock.advance(IDLE / 2), &masked(Opcode::Text, b"in"));
    assert_eq!(server.poll_timeout(), Some(clock.now() + IDLE));
    clock.advance(IDLE / 2);
    server.send_text("out").unwrap();
    receive(&mut server, clock.now(), &[]);
    assert_eq!(server.poll_timeout(), Some(clock.now() + IDLE));
    assert_eq!(tick(&mut server, &mut clock, IDLE), [Got::Closed(CloseReason::IdleTimeout)]);
}

#[test]
fn closing_is_not_disturbed() {
    let (mut clock, mut server) = started(Some(KEEP_ALIVE), Some(IDLE));
    server.close(clock.now(), CloseCode::NORMAL, "").unwrap();
    assert_eq!(sent(&mut server), close(1000, ""));
    assert_eq!(tick(&mut server, &mut clock, Duration::from_secs(4)), []);
    assert_eq!(sent(&mut server), []);
    let got = tick(&mut server, &mut clock, Duration::from_secs(1));
    assert_eq!(got, [Got::Closed(CloseReason::CloseTimeout)]);
}
