//! What is to be sent to clients that do not read (§6 of the limits text).

use bytes::Bytes;
use spola_server::{AtHardCap, RejectReason as Reason};

use crate::arena::{Row, row};
use crate::harness::masked;
use crate::{ALLOCATOR, KIB};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row(
            "Hard cap per connection",
            "a WebSocket that asks and does not read",
            |arena| {
                let client = arena.world.join();
                client.end.set_capacity(100);
                for _ in 0..400 {
                    client.end.write(&masked(1, br#"42["flood",1,100000]"#));
                    arena.world.runtime.run_until_idle();
                }
                arena.told()
            },
            ["transport error"],
        )
        .counts([Reason::OutgoingHardCap])
        .within(20 * 1024),
        row(
            "Hard cap per connection",
            "small answers to a WebSocket that does not read",
            |arena| {
                let client = arena.world.join();
                client.end.set_capacity(100);
                let asks = masked(1, br#"420["echo","0123456789"]"#).repeat(1000);
                for _ in 0..400 {
                    client.end.write(&asks);
                    arena.world.runtime.run_until_idle();
                }
                arena.told()
            },
            ["transport error"],
        )
        .counts([Reason::OutgoingHardCap])
        .within(24 * 1024),
        row(
            "Hard cap per connection",
            "a polling session that posts and never polls",
            |arena| {
                let session = arena.world.join_polling();
                let mut told = Vec::new();
                for _ in 0..400 {
                    session.post(r#"42["flood",1,100000]"#);
                    told.extend(arena.told());
                    if !told.is_empty() {
                        break;
                    }
                }
                told
            },
            ["transport error"],
        )
        .counts([Reason::OutgoingHardCap])
        .within(20 * 1024),
        row(
            "Hard cap per connection",
            "polling sessions that do not come for what all are sent",
            |arena| {
                let bystander = arena.world.io().sockets();
                let _sessions: Vec<_> = (0..20).map(|_| arena.world.join_polling()).collect();
                arena.log.take();
                let before = ALLOCATOR.current_usage();
                let all = arena.world.io().namespace("/").except(bystander[0].socket_id());
                assert_eq!(all.emit("all", Bytes::from(vec![7; 600 * KIB])).unwrap(), 20);
                arena.world.runtime.run_until_idle();
                // The base64, 4 bytes for 3, is there once, and the bytes are not any more.
                let held = (ALLOCATOR.current_usage() - before) / KIB;
                vec![((held + 50) / 100).to_string()]
            },
            ["8"],
        )
        .within(2 * 1024),
        row(
            "Hard cap per connection",
            "CONNECT_ERRORs to a WebSocket that does not read",
            |arena| {
                let client = arena.world.join();
                client.end.set_capacity(100);
                let asks = masked(1, b"40/nowhere,").repeat(1000);
                for _ in 0..400 {
                    client.end.write(&asks);
                    arena.world.runtime.run_until_idle();
                }
                arena.told()
            },
            ["transport error"],
        )
        .counts([Reason::UnknownNamespace, Reason::OutgoingHardCap])
        .within(24 * 1024),
        row(
            "Policy at the hard cap",
            "kept: small answers to a WebSocket that does not read",
            |arena| {
                let client = arena.world.join();
                client.end.set_capacity(100);
                let asks = masked(1, br#"420["echo","0123456789"]"#).repeat(1000);
                for _ in 0..400 {
                    client.end.write(&asks);
                    arena.world.runtime.run_until_idle();
                }
                assert_eq!(arena.told(), [""; 0]);
                arena.advance_seconds(30);
                arena.told()
            },
            ["transport error"],
        )
        .counts([Reason::WriteTimeout, Reason::OutgoingHardCap])
        .with(|config| config.at_hard_cap = AtHardCap::Refuse)
        .within(24 * 1024),
        row(
            "Pending pong replies",
            "pings to a WebSocket that does not read",
            |arena| {
                let client = arena.world.join();
                client.end.set_capacity(0);
                client.end.write(&masked(9, &[0; 125]).repeat(200));
                arena.world.runtime.run_until_idle();
                arena.told()
            },
            [],
        ),
        row(
            "Control frames per second",
            "a flood of pings",
            |arena| {
                let mut client = arena.world.join();
                client.write(masked(9, b"").repeat(10_000));
                let mut seen = arena.came(client);
                seen.retain(|one| one != "pong");
                seen
            },
            ["Close 1008", "transport error"],
        )
        .counts([Reason::ControlFlood]),
        row(
            "No write progress with data queued",
            "a WebSocket that stops reading",
            |arena| {
                let mut client = arena.world.join();
                client.end.set_capacity(100);
                client.send(r#"42["flood",10,1000]"#);
                arena.advance_seconds(30);
                arena.told()
            },
            ["transport error"],
        )
        .counts([Reason::WriteTimeout]),
        row(
            "Close handshake",
            "a peer that never answers",
            |arena| {
                let mut client = arena.world.join();
                client.send("9");
                arena.advance_seconds(5);
                client.expect_end();
                arena.came(client)
            },
            ["Close", "parse error"],
        )
        .counts([Reason::MalformedPayload, Reason::CloseTimeout]),
    ]
}
