//! What is bounded, and what an idle session costs (limits, §§4, 6).

use spola_engineio::{
    Config,
    packet::payload,
    server::{SendError, Session},
};

use crate::World;

#[test]
fn queue_refuses_at_its_cap() {
    let mut config = Config::default();
    config.max_queued_bytes = 10;
    config.max_queued_packets = 3;
    let mut world = World::polling_with(&config);
    assert_eq!(world.send("1234"), Ok(()));
    assert_eq!(world.send("12345"), Err(SendError::Full));
    assert_eq!(world.send("1234"), Ok(()));
    assert_eq!(world.send(""), Err(SendError::Full));
    world.get(1);
    assert_eq!(world.out(), ["get 1: 41234|41234"]);
    for _ in 0..3 {
        assert_eq!(world.send(""), Ok(()));
    }
    assert_eq!(world.send(""), Err(SendError::Full));
}

#[test]
fn poll_response_takes_so_much_and_leaves_the_rest() {
    let mut config = Config::default();
    config.max_poll_response = 7;
    let mut world = World::polling_with(&config);
    for message in ["aa", "bb", "cc", "much too long"] {
        assert_eq!(world.send(message), Ok(()));
    }
    for (id, response) in [(1, "get 1: 4aa|4bb"), (2, "get 2: 4cc"), (3, "get 3: 4much too long")] {
        world.get(id);
        assert_eq!(world.out(), [response]);
    }
    assert_eq!(world.send("dd"), Ok(()));
    world.close();
    world.get(4);
    assert_eq!(world.out(), ["get 4: 4dd"]);
}

#[test]
fn payload_of_too_many_packets_closes() {
    let mut world = World::polling();
    world.get(1);
    world.start_post(2);
    let body = vec!["4"; payload::MAX_PACKETS + 1].join("\x1e");
    world.session.handle_post(world.now, spola_engineio::server::RequestId(2), body.into());
    assert_eq!(world.events().len(), payload::MAX_PACKETS + 1);
    world.assert_closed_quietly();
    assert_eq!(world.out(), ["get 1: 1", "post 2: ok"]);
}

#[test]
fn idle_session_is_small() {
    let size = size_of::<Session>();
    println!("an idle session is {size} bytes");
    assert!(size <= 456, "{size}");
}

impl World {
    fn assert_closed_quietly(&self) {
        assert_eq!(self.session.status(), None);
        assert_eq!(self.timeout(), None);
    }
}
