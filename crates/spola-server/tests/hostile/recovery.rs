//! What is remembered for clients that may come back (§5 of the limits text).

use std::time::Duration;

use bytes::Bytes;
use spola_server::{Config, ConnectionStateRecovery, RejectReason as Reason};

use crate::arena::{Arena, Row, frames, row};
use crate::harness::{Client, sid_of};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row(
            "Recovery: sessions kept",
            "2000 clients that come and break off",
            |arena| {
                for _ in 0..2000 {
                    arena.world.join().reset();
                    arena.log.take();
                }
                Vec::new()
            },
            [],
        )
        .counts([Reason::RecoverySessions])
        .with(|config| remember(config, |recovery| recovery.max_sessions = 100)),
        row(
            "Recovery: packets kept",
            "10,000 of them",
            |arena| flood(arena, 100, 100, 1),
            ["10000"],
        )
        .counts([Reason::RecoveryPackets])
        .with(|config| remember(config, |recovery| recovery.max_packets = 100)),
        row(
            "Recovery: packets kept",
            "40 MB of them",
            |arena| flood(arena, 400, 1, 100_000),
            ["400"],
        )
        .counts([Reason::RecoveryPackets])
        .with(|config| remember(config, |recovery| recovery.max_packet_bytes = 1 << 20))
        .within(2 * 1024)
        .leaving(512),
        row(
            "Recovery: packets kept",
            "16 MB of attachments, which polling sessions get in base64",
            |arena| {
                let sessions = [(); 2].map(|()| arena.world.join_polling());
                arena.log.take();
                let mut came = 0;
                for _ in 0..160 {
                    arena.world.io().emit("all", Bytes::from(vec![7; 100_000])).unwrap();
                    arena.bystander.beat();
                    for session in &sessions {
                        came += session.get().response().body.len() / 133_336;
                    }
                }
                vec![came.to_string()]
            },
            ["320"],
        )
        .with(|config| remember(config, |recovery| recovery.max_packet_bytes = 1 << 20))
        .counts([Reason::RecoveryPackets])
        .within(2 * 1024)
        .leaving(512),
        row(
            "Recovery replay per client",
            "1001 packets, and one packet more than 1 MiB",
            |arena| {
                let mut outcomes = Vec::new();
                for (count, len) in [(1000, 1), (1001, 1), (10, 100_000), (11, 100_000)] {
                    let (mut other, auth, sid) = lost(arena);
                    for _ in 0..count {
                        arena.world.io().to(sid.clone()).emit("missed", "x".repeat(len)).unwrap();
                    }
                    other.send(&format!("40{auth}"));
                    let mut seen = frames(&mut other);
                    let back = sid_of(&seen.pop().unwrap()) == sid;
                    outcomes.push(format!("{} missed, back: {back}", seen.len()));
                    other.reset();
                    arena.log.take();
                }
                outcomes
            },
            [
                "1000 missed, back: true",
                "0 missed, back: false",
                "10 missed, back: true",
                "0 missed, back: false",
            ],
        )
        .counts([Reason::RecoveryRefused])
        .with(|config| remember(config, |_| {}))
        .within(8 * 1024)
        .leaving(2 * 1024),
        row(
            "`pid`, `offset`",
            "of other types, too long, of others",
            |arena| {
                let (mut client, auth, sid) = lost(arena);
                let pid = auth.split('"').nth(3).unwrap().to_owned();
                let long = "9".repeat(15_000);
                let mut strangers = 0;
                for auth in [
                    r#"{"pid":1,"offset":[]}"#.to_owned(),
                    r#"{"pid":{},"offset":null}"#.to_owned(),
                    format!(r#"{{"pid":"{sid}"}}"#),
                    format!(r#"{{"pid":"{pid}","offset":{{}}}}"#),
                    format!(r#"{{"pid":"{pid}","offset":"{long}"}}"#),
                    format!(r#"{{"pid":"{long}"}}"#),
                    format!(r#"{{"pid":"{pid}","pid":"{pid}"}}"#),
                ] {
                    let mut stranger = arena.world.open_websocket();
                    stranger.send(&format!("40{auth}"));
                    strangers += usize::from(sid_of(&stranger.text()) != sid);
                    stranger.send("41");
                    arena.log.take();
                }
                client.send(&format!("40{auth}"));
                vec![strangers.to_string(), (sid_of(&client.text()) == sid).to_string()]
            },
            ["7", "true"],
        )
        .counts([Reason::RecoveryRefused])
        .with(|config| remember(config, |_| {})),
        row(
            "`pid`, `offset`",
            "one use only",
            |arena| {
                let (client, auth, sid) = lost(arena);
                let mut both = [client, arena.world.open_websocket()];
                let back = both.each_mut().map(|client| {
                    client.send(&format!("40{auth}"));
                    sid_of(&client.text()) == sid
                });
                back.map(|back| back.to_string()).to_vec()
            },
            ["true", "false"],
        )
        .counts([Reason::RecoveryRefused])
        .with(|config| remember(config, |_| {})),
    ]
}

/// Recovery with a short memory, so that nothing is left when the row ends.
fn remember(config: &mut Config, change: impl FnOnce(&mut ConnectionStateRecovery)) {
    let mut recovery = ConnectionStateRecovery::default();
    recovery.max_disconnection_duration = Duration::from_secs(1);
    change(&mut recovery);
    config.connection_state_recovery = Some(recovery);
}

/// Has the server send much to a client that reads; how much has come.
fn flood(arena: &mut Arena, times: usize, count: usize, len: usize) -> Vec<String> {
    let mut client = arena.world.join();
    let came = (0..times).map(|_| {
        client.send(&format!(r#"42["flood",{count},{len}]"#));
        client.frames().len()
    });
    vec![came.sum::<usize>().to_string()]
}

/// A client that has lost its connection: what it connects by now, the `auth` to come back by, and its
/// public id.
fn lost(arena: &mut Arena) -> (Client, String, String) {
    let mut client = arena.world.open_websocket();
    client.send("40");
    let reply = client.text();
    let (_, pid) = reply.split_once(r#""pid":""#).unwrap();
    client.reset();
    arena.log.take();
    let auth = format!(r#"{{"pid":"{}"}}"#, &pid[..20]);
    (arena.world.open_websocket(), auth, sid_of(&reply))
}
