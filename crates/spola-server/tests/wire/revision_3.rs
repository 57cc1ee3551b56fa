//! Clients of Engine.IO 3 and Socket.IO 4, as `socket.io-client` 2 is one (§11, §22).

use bytes::Bytes;
use serde_json::{Value, json};
use spola_server::{Auth, Config, Data, Io, Refusal, Reply, Socket, State};

use crate::harness::{Client, Frame, Log, World, millis, recorder, secs, sid_of};

const OK: (u16, &str) = (200, "ok");
const TEXT: &str = "text/plain;charset=UTF-8";
const BINARY: &str = "application/octet-stream";
const FORM: &str = "application/x-www-form-urlencoded";

/// A server that serves revision 3, with a root and, for those with a token, `/admin`.
fn world() -> (World, Log) {
    world_with(|_| {})
}

fn world_with(settle: impl FnOnce(&mut Config)) -> (World, Log) {
    let mut config = Config::default();
    config.engine.allow_eio3 = true;
    settle(&mut config);
    let log = Log::default();
    let io = Io::builder().config(config).state(log.clone()).build();
    let root = io.namespace("/");
    root.on_connect(async |State(log): State<Log>, socket: Socket, Auth(auth): Auth<Value>| {
        log.say(format!("connect {} {auth}", socket.id()));
    });
    root.on("echo", async |Data(argument): Data<Value>| Reply(argument));
    root.on("bytes", async |socket: Socket, Data(bytes): Data<Bytes>| {
        let _ = socket.emit("bytes", bytes);
    });
    root.on_disconnect(async |State(log): State<Log>, reason: spola_server::DisconnectReason| {
        log.say(reason.as_str());
    });
    let admin = io.namespace("/admin");
    admin.middleware(async |Auth(auth): Auth<Value>| match auth["token"].as_str() {
        Some("1") => Ok(()),
        Some("2") => Err(Refusal::new("wrong").with_data(&json!({ "code": 1 }))),
        _ => Err(Refusal::new("nope")),
    });
    admin.on_connect(async |State(log): State<Log>, socket: Socket, Auth(auth): Auth<Value>| {
        log.say(format!("admin {} {auth}", socket.id()));
    });
    admin.on("echo", async |Data(argument): Data<Value>| Reply(argument));
    (World::new(io), log)
}

/// A session over polling, by whatever query.
struct Session {
    world: World,
    query: String,
    sid: String,
}

impl Session {
    fn open(world: &World, query: &str) -> Self {
        let query = format!("{query}&transport=polling");
        let response = world.plain(&format!("GET /socket.io/?{query}")).response();
        assert_eq!(response.status, 200, "{response:?}");
        let sid = sid_of(&response.body.replace("\\\"", "\""));
        Self { world: world.clone(), query, sid }
    }

    fn target(&self) -> String {
        format!("/socket.io/?{}&sid={}", self.query, self.sid)
    }

    fn get(&self) -> Client {
        self.world.plain(&format!("GET {}", self.target()))
    }

    fn post(&self, content_type: &str, body: impl AsRef<[u8]>) -> Client {
        let body = body.as_ref();
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            self.target(),
            body.len()
        );
        self.world.request([head.as_bytes(), body].concat())
    }
}

/// A WebSocket with the root joined, and the session's id.
fn websocket(world: &World) -> (Client, String) {
    let mut client = world.upgrade("EIO=3&transport=websocket");
    assert_eq!(client.response().status, 101);
    let open = client.text();
    assert_eq!(client.text(), "40");
    (client, sid_of(&open))
}

#[test]
fn revision_3_is_refused_unless_allowed() {
    let (world, _) = recorder();
    let unsupported = r#"{"code":5,"message":"Unsupported protocol version"}"#;
    for query in ["EIO=3&transport=polling", "transport=polling"] {
        let response = world.plain(&format!("GET /socket.io/?{query}")).response();
        assert_eq!(response.brief(), (400, unsupported));
    }
    let response = world.upgrade("EIO=3&transport=websocket").response();
    assert_eq!(response.brief(), (400, "Unsupported protocol version"));
}

#[test]
fn requests_of_a_session_have_its_revision() {
    let (world, _) = world();
    let mismatch = (400, r#"{"code":3,"message":"Bad request"}"#);
    let session = Session::open(&world, "EIO=3");
    let other = world.plain(&format!("GET {}", session.target().replace("EIO=3", "EIO=4")));
    assert_eq!({ other }.response().brief(), mismatch);
    assert_eq!(session.get().response().brief(), (200, "2:40"), "the session is untouched");
    let session = world.open_polling();
    let other = world.plain(&format!("GET {}", session.target().replace("EIO=4", "EIO=3")));
    assert_eq!({ other }.response().brief(), mismatch);
}

#[test]
fn polling_opens_and_joins_the_root() {
    let (world, log) = world();
    let response = world.plain("GET /socket.io/?EIO=3&transport=polling").response();
    let sid = sid_of(&response.body);
    let open = format!(
        r#"0{{"sid":"{sid}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#
    );
    assert_eq!(response.body, format!("118:{open}"));
    assert_eq!(response.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(response.body.len(), 122);
    let session = Session { world, query: "EIO=3&transport=polling".into(), sid };
    let response = session.get().response();
    assert_eq!(response.brief(), (200, "2:40"));
    assert_eq!(response.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(log.take(), [format!("connect {} {{}}", session.sid)]);
}

#[test]
fn transcript_of_a_websocket() {
    let (world, log) = world();
    let mut client = world.upgrade("EIO=3&transport=websocket");
    assert_eq!(client.response().status, 101);
    let open = client.text();
    let sid = sid_of(&open);
    assert_eq!(
        open,
        format!(
            r#"0{{"sid":"{sid}","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#
        )
    );
    assert_eq!(client.text(), "40");
    client.send("40/admin?token=1,");
    assert_eq!(client.text(), "40/admin,");
    client.send(r#"42/admin,0["echo","hi"]"#);
    assert_eq!(client.text(), r#"43/admin,0["hi"]"#);
    world.advance(secs(25));
    client.expect_silence();
    client.send("2");
    assert_eq!(client.text(), "3");
    client.send("41/admin,");
    client.expect_silence();
    let admin = format!(r#"admin /admin#{sid} {{"token":"1"}}"#);
    assert_eq!(log.take(), [format!("connect {sid} {{}}"), admin]);
}

#[test]
fn refusals_are_data_or_message() {
    let (world, _) = world();
    let (mut client, _) = websocket(&world);
    for (asked, answer) in [
        ("40/admin,", r#"44/admin,"nope""#),
        ("40/admin?token=2,", r#"44/admin,{"code":1}"#),
        (r#"40/admin,{"token":"1"}"#, r#"44/admin,"nope""#),
        ("40/random,", r#"44/random,{"message":"Invalid namespace"}"#),
        ("40/admin?token=1,", "40/admin,"),
    ] {
        client.send(asked);
        assert_eq!(client.text(), answer, "{asked}");
    }
}

#[test]
fn middleware_of_the_root_refuses_and_the_session_stays() {
    let mut config = Config::default();
    config.engine.allow_eio3 = true;
    let io = Io::builder().config(config).build();
    io.namespace("/").middleware(async |_: Socket| Err::<(), _>(Refusal::new("no entry")));
    io.namespace("/open");
    let world = World::new(io);
    let mut client = world.upgrade("EIO=3&transport=websocket");
    assert_eq!(client.response().status, 101);
    client.text();
    assert_eq!(client.text(), r#"44"no entry""#);
    client.send("40/open,");
    assert_eq!(client.text(), "40/open,");
}

#[test]
fn ids_are_those_that_the_client_derives() {
    let (world, _) = world();
    let (mut first, sid) = websocket(&world);
    first.send("40/admin?token=1,");
    assert_eq!(first.text(), "40/admin,");
    let (mut second, other) = websocket(&world);
    second.send("40/admin?token=1,");
    assert_eq!(second.text(), "40/admin,");
    // Each is the name of its socket's own room.
    let admin = world.io().namespace("/admin");
    assert_eq!(world.io().to(sid.clone()).emit("a", ()).unwrap(), 1);
    assert_eq!(admin.to(format!("/admin#{sid}")).emit("b", ()).unwrap(), 1);
    assert_eq!(admin.to(sid.clone()).emit("c", ()).unwrap(), 0, "the bare id is another's");
    assert_eq!(world.io().to(format!("/admin#{sid}")).emit("d", ()).unwrap(), 0);
    assert_eq!(admin.except(format!("/admin#{other}")).emit("e", ()).unwrap(), 1);
    assert_eq!(first.texts(), [r#"42["a"]"#, r#"42/admin,["b"]"#, r#"42/admin,["e"]"#]);
    second.expect_silence();
}

#[test]
fn binary_goes_both_ways_over_a_websocket() {
    let (world, _) = world();
    let (mut client, _) = websocket(&world);
    client.send(r#"451-["bytes",{"_placeholder":true,"num":0}]"#);
    client.send_binary(&[4, 1, 2, 3]);
    let text = r#"451-["bytes",{"_placeholder":true,"num":0}]"#.to_owned();
    assert_eq!(client.frames(), [Frame::Text(text), Frame::Binary(vec![4, 1, 2, 3])]);
}

#[test]
fn binary_goes_both_ways_over_polling() {
    let (world, _) = world();
    let session = Session::open(&world, "EIO=3");
    assert_eq!(session.get().response().brief(), (200, "2:40"));
    let event = r#"451-["bytes",{"_placeholder":true,"num":0}]"#;
    assert_eq!(event.len(), 43);
    let body = [b"\x00\x04\x03\xff", event.as_bytes(), b"\x01\x04\xff\x04\x01\x02\x03"].concat();
    assert_eq!(session.post(BINARY, &body).response().brief(), OK);
    let answer = session.get().raw();
    let split = answer.windows(4).position(|at| at == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8_lossy(&answer[..split]);
    assert!(head.contains("content-type: application/octet-stream\r\n"), "{head}");
    assert_eq!(answer[split..], body);

    let session = Session::open(&world, "EIO=3&b64=1");
    assert_eq!(session.get().response().brief(), (200, "2:40"));
    let body = format!("43:{event}6:b4AQ==");
    assert_eq!(session.post(TEXT, &body).response().brief(), OK);
    assert_eq!(session.get().response().brief(), (200, &*body));
}

#[test]
fn lengths_count_utf16_units() {
    let (world, _) = world();
    let session = Session::open(&world, "EIO=3");
    assert_eq!(session.get().response().brief(), (200, "2:40"));
    assert_eq!(session.post(TEXT, r#"17:420["echo","€😀"]"#).response().brief(), OK);
    assert_eq!(session.get().response().brief(), (200, r#"10:430["€😀"]"#));
}

#[test]
fn six_bytes_with_half_a_character_close_the_session() {
    for body in ["4:4€", "2:4😀", "3:4é"] {
        let (world, log) = world();
        let session = Session::open(&world, "EIO=3");
        let bystander = Session::open(&world, "EIO=3");
        log.take();
        assert_eq!(session.post(TEXT, body).response().brief(), OK, "{body}");
        assert_eq!(log.take(), ["parse error"], "{body}");
        assert_eq!(session.get().response().status, 400);
        assert_eq!(bystander.get().response().brief(), (200, "2:40"));
    }
}

#[test]
fn body_beyond_the_limit_is_413_and_the_session_lives() {
    let (world, _) = world_with(|config| config.engine.max_payload = 100);
    let session = Session::open(&world, "EIO=3");
    assert_eq!(session.post(BINARY, [0; 101]).response().brief(), (413, ""));
    assert_eq!(session.get().response().brief(), (200, "2:40"));
}

#[test]
fn announced_lengths_are_no_more_than_numbers() {
    for body in [&b"9999999999:4a"[..], b"99999999999999999999:4a", b"-1:4a", b"0x2:4a"] {
        let (world, log) = world();
        let session = Session::open(&world, "EIO=3");
        log.take();
        assert_eq!(session.post(TEXT, body).response().brief(), OK);
        assert_eq!(log.take(), ["parse error"]);
    }
    let (world, log) = world();
    let session = Session::open(&world, "EIO=3");
    log.take();
    let body = b"\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff4a";
    assert_eq!(session.post(BINARY, body).response().brief(), OK);
    assert_eq!(log.take(), ["parse error"]);
}

#[test]
fn client_that_does_not_ping_is_gone_after_45_seconds() {
    let (world, log) = world();
    let (mut client, _) = websocket(&world);
    log.take();
    world.advance(secs(44));
    client.send(r#"42["other"]"#);
    client.expect_silence();
    world.advance(millis(999));
    client.expect_silence();
    world.advance(millis(1));
    assert_eq!(log.take(), ["ping timeout"]);
    assert_eq!(client.frames(), [Frame::Close(vec![])]);
}

#[test]
fn pong_from_the_client_is_a_transport_error() {
    let (world, log) = world();
    let (mut client, _) = websocket(&world);
    let session = Session::open(&world, "EIO=3");
    log.take();
    client.send("3");
    assert_eq!(client.frames(), [Frame::Close(vec![])]);
    assert_eq!(session.post(TEXT, "1:3").response().brief(), OK);
    assert_eq!(log.take(), ["transport error", "transport error"]);
}

#[test]
fn upgrade_and_close_have_lengths_in_front() {
    let (world, log) = world();
    let session = Session::open(&world, "EIO=3");
    assert_eq!(session.get().response().brief(), (200, "2:40"));
    log.take();
    let mut get = session.get();
    let mut socket = world.upgrade(&format!("EIO=3&transport=websocket&sid={}", session.sid));
    assert_eq!(socket.response().status, 101);
    socket.send("2probe");
    assert_eq!(socket.text(), "3probe");
    world.advance(millis(100));
    assert_eq!(get.response().brief(), (200, "1:6"));
    let mut get = session.get();
    socket.send("5");
    assert_eq!(get.response().brief(), (200, "1:1"));
    socket.send(r#"420["echo",1]"#);
    assert_eq!(socket.text(), "430[1]");
    socket.send("2");
    assert_eq!(socket.text(), "3");

    let session = Session::open(&world, "EIO=3");
    session.get().response();
    let mut get = session.get();
    assert_eq!(session.post(TEXT, "1:1").response().brief(), OK);
    assert_eq!(get.response().brief(), (200, "1:6"));
    assert_eq!(log.take().last().map(String::as_str), Some("transport close"));
}

#[test]
fn jsonp_wraps_payloads_and_takes_forms() {
    let (world, _) = world();
    let response = world.plain("GET /socket.io/?EIO=3&transport=polling&b64=1&j=0").response();
    assert!(response.body.starts_with(r#"___eio[0]("118:0{\"sid\":\""#), "{response:?}");
    assert!(response.body.ends_with(r#"}");"#));
    assert_eq!(response.header("content-type"), Some("text/plain; charset=UTF-8"));

    let session = Session::open(&world, "EIO=3&b64=1&j=0");
    assert_eq!(session.get().response().brief(), (200, r#"___eio[0]("2:40");"#));
    let form = "d=15%3A420%5B%22echo%22%2C%22%E2%80%A8%22%5D";
    assert_eq!(session.post(FORM, form).response().brief(), OK);
    assert_eq!(session.get().response().brief(), (200, r#"___eio[0]("8:430[\"\u2028\"]");"#));
    assert_eq!(session.post(FORM, "x=1").response().brief(), OK);
}

#[test]
fn jsonp_index_is_reduced_to_its_digits() {
    let (world, _) = world();
    for (j, index) in [("7", "7"), ("1%3balert(1)", "11"), ("%22%3E", "0")] {
        let query = format!("EIO=3&transport=polling&j={j}");
        let response = world.plain(&format!("GET /socket.io/?{query}")).response();
        assert!(response.body.starts_with(&format!("___eio[{index}](\"")), "{response:?}");
    }
}

#[test]
fn jsonp_serves_revision_4_too() {
    let (world, _) = world();
    let session = Session::open(&world, "EIO=4&j=1");
    assert_eq!(
        session.post(FORM, "d=40%1E420%5B%22echo%22%2C%22%E2%80%A8%22%5D").response().brief(),
        OK
    );
    let body = session.get().response().body;
    assert!(body.starts_with("___eio[1](\"40{\\\"sid\\\":\\\""), "{body}");
    assert!(body.ends_with("\\u001e430[\\\"\\u2028\\\"]\");"), "{body}");
    assert_eq!(session.post(BINARY, "d=40").response().brief(), (400, ""));
}
