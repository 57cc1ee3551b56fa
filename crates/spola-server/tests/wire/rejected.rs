//! What the server counts as turned down, where no hostile client is at work: the table of these looks at
//! the rest.

use std::sync::Arc;

use spola_server::{AllowOrigin, Config, Cors, Handshake, Io, RejectReason};

use crate::harness::{World, upgrade_request};

type Act = fn(&World);

#[test]
fn what_is_turned_down_is_counted_once_and_by_its_reason() {
    let acts: [(RejectReason, Act); 12] = [
        (RejectReason::TransportMismatch, |world| get(world, "EIO=4&transport=websocket")),
        (RejectReason::UnsupportedRevision, |world| get(world, "EIO=3&transport=polling")),
        (RejectReason::Forbidden, |world| get(world, "EIO=4&transport=polling&forbidden=1")),
        (RejectReason::Method, |world| {
            world.plain("POST /socket.io/?EIO=4&transport=polling").response();
        }),
        (RejectReason::Origin, |world| {
            let target = "/socket.io/?EIO=4&transport=polling";
            let head = format!("GET {target} HTTP/1.1\r\nHost: x\r\nOrigin: http://y\r\n\r\n");
            world.request(head).response();
        }),
        (RejectReason::ShuttingDown, |world| {
            world.io().close();
            get(world, "EIO=4&transport=polling");
        }),
        (RejectReason::UnknownNamespace, |world| world.open_websocket().send("40/nowhere,")),
        (RejectReason::Forbidden, |world| world.open_websocket().send("40/forbidden,")),
        (RejectReason::Rooms, |world| join(world, &["a", "b", "b", "c"])),
        (RejectReason::RoomName, |world| join(world, &["four"])),
        (RejectReason::ForeignRoom, |world| {
            let (_client, id) = world.join_with_id();
            join(world, &[&id]);
        }),
        (RejectReason::WebSocketHandshake, |world| {
            let request = upgrade_request("EIO=4&transport=websocket");
            world.request(request.replace("Version: 13", "Version: 12")).response();
        }),
    ];
    for (reason, act) in acts {
        let mut config = Config::default();
        (config.max_rooms, config.max_room_name, config.foreign_ids_as_rooms) = (2, 20, false);
        if reason == RejectReason::RoomName {
            config.max_room_name = 3;
        }
        config.cors = Some(Cors::new().allow_origin(AllowOrigin::list(["http://x"])));
        let io = Io::builder().config(config).allow_request(allowed).build();
        io.namespace("/");
        io.namespace("/forbidden").middleware(async || Err::<(), _>("no"));
        let world = World::new(io);
        act(&world);
        let statistics = world.io().statistics();
        for other in RejectReason::ALL {
            assert_eq!(statistics.rejected(*other), u64::from(*other == reason), "{other:?}");
        }
    }
}

async fn allowed(handshake: Arc<Handshake>) -> Result<(), &'static str> {
    if handshake.query("forbidden").is_some() { Err("no") } else { Ok(()) }
}

/// Has the newest client join rooms.
fn join(world: &World, rooms: &[&str]) {
    let (_client, id) = world.join_with_id();
    let sockets = world.io().sockets();
    let socket = sockets.iter().find(|socket| socket.id() == id).unwrap();
    for room in rooms {
        let _ = socket.join(*room);
    }
}

fn get(world: &World, query: &str) {
    world.plain(&format!("GET /socket.io/?{query}")).response();
}
