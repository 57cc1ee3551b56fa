//! Headers of responses (§12 of the wire text), but for those of CORS.

use http::HeaderValue;
use spola_server::{AllowOrigin, Config, Cors, Io, IoBuilder, SessionCookie};

use crate::harness::{World, recorder, recorder_with, sid_of};

const OPEN: &str = "GET /socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "EIO=4&transport=websocket";

/// A server made by `set`.
fn server(set: impl FnOnce(IoBuilder) -> IoBuilder) -> World {
    let io = set(Io::builder()).build();
    io.namespace("/");
    World::new(io)
}

#[test]
fn headers_may_be_added_to_the_responses_of_a_session() {
    let world = server(|builder| {
        builder
            .on_initial_headers(|headers, request| {
                let query = request.uri().query().unwrap_or_default();
                headers.insert("x-first", HeaderValue::from_str(query).unwrap());
            })
            .on_headers(|headers, request| {
                let also = headers.contains_key("x-first");
                let value = format!("{} {also}", request.method());
                headers.insert("x-each", value.parse().unwrap());
            })
    });
    let response = world.plain(OPEN).response();
    assert_eq!(response.header("x-first"), Some("EIO=4&transport=polling"));
    assert_eq!(response.header("x-each"), Some("GET true"));
    let switched = world.upgrade(WEBSOCKET).response();
    assert_eq!(switched.header("x-first"), Some(WEBSOCKET));
    assert_eq!(switched.header("x-each"), Some("GET true"));

    let session = world.open_polling();
    let post = session.post("40").response();
    assert_eq!((post.header("x-first"), post.header("x-each")), (None, Some("POST false")));
    let get = session.get().response();
    assert_eq!((get.header("x-first"), get.header("x-each")), (None, Some("GET false")));
    let upgrade = world.upgrade(&session.upgrade_query()).response();
    assert_eq!((upgrade.header("x-first"), upgrade.header("x-each")), (None, Some("GET false")));
    // Refusals are none of a session.
    let refused = world.plain("GET /socket.io/?EIO=4&transport=xyz").response();
    assert_eq!(refused.header("x-each"), None);
}

#[test]
fn the_applications_headers_stand_beside_those_of_cors_or_in_their_place() {
    let mut config = Config::default();
    config.cors = Some(Cors::new().allow_origin(AllowOrigin::mirror_request()));
    let world = server(|builder| {
        builder.config(config).on_headers(|headers, _| {
            headers.insert("vary", HeaderValue::from_static("Accept-Language"));
            let origin = HeaderValue::from_static("https://b.example");
            headers.insert("access-control-allow-origin", origin);
        })
    });
    let request = format!("{OPEN} HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n\r\n");
    let head = world.request(request).response().head.to_ascii_lowercase();
    let lines =
        head.lines().filter(|line| line.starts_with("vary") || line.contains("allow-origin"));
    assert_eq!(
        lines.collect::<Vec<_>>(),
        ["vary: accept-language", "vary: origin", "access-control-allow-origin: https://b.example"]
    );
}

#[test]
fn the_cookie_comes_with_the_handshake_over_polling_alone() {
    let mut config = Config::default();
    config.cookie = Some(SessionCookie::new());
    let (world, _) = recorder_with(config);
    let response = world.plain(OPEN).response();
    let expected = format!("io={}; Path=/; HttpOnly; SameSite=Lax", sid_of(&response.body));
    assert_eq!(response.header("set-cookie"), Some(&*expected));
    let session = world.open_polling();
    assert_eq!(session.post("40").response().header("set-cookie"), None);
    assert_eq!(session.get().response().header("set-cookie"), None);
    assert_eq!(world.upgrade(WEBSOCKET).response().header("set-cookie"), None);
    let (world, _) = recorder();
    assert_eq!(world.plain(OPEN).response().header("set-cookie"), None);
}

#[test]
fn internet_explorer_is_told_not_to_look_for_scripts() {
    let (world, _) = recorder();
    for (agent, told) in [
        ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", true),
        ("Mozilla/4.0 (compatible;MSIE 8.0)", true),
        ("Mozilla/5.0 (compatible; MSIE 9.0)", false),
        ("Mozilla/5.0 Chrome/100", false),
    ] {
        let headers = format!("Host: x\r\nUser-Agent: {agent}\r\n\r\n");
        let response = world.request(format!("{OPEN} HTTP/1.1\r\n{headers}")).response();
        assert_eq!(response.header("x-xss-protection"), told.then_some("0"), "{agent}");
    }
}
