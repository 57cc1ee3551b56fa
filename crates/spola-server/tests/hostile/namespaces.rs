//! Namespaces and handlers (§5 of the limits text).

use spola_server::RejectReason as Reason;

use crate::arena::{Row, frames, row};
use crate::harness::masked;
use crate::packets::all_the_same;

pub(crate) fn rows() -> Vec<Row> {
    [joining(), leaving(), handlers()].into_iter().flatten().collect()
}

fn joining() -> Vec<Row> {
    vec![
        row(
            "Time to first successful CONNECT",
            "over a WebSocket, with refusals meanwhile",
            |arena| {
                let mut client = arena.world.open_websocket();
                client.send("40/nowhere,");
                arena.advance_seconds(25);
                client.send("3");
                client.send("40/nowhere,");
                arena.advance_seconds(20);
                frames(&mut client)
            },
            [
                r#"44/nowhere,{"message":"Invalid namespace"}"#,
                "2",
                r#"44/nowhere,{"message":"Invalid namespace"}"#,
                "Close",
            ],
        )
        .counts([Reason::ConnectTimeout, Reason::UnknownNamespace]),
        row(
            "Pending CONNECTs per connection",
            "the same namespace twice",
            |arena| {
                let mut client = arena.world.open_websocket();
                client.send("40/slow,");
                client.send("40/slow,");
                arena.came(client)
            },
            ["Close"],
        )
        .counts([Reason::DuplicateConnect]),
        row(
            "Pending CONNECTs per connection",
            "17 of them",
            |arena| {
                let mut client = arena.world.open_websocket();
                (0..17).for_each(|at| client.send(&format!("40/slow{at},")));
                arena.came(client)
            },
            [r#"44/slow16,{"message":"too many namespaces"}"#],
        )
        .counts([Reason::PendingConnects]),
        row(
            "Time in connection middleware",
            "it takes for ever",
            |arena| {
                let mut client = arena.world.join();
                client.send("40/slow,");
                arena.advance_seconds(25);
                client.send("3");
                arena.advance_seconds(5);
                arena.came(client)
            },
            ["2", r#"44/slow,{"message":"timed out"}"#],
        )
        .counts([Reason::AdmissionTimeout]),
        row(
            "Namespaces per connection",
            "65 of them",
            |arena| {
                let mut client = arena.world.open_websocket();
                (0..65).for_each(|at| client.send(&format!("40/{at},")));
                let mut seen = frames(&mut client);
                let last = seen.pop().unwrap();
                vec![seen.len().to_string(), last]
            },
            ["64", r#"44/64,{"message":"too many namespaces"}"#],
        )
        .counts([Reason::Namespaces]),
        row(
            "Namespace name",
            "256 bytes, or control characters",
            |arena| {
                let long = format!("0/{},", "n".repeat(255));
                let wide = format!("0/{},", "é".repeat(128));
                all_the_same(
                    arena,
                    [&*long, &wide, "0/a\u{0}b,", "0/a\nb,", "0/\u{7f},", "2/\u{1},[\"a\"]"],
                )
            },
            ["Close", "forced close"],
        )
        .counts([Reason::NamespaceName]),
        row(
            "Dynamic namespaces",
            "one too many",
            |arena| {
                let mut client = arena.world.join();
                (0..4).for_each(|at| client.send(&format!("40/room-{at},")));
                let refused = frames(&mut client).pop().unwrap();
                client.send("41/room-0,");
                client.send("40/room-4,");
                let joined = frames(&mut client).pop().unwrap();
                vec![refused, joined.starts_with("40/room-4,{").to_string()]
            },
            [r#"44/room-3,{"message":"too many namespaces"}"#, "true"],
        )
        .counts([Reason::DynamicNamespaces])
        .with(|config| config.max_dynamic_namespaces = 3),
        row(
            "Dynamic namespaces",
            "empty ones are removed",
            |arena| {
                let mut client = arena.world.join();
                for at in 0..2000 {
                    client.send(&format!("40/room-{at},"));
                    client.send(&format!("41/room-{at},"));
                }
                arena.came(client).split_off(2000)
            },
            [],
        )
        .within(1024),
        row(
            "CONNECT payload",
            "no object",
            |arena| {
                all_the_same(
                    arena,
                    ["0/1,[]", "0/1,null", "0/1,\"a\"", "0/1,1.5", "0/1,true", "0/1,{", "0/1,{}x"],
                )
            },
            ["Close", "forced close"],
        )
        .counts([Reason::MalformedPacket]),
        row(
            "CONNECT payload",
            "more than 64 KiB",
            |arena| arena.sends([format!("40/1,{{\"a\":\"{}\"}}", "x".repeat(65_536))]),
            ["Close", "forced close"],
        )
        .counts([Reason::ConnectPayload])
        .within(512),
        row(
            "CONNECT payload",
            "too deep",
            |arena| arena.sends([format!("40/1,{}1{}", "{\"a\":".repeat(200), "}".repeat(200))]),
            ["Close", "forced close"],
        )
        .counts([Reason::Depth]),
    ]
}

fn leaving() -> Vec<Row> {
    vec![
        row(
            "Packets out of place",
            "for a namespace that is not joined, or is already",
            |arena| {
                all_the_same(
                    arena,
                    ["0", "2/1,[\"a\"]", "3/1,0[]", "1/1,", "4{\"message\":\"a\"}", "4/1,\"a\""],
                )
            },
            ["Close", "forced close"],
        )
        .counts([Reason::DuplicateConnect, Reason::NotJoined, Reason::PacketDirection]),
        row(
            "After a socket left",
            "no handler runs",
            |arena| arena.sends(["41", "42[\"late\"]"]),
            ["Close", "client namespace disconnect"],
        )
        .counts([Reason::NotJoined]),
        row(
            "After a socket left",
            "nor where the server ended it, and the session lives",
            |arena| arena.sends(["42[\"leave\"]", "42[\"late\"]", "451-[\"late\",1]"]),
            ["41", "server namespace disconnect"],
        ),
        row(
            "Joining and leaving",
            "ten thousand times",
            |arena| {
                let mut client = arena.world.join();
                for _ in 0..10_000 {
                    client.send("40/1,");
                    client.send("41/1,");
                }
                client.send(r#"420["echo",1]"#);
                arena.came(client).split_off(10_000)
            },
            ["430[1]"],
        )
        .within(3 * 1024),
    ]
}

fn handlers() -> Vec<Row> {
    vec![
        row(
            "Event/packet rate",
            "a thousand at once, where ten are let through",
            |arena| {
                let mut client = arena.world.open_websocket();
                client.send("40/limited,");
                client.frames();
                client.write(masked(1, br#"42/limited,["a"]"#).repeat(1000));
                let mut seen = arena.came(client);
                let before = seen.len();
                seen.retain(|one| one != "heard");
                seen.push(format!("{} heard", before - seen.len()));
                seen
            },
            ["41/limited,", "Close", "server namespace disconnect", "10 heard"],
        )
        .counts([Reason::EventRefused]),
        row(
            "Handlers running at once per socket",
            "over a WebSocket, 200 000 events",
            |arena| {
                let client = arena.world.join();
                let events = masked(1, br#"42["wait"]"#).repeat(200_000);
                client.end.write(&events);
                arena.world.runtime.run_until_idle();
                let unread = client.end.unread_by_server() > events.len() - (2 << 20);
                client.reset();
                arena.gate.open();
                arena.world.runtime.run_until_idle();
                [vec![unread.to_string()], arena.told()].concat()
            },
            ["true", "transport close"],
        )
        .within(16 * 1024),
        row(
            "Handlers running at once per socket",
            "over polling, 50 000 events",
            |arena| {
                let session = arena.world.join_polling();
                let seen =
                    session.post(&vec![r#"42["wait"]"#; 50_000].join("\x1e")).response().status;
                session.post("1").expect_silence();
                arena.gate.open();
                arena.world.runtime.run_until_idle();
                [vec![seen.to_string()], arena.told()].concat()
            },
            ["200", "transport error"],
        )
        .within(16 * 1024),
    ]
}
