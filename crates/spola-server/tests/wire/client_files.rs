//! The browser's client (§12.6 of the wire text).

use std::io::Read as _;

use flate2::read::GzDecoder;
use spola_server::{ClientFiles, Config, Cors};

use crate::harness::{World, recorder, recorder_with};

fn serving(set: impl FnOnce(&mut Config)) -> World {
    let mut config = Config::default();
    let source = "console.log('hello');".repeat(100);
    config.client_files = Some(
        ClientFiles::new("4.8.3")
            .file("socket.io.js", source)
            .file("socket.io.esm.min.js.map", "{}"),
    );
    set(&mut config);
    recorder_with(config).0
}

#[test]
fn files_are_served_below_the_path() {
    let world = serving(|_| {});
    let response = world.plain("GET /socket.io/socket.io.js?v=1").response();
    assert_eq!(response.status, 200);
    assert_eq!(response.body, "console.log('hello');".repeat(100));
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/javascript; charset=utf-8\r\n\
                cache-control: public, max-age=0\r\netag: \"4.8.3\"\r\nvary: Accept-Encoding\r\n\
                content-length: 2100\r\n\r\n";
    assert_eq!(response.head, head);
    let map = world.plain("GET /socket.io/socket.io.esm.min.js.map").response();
    assert_eq!(map.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(map.brief(), (200, "{}"));
}

#[test]
fn a_browser_that_has_the_version_is_not_sent_it_again() {
    let world = serving(|_| {});
    for (known, status) in
        [("\"4.8.3\"", 304), ("W/\"4.8.3\"", 304), ("\"4.8.2\"", 200), ("4.8.3", 200), ("*", 200)]
    {
        let request = format!(
            "GET /socket.io/socket.io.js HTTP/1.1\r\nHost: x\r\nIf-None-Match: {known}\r\n\r\n"
        );
        let raw = String::from_utf8(world.request(request).raw()).unwrap();
        assert!(raw.starts_with(&format!("HTTP/1.1 {status} ")), "{known}: {raw}");
        // What a cache renews its copy by (RFC 9110 §15.4.5).
        for header in
            ["cache-control: public, max-age=0", "etag: \"4.8.3\"", "vary: Accept-Encoding"]
        {
            assert!(raw.contains(&format!("\r\n{header}\r\n")), "{known}: {raw}");
        }
    }
}

#[test]
fn files_are_compressed_for_those_who_take_it() {
    let world = serving(|_| {});
    let request =
        "GET /socket.io/socket.io.js HTTP/1.1\r\nHost: x\r\nAccept-Encoding: br, gzip\r\n\r\n";
    let raw = world.request(request).raw();
    let end = raw.windows(4).position(|at| at == b"\r\n\r\n").unwrap() + 4;
    let head = str::from_utf8(&raw[..end]).unwrap();
    assert!(head.contains("content-encoding: gzip\r\n"), "{head}");
    let mut source = String::new();
    GzDecoder::new(&raw[end..]).read_to_string(&mut source).unwrap();
    assert_eq!(source, "console.log('hello');".repeat(100));
}

#[test]
fn other_names_are_for_engine_io_and_missing_files_are_404() {
    let transport = (400, r#"{"code":0,"message":"Transport unknown"}"#);
    let missing = (404, "not found");
    let world = serving(|_| {});
    for (name, answer) in [
        ("socket.io.min.js", missing),
        // The official server ends the connection at these two, which it does not ship.
        ("socket.io.msgpack.js", missing),
        ("socket.io.esm.js", missing),
        ("socket.io.mjs", transport),
        ("socket.io.js.", transport),
        ("socket.io.min.esm.js", transport),
        ("socket.io.js/", transport),
        ("x/socket.io.js", transport),
        ("socket%2eio.js", transport),
    ] {
        let response = world.plain(&format!("GET /socket.io/{name}")).response();
        assert_eq!(response.brief(), answer, "{name}");
    }
    let (world, _) = recorder();
    assert_eq!(world.plain("GET /socket.io/socket.io.js").response().brief(), transport);
}

#[test]
fn pages_of_other_origins_may_read_them_as_cors_says() {
    let world = serving(|config| config.cors = Some(Cors::new()));
    let response = world.plain("GET /socket.io/socket.io.js").response();
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn files_are_below_the_path_however_that_is_written() {
    for path in ["/own", "/own/", "own"] {
        for slash in [true, false] {
            let world = serving(|config| {
                (config.path, config.add_trailing_slash) = (path.to_owned(), slash);
            });
            assert_eq!(world.plain("GET /own/socket.io.js").response().status, 200, "{path}");
            assert_eq!(
                world.plain("GET /ownsocket.io.js").response().status,
                if slash { 404 } else { 400 }
            );
        }
    }
}

#[test]
fn the_official_client_is_served_if_asked_for() {
    let mut config = Config::default();
    config.client_files = Some(ClientFiles::official());
    let (world, _) = recorder_with(config);
    for (name, len) in [
        ("socket.io.js", 153_519),
        ("socket.io.min.js", 47_295),
        ("socket.io.esm.min.js", 40_759),
        ("socket.io.msgpack.min.js", 50_630),
    ] {
        let response = world.plain(&format!("GET /socket.io/{name}")).response();
        assert_eq!((response.status, response.body.len()), (200, len), "{name}");
        assert!(response.body.starts_with("/*!\n * Socket.IO v4.8.4\n"), "{name}");
        assert_eq!(response.header("etag"), Some("\"4.8.4\""), "{name}");
    }
}

#[test]
#[should_panic(expected = "is no file of the client")]
fn only_files_of_the_client_are_taken() {
    let _ = ClientFiles::new("1").file("index.html", "");
}
