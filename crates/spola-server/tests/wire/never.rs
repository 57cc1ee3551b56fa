//! Spans that are too long for the clock: what they limit may take for ever.

use std::time::Duration;

use spola_server::{Config, Io};

use crate::harness::World;

const NEVER: Duration = Duration::MAX;
/// Longer than any span of the defaults.
const LONG: Duration = Duration::from_secs(100_000);

fn patient() -> World {
    let mut config = Config::default();
    let engine = &mut config.engine;
    (engine.ping_interval, engine.ping_timeout) = (NEVER, NEVER);
    (engine.upgrade_timeout, engine.noop_interval) = (NEVER, NEVER);
    (engine.polling_close_timeout, engine.resume_timeout) = (NEVER, NEVER);
    let sockets = &mut config.sockets;
    (sockets.connect_timeout, sockets.ack_timeout, sockets.binary_timeout) = (NEVER, NEVER, NEVER);
    (config.post_timeout, config.write_timeout, config.admission_timeout) = (NEVER, NEVER, NEVER);
    let io = Io::builder().config(config).build();
    io.namespace("/").middleware(async || std::future::pending::<()>().await);
    World::new(io)
}

#[test]
fn a_body_may_take_its_time() {
    let world = patient();
    let polling = world.open_polling();
    let mut post = world.request(format!("{}4", polling.post_head(2)));
    world.advance(LONG);
    post.write("1");
    assert_eq!(post.response().brief(), (200, "ok"));
}

#[test]
fn an_upgrade_and_a_middleware_may_take_their_time() {
    let world = patient();
    let polling = world.open_polling();
    let mut websocket = polling.websocket();
    world.advance(LONG);
    websocket.send("2probe");
    assert_eq!(websocket.text(), "3probe");
    websocket.send("5");
    websocket.send("40");
    world.advance(LONG);
    websocket.expect_silence();
    // One too many is turned away by a task of its own.
    assert!(polling.websocket().try_frame().is_some());
}
