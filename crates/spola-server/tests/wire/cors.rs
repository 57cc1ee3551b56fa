//! Pages of other origins (§12.1 of the wire text).

use std::time::Duration;

use http::Method;
use http::header::{CONTENT_TYPE, HeaderName};
use spola_server::{AllowOrigin, Config, Cors, Io};

use crate::harness::{Client, KEY, Response, World, recorder_with};

const OPEN: &str = "GET /socket.io/?EIO=4&transport=polling";
const FORBIDDEN: (u16, &str) = (403, r#"{"code":4,"message":"Forbidden"}"#);

fn serving(cors: Cors) -> World {
    let mut config = Config::default();
    config.cors = Some(cors);
    recorder_with(config).0
}

/// A request with these header lines.
fn send(world: &World, line: &str, headers: &str) -> Response {
    world.request(format!("{line} HTTP/1.1\r\nHost: x\r\n{headers}\r\n")).response()
}

/// An upgrade request from a page of this origin.
fn upgrade(world: &World, query: &str, origin: &str) -> Client {
    world.request(format!(
        "GET /socket.io/?{query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\nOrigin: {origin}\r\n\r\n"
    ))
}

/// What the response says of CORS, line by line.
fn said(response: &Response) -> Vec<String> {
    let lines = response.head.lines().map(str::to_ascii_lowercase);
    lines.filter(|line| line.starts_with("access-control-") || line.starts_with("vary")).collect()
}

#[test]
fn nothing_is_said_unless_it_is_configured() {
    let (world, _) = recorder_with(Config::default());
    let response = send(&world, OPEN, "Origin: https://a.example\r\n");
    assert_eq!((response.status, said(&response)), (200, Vec::new()));
}

#[test]
fn each_kind_of_origin_is_told_what_it_may() {
    let any = || Cors::new();
    let mirror = || Cors::new().allow_origin(AllowOrigin::mirror_request());
    let exact = || Cors::new().allow_origin(AllowOrigin::exact("https://a.example"));
    let list = || {
        let origins = AllowOrigin::list(["https://a.example", "http://b.example:8080"]);
        Cors::new().allow_origin(origins)
    };
    let predicate = || {
        Cors::new().allow_origin(AllowOrigin::predicate(|origin, request| {
            origin.as_bytes().ends_with(b".example") && request.method() == Method::GET
        }))
    };
    let told = |origin: &str| format!("access-control-allow-origin: {origin}");
    let varies = || "vary: origin".to_owned();
    let cases = [
        (any(), Some("https://c.test"), vec![told("*")]),
        (any(), None, vec![told("*")]),
        (mirror(), Some("https://c.test"), vec![told("https://c.test"), varies()]),
        (mirror(), Some("null"), vec![told("null"), varies()]),
        (mirror(), None, vec![varies()]),
        (exact(), Some("https://a.example"), vec![told("https://a.example"), varies()]),
        (exact(), Some("https://c.test"), vec![told("https://a.example"), varies()]),
        (exact(), None, vec![told("https://a.example"), varies()]),
        (list(), Some("http://b.example:8080"), vec![told("http://b.example:8080"), varies()]),
        (list(), Some("http://b.example"), vec![varies()]),
        (list(), Some("null"), vec![varies()]),
        (list(), None, vec![varies()]),
        (predicate(), Some("https://c.example"), vec![told("https://c.example"), varies()]),
        (predicate(), Some("https://c.test"), vec![varies()]),
        (predicate(), None, vec![varies()]),
    ];
    for (cors, origin, expected) in cases {
        let world = serving(cors.clone().enforce_origin(false));
        let header = origin.map_or(String::new(), |origin| format!("Origin: {origin}\r\n"));
        let response = send(&world, OPEN, &header);
        let case = format!("{cors:?} {origin:?}");
        assert_eq!(response.status, 200, "{case}");
        assert_eq!(said(&response), expected, "{case}");
    }
}

#[test]
fn credentials_and_exposed_headers_are_told_with_every_response() {
    let cors = Cors::new()
        .allow_origin(AllowOrigin::exact("https://a.example"))
        .allow_credentials(true)
        .expose_headers([CONTENT_TYPE, HeaderName::from_static("x-more")]);
    let world = serving(cors);
    let expected = [
        "access-control-allow-origin: https://a.example",
        "vary: origin",
        "access-control-allow-credentials: true",
        "access-control-expose-headers: content-type,x-more",
    ];
    let session = world.open_polling();
    let post = session.post("40").response();
    assert_eq!((post.brief(), said(&post)), ((200, "ok"), expected.map(String::from).to_vec()));
    let get = session.get().response();
    assert_eq!((get.status, said(&get)), (200, expected.map(String::from).to_vec()));
    // Errors say so too, or no page could read them.
    for (line, status) in [
        ("GET /socket.io/?EIO=4&transport=xyz", 400),
        ("GET /socket.io/?EIO=4&transport=polling&sid=nope", 400),
        ("POST /socket.io/?EIO=4&transport=polling", 400),
        (&format!("PUT {}", session.target()), 500),
    ] {
        let response = send(&world, line, "");
        assert_eq!(response.status, status, "{line}");
        assert_eq!(said(&response), expected, "{line}");
    }
    let switched = upgrade(&world, "EIO=4&transport=websocket", "https://a.example").response();
    assert_eq!((switched.status, said(&switched)), (101, expected.map(String::from).to_vec()));
    let refused = upgrade(&world, "EIO=4&transport=xyz", "https://a.example").response();
    assert_eq!((refused.brief(), said(&refused)), ((400, "Transport unknown"), Vec::new()));
}

#[test]
fn a_preflight_request_is_answered_without_further_checks() {
    let (world, asks) = (serving(Cors::new()), "Access-Control-Request-Headers: x-a, x-b\r\n");
    for query in ["", "?EIO=4&transport=polling", "?EIO=3&transport=xyz&sid=nope"] {
        let line = format!("OPTIONS /socket.io/{query} HTTP/1.1");
        let mut client =
            world.request(format!("{line}\r\nHost: x\r\nOrigin: https://a.example\r\n{asks}\r\n"));
        let response = String::from_utf8(client.raw()).unwrap();
        assert_eq!(
            response,
            "HTTP/1.1 204 No Content\r\naccess-control-allow-origin: *\r\n\
             access-control-allow-methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\n\
             access-control-allow-headers: x-a, x-b\r\n\
             vary: Access-Control-Request-Headers\r\n\r\n"
        );
    }
}

#[test]
fn a_preflight_request_is_told_what_was_set() {
    let cors = Cors::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_credentials(true)
        .max_age(Duration::from_secs(600));
    let asks = "Origin: https://a.example\r\nAccess-Control-Request-Headers: x-a\r\n";
    let head = |cors: Cors| {
        let line = "OPTIONS /socket.io/ HTTP/1.1\r\nHost: x\r\n";
        let raw = serving(cors).request(format!("{line}{asks}\r\n")).raw();
        let text = String::from_utf8(raw).unwrap();
        text.lines().skip(1).filter(|line| !line.is_empty()).map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(
        head(cors.clone()),
        [
            "access-control-allow-origin: https://a.example",
            "vary: Origin, Access-Control-Request-Headers",
            "access-control-allow-credentials: true",
            "access-control-allow-methods: GET,HEAD,PUT,PATCH,POST,DELETE",
            "access-control-allow-headers: x-a",
            "access-control-max-age: 600",
        ]
    );
    let narrow = cors.allow_methods([Method::GET, Method::POST]).allow_headers([CONTENT_TYPE]);
    assert_eq!(
        head(narrow),
        [
            "access-control-allow-origin: https://a.example",
            "vary: Origin",
            "access-control-allow-credentials: true",
            "access-control-allow-methods: GET,POST",
            "access-control-allow-headers: content-type",
            "access-control-max-age: 600",
        ]
    );
}

#[test]
fn origins_that_are_not_allowed_open_nothing() {
    let list = AllowOrigin::list(["https://a.example", "http://b.example:8080"]);
    let world = serving(Cors::new().allow_origin(list));
    let websocket = "EIO=4&transport=websocket";
    for origin in [
        "https://c.example",
        "http://a.example",
        "https://a.example:8443",
        "https://a.example.evil",
        "http://b.example",
        "null",
        "",
    ] {
        let header = format!("Origin: {origin}\r\n");
        assert_eq!(send(&world, OPEN, &header).brief(), FORBIDDEN, "{origin}");
        let mut client = upgrade(&world, websocket, origin);
        assert_eq!(client.response().brief(), (400, "Forbidden"), "{origin}");
        client.expect_end();
    }
    assert_eq!(world.io().session_count(), 0);
    for origin in ["https://a.example", "HTTPS://A.Example", "http://b.example:8080"] {
        let header = format!("Origin: {origin}\r\n");
        assert_eq!(send(&world, OPEN, &header).status, 200, "{origin}");
        assert_eq!(upgrade(&world, websocket, origin).response().status, 101, "{origin}");
    }
    let two = "Origin: https://a.example\r\nOrigin: https://c.example\r\n";
    assert_eq!(send(&world, OPEN, two).brief(), FORBIDDEN);
    assert_eq!(send(&world, OPEN, "").status, 200, "no browser");
}

#[test]
fn a_page_of_another_origin_cannot_take_a_session_over() {
    let exact = AllowOrigin::exact("https://a.example");
    let world = serving(Cors::new().allow_origin(exact));
    let session = world.open_polling();
    let mut client = upgrade(&world, &session.upgrade_query(), "https://c.example");
    assert_eq!(client.response().brief(), (400, "Forbidden"));
    let mut client = upgrade(&world, &session.upgrade_query(), "https://a.example");
    assert_eq!(client.response().status, 101);
}

#[test]
fn an_origin_may_be_asked_for() {
    for cors in [Cors::new(), Cors::new().enforce_origin(false)] {
        let world = serving(cors.require_origin(true));
        assert_eq!(send(&world, OPEN, "").brief(), FORBIDDEN);
        assert_eq!(world.upgrade("EIO=4&transport=websocket").response().status, 400);
        assert_eq!(send(&world, OPEN, "Origin: https://a.example\r\n").status, 200);
    }
}

#[test]
#[should_panic(expected = "credentials cannot be allowed to any origin")]
fn credentials_for_any_origin_build_no_server() {
    let mut config = Config::default();
    config.cors = Some(Cors::new().allow_credentials(true));
    let _ = Io::builder().config(config).build();
}

#[test]
fn what_is_no_origin_is_refused_at_once() {
    let urls = ["https://a.example/", "https://a.example/path", "https://", "://a.example"];
    for text in ["", "*", "a.example", "a\nb"].into_iter().chain(urls) {
        let parsed = std::panic::catch_unwind(|| AllowOrigin::list([text]));
        assert!(parsed.is_err(), "{text:?}");
    }
    let _ = AllowOrigin::list(["null", "https://a.example", "http://[::1]:8080", "app://local"]);
}
