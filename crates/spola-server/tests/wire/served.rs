//! Sessions that are opened over WebSocket where `serve` has the connection: the 101 goes out with what the
//! session says first, and the session lives in the connection's task.

use std::sync::{Arc, OnceLock};

use spola_server::{Config, Io, Refusal, RejectReason, State};

use crate::harness::{Client, Gate, World, hex, masked, recorder, secs, upgrade_request};
use crate::site::Site;

const QUERY: &str = "EIO=4&transport=websocket";

fn ask(site: &Site) -> Client {
    let mut client = site.connect();
    client.write(upgrade_request(QUERY));
    client
}

#[track_caller]
fn opened(client: &mut Client) {
    assert_eq!(client.response().status, 101);
    let open = client.text();
    assert!(open.starts_with("0{"), "{open}");
}

fn gauges(world: &World) -> Vec<(&'static str, u64)> {
    world.runtime.run_until_idle();
    let statistics = world.io().statistics();
    let gauges = statistics.samples().filter(|sample| !sample.is_counter);
    gauges.map(|sample| (sample.name, sample.value)).collect()
}

#[test]
fn what_a_client_sends_with_its_request_is_heard_behind_the_101() {
    let (world, _) = recorder();
    let site = Site::open(&world);
    let mut client = site.connect();
    let mut bytes = upgrade_request(QUERY).into_bytes();
    bytes.extend(masked(1, b"40"));
    client.write(bytes);
    opened(&mut client);
    assert!(client.text().starts_with("40{"));
}

#[test]
fn a_request_in_line_behind_others_gets_its_101_after_their_answers() {
    for capacity in [1, 7, 1000] {
        let (world, _) = recorder();
        let site = Site::open(&world);
        let mut client = site.connect();
        client.end.set_capacity(capacity);
        let poll = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n";
        let other = "GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n";
        client.write(format!("{poll}{other}{}", upgrade_request(QUERY)));
        assert_eq!(client.response().status, 200);
        assert_eq!(client.response().status, 404);
        opened(&mut client);
        client.send("40");
        assert!(client.text().starts_with("40{"), "{capacity}");
    }
}

#[test]
fn a_client_that_goes_at_once_leaves_nothing() {
    let (world, _) = recorder();
    let site = Site::open(&world);
    let (before, tasks) = (gauges(&world), world.runtime.tasks());
    let mut client = ask(&site);
    client.shut();
    assert_eq!(client.response().status, 101);
    ask(&site).reset();
    let client = site.connect();
    client.end.write(upgrade_request(QUERY).as_bytes());
    client.end.shut();
    world.runtime.run_until_idle();
    drop(client);
    let client = site.connect();
    client.end.write(upgrade_request(QUERY).as_bytes());
    client.reset();
    world.advance(secs(3));
    assert_eq!((gauges(&world), world.runtime.tasks()), (before, tasks));
}

#[test]
fn a_client_that_does_not_read_its_101_is_given_up() {
    let (world, _) = recorder();
    let site = Site::open(&world);
    let (before, tasks) = (gauges(&world), world.runtime.tasks());
    let mut given_up = 0;
    for capacity in [0, 20, 140] {
        let client = site.connect();
        client.end.set_capacity(capacity);
        client.end.write(upgrade_request(QUERY).as_bytes());
        world.runtime.run_until_idle();
        assert_eq!(world.io().session_count(), 1);
        world.advance(secs(31));
        assert_eq!(gauges(&world), before, "{capacity}");
        assert_eq!(world.runtime.tasks(), tasks, "{capacity}");
        let late = world.io().statistics().rejected(RejectReason::WriteTimeout);
        assert_eq!(std::mem::replace(&mut given_up, late) + 1, late, "{capacity}");
    }
}

#[test]
fn a_server_that_closes_in_that_very_moment_says_so() {
    let io = Arc::new(OnceLock::<Io>::new());
    let own = Arc::clone(&io);
    let world = World::new(
        Io::builder()
            .on_initial_headers(move |_, _| {
                own.get().into_iter().for_each(Io::close);
            })
            .build(),
    );
    io.set(world.io().clone()).ok();
    let site = Site::open(&world);
    let tasks = world.runtime.tasks();
    let mut client = ask(&site);
    opened(&mut client);
    assert_eq!(client.raw(), hex("88 00"));
    assert_eq!(world.io().session_count(), 0);
    client.write(hex("88 80 37 fa 21 3d"));
    client.expect_end();
    drop(client);
    assert_eq!(world.runtime.tasks(), tasks);
}

#[test]
fn a_shutdown_waits_for_sessions_and_then_cuts_them_off() {
    for closes in [true, false] {
        let gate = Gate::default();
        let signal = gate.clone();
        let (world, log) = recorder();
        let (site, served) = Site::open_until(&world, async move { signal.passed().await });
        let mut client = ask(&site);
        opened(&mut client);
        client.send("40");
        client.text();
        gate.open();
        world.runtime.run_until_idle();
        assert_eq!(client.raw(), hex("88 00"));
        assert!(served.output().is_none());
        if closes {
            client.write(hex("88 80 37 fa 21 3d"));
            drop(client);
            world.advance(secs(2));
        } else {
            world.advance(secs(10));
            client.expect_end();
        }
        assert!(served.output().is_some(), "{closes}");
        assert_eq!(world.runtime.tasks(), 0);
        assert_eq!(log.take(), ["connect", "server shutting down"]);
    }
}

#[test]
fn the_open_packet_waits_for_no_middleware() {
    for revision in [3, 4] {
        let (mut config, gate) = (Config::default(), Gate::default());
        config.engine.allow_eio3 = true;
        let io = Io::builder().config(config).state(gate.clone()).build();
        io.namespace("/").middleware(async |State(gate): State<Gate>| {
            gate.passed().await;
            Ok::<_, Refusal>(())
        });
        let world = World::new(io);
        let site = Site::open(&world);
        let mut client = site.connect();
        client.write(upgrade_request(&format!("EIO={revision}&transport=websocket")));
        opened(&mut client);
        if revision == 4 {
            client.send("40");
        }
        client.expect_silence();
        gate.open();
        assert!(client.text().starts_with("40"));
    }
}
