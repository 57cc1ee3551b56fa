//! What an application knows of a client (§17.4 of the wire text).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use spola_server::{Auth, Handshake, Reply, Socket, Value};

use crate::harness::{secs, serving};

#[test]
fn a_handshake_tells_all_of_the_request_that_opened_the_session() {
    let (world, _) = serving(|root| {
        root.on("who", async |handshake: Arc<Handshake>| {
            let query: Vec<_> = handshake
                .query_pairs()
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect();
            Reply((
                handshake.time(),
                handshake.issued_millis(),
                (handshake.secure, handshake.is_cross_domain()),
                handshake.address().map(|address| address.to_string()),
                handshake.url().to_owned(),
                query,
                handshake.headers()["x-mine"].to_str().unwrap().to_owned(),
            ))
        });
    });
    world.advance(secs(3));
    let mut client = world.request(
        "GET /socket.io/?EIO=4&transport=websocket&a=%C3%A9+%26&a=2 HTTP/1.1\r\nHost: x\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://page\r\nX-Mine: yes\r\n\r\n",
    );
    assert_eq!(client.response().status, 101);
    world.advance(secs(9));
    client.send("40");
    client.texts();
    client.send(r#"420["who"]"#);
    let query = r#"[["EIO","4"],["transport","websocket"],["a","é &"],["a","2"]]"#;
    assert_eq!(
        client.text(),
        format!(
            r#"430["Tue, 14 Nov 2023 22:13:23 GMT",1700000003000,[false,true],"127.0.0.1","{}",{query},"yes"]"#,
            "/socket.io/?EIO=4&transport=websocket&a=%C3%A9+%26&a=2",
        )
    );
}

#[test]
fn auth_is_there_in_every_handler_and_that_of_each_namespace_its_own() {
    async fn auth(socket: Socket, Auth(auth): Auth<Value>) -> Reply<(Value, Option<String>)> {
        Reply((auth, socket.auth().map(str::to_owned)))
    }
    let (world, _) = serving(|root| {
        root.on("auth", auth);
    });
    world.io().namespace("/b").on("auth", auth);
    let mut client = world.open_websocket();
    client.send("40");
    client.send(r#"40/b,{"token":"x"}"#);
    client.texts();
    client.send(r#"421["auth"]"#);
    client.send(r#"42/b,1["auth"]"#);
    let texts = client.texts();
    assert_eq!(texts, ["431[{},null]", r#"43/b,1[{"token":"x"},"{\"token\":\"x\"}"]"#]);
}

#[test]
fn a_time_before_1970_or_beyond_the_calendar_is_no_panic() {
    let (world, _) = serving(|root| {
        root.on("e", async |_: Socket| {});
    });
    let _client = world.join();
    let mut handshake = Handshake::clone(world.io().sockets()[0].handshake());
    handshake.issued = SystemTime::UNIX_EPOCH - Duration::from_secs(5);
    assert_eq!(handshake.issued_millis(), 0);
    assert_eq!(handshake.time(), "Thu, 01 Jan 1970 00:00:00 GMT");
    handshake.issued = SystemTime::UNIX_EPOCH + Duration::from_secs(400_000_000_000);
    assert_eq!(handshake.time(), "Fri, 31 Dec 9999 23:59:59 GMT");
}
