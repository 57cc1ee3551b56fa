//! What an application has to say to requests (§§2, 3, 12 of the wire text).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{HeaderValue, Request};
use spola_server::{AllowOrigin, Config, Cors, Handshake, Io, IoBuilder, Refusal, State};

use crate::harness::{Gate, Log, World, recorder, recorder_with, sid_of};

pub(super) const OPEN: &str = "GET /socket.io/?EIO=4&transport=polling";
pub(super) const WEBSOCKET: &str = "EIO=4&transport=websocket";
pub(super) const BAD_REQUEST: (u16, &str) = (400, r#"{"code":3,"message":"Bad request"}"#);

/// A server made by `set`, with a log that it may write into.
pub(super) fn server(set: impl FnOnce(IoBuilder, &Log) -> IoBuilder) -> (World, Log) {
    let log = Log::default();
    let io = set(Io::builder(), &log).build();
    io.namespace("/");
    (World::new(io), log)
}

#[test]
fn middleware_comes_before_every_check_and_fails_as_a_bad_request() {
    let (world, log) = server(|builder, log| {
        let (first, second) = (log.clone(), log.clone());
        builder
            .http_middleware(move |mut request: Request<()>| {
                first.say("first");
                request.headers_mut().insert("x-seen", HeaderValue::from_static("yes"));
                async { Ok::<_, Refusal>(request) }
            })
            .http_middleware(move |request: Request<()>| {
                second.say(format!("second, {:?}", request.headers()["x-seen"]));
                async move {
                    let banned = request.uri().query().unwrap_or_default().contains("banned");
                    if banned { Err("banned") } else { Ok(request) }
                }
            })
    });
    assert_eq!(world.plain(OPEN).response().status, 200);
    assert_eq!(log.take(), ["first", r#"second, "yes""#]);
    // Whatever else is wrong with it.
    let response = world.plain("GET /socket.io/?transport=xyz&banned").response();
    assert_eq!(response.brief(), BAD_REQUEST);
    let mut client = world.upgrade("EIO=4&transport=websocket&banned");
    assert_eq!(client.response().brief(), (400, "Bad request"));
    client.expect_end();
    assert_eq!(log.take().len(), 4);
    assert_eq!(world.upgrade(WEBSOCKET).response().status, 101);
}

#[test]
fn middleware_sees_every_request_of_a_session() {
    let (world, log) = server(|builder, log| {
        let log = log.clone();
        builder.http_middleware(move |request: Request<()>| {
            log.say(request.method().as_str());
            async { Ok::<_, Refusal>(request) }
        })
    });
    let session = world.join_polling();
    assert_eq!(session.websocket().raw(), b"");
    assert_eq!(log.take(), ["GET", "POST", "GET", "GET"]);
}

#[test]
fn the_application_decides_who_may_open_a_session() {
    let (world, log) = server(|builder, log| {
        let log = log.clone();
        builder.allow_request(move |handshake: Arc<Handshake>| {
            log.say("asked");
            async move {
                match handshake.query("token").as_deref() {
                    Some("good") => Ok(()),
                    Some(_) => Err(Refusal::new("a \"bad\" token")),
                    None => Err("Forbidden".into()),
                }
            }
        })
    });
    let forbidden = (403, r#"{"code":4,"message":"Forbidden"}"#);
    assert_eq!(world.plain(OPEN).response().brief(), forbidden);
    let response = world.plain(&format!("{OPEN}&token=bad")).response();
    assert_eq!(response.brief(), (403, r#"{"code":4,"message":"a \"bad\" token"}"#));
    assert_eq!(response.header("content-type"), Some("application/json"));
    // An upgrade request gets 400, whatever the code.
    let mut client = world.upgrade(&format!("{WEBSOCKET}&token=bad"));
    let raw = String::from_utf8(client.raw()).unwrap();
    assert_eq!(
        raw,
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/html\r\nconnection: close\r\n\
         content-length: 13\r\n\r\na \"bad\" token"
    );
    assert_eq!(world.io().session_count(), 0);
    assert_eq!(log.take().len(), 3);
    assert_eq!(world.upgrade(&format!("{WEBSOCKET}&token=good")).response().status, 101);
    let opened = world.plain(&format!("{OPEN}&token=good")).response();
    assert_eq!(opened.status, 200);
    assert_eq!(log.take().len(), 2);
    // The revision counts after that.
    let response = world.plain("GET /socket.io/?EIO=3&transport=polling&token=bad").response();
    assert_eq!(response.status, 403);
    let response = world.plain("GET /socket.io/?EIO=3&transport=polling&token=good").response();
    assert_eq!(response.brief(), (400, r#"{"code":5,"message":"Unsupported protocol version"}"#));
    assert_eq!(log.take().len(), 2);
    // It is asked once for each session, and not before the other checks.
    let sid = sid_of(&opened.body);
    let post = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
    let head = format!("POST {post} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n40");
    assert_eq!(world.request(head).response().brief(), (200, "ok"));
    assert_eq!(world.plain("POST /socket.io/?EIO=4&transport=polling").response().status, 400);
    assert!(log.take().is_empty());
}

#[test]
fn the_decision_may_take_its_time() {
    let gate = Gate::default();
    let (world, _) = server(|builder, _| {
        let gate = gate.clone();
        builder.allow_request(move |_: Arc<Handshake>| gate.clone().passed())
    });
    let (mut polling, mut websocket) = (world.plain(OPEN), world.upgrade(WEBSOCKET));
    polling.expect_silence();
    websocket.expect_silence();
    let gone = world.plain(OPEN);
    gone.reset();
    assert_eq!(world.io().session_count(), 0);
    gate.open();
    assert_eq!(polling.response().status, 200);
    assert_eq!(websocket.response().status, 101);
    assert_eq!(world.io().session_count(), 2);
}

#[test]
fn a_panic_of_the_applications_refuses_and_ends_nothing_else() {
    let (world, _) = server(|builder, _| {
        builder
            .http_middleware(async |request: Request<()>| {
                assert!(!request.uri().path().contains("panic"), "on purpose");
                Ok::<_, Refusal>(request)
            })
            .allow_request(async |handshake: Arc<Handshake>| {
                assert!(handshake.query("panic").is_none(), "on purpose");
            })
    });
    let response = world.plain("GET /socket.io/panic?EIO=4&transport=polling").response();
    assert_eq!(response.brief(), BAD_REQUEST);
    let response = world.plain(&format!("{OPEN}&panic")).response();
    assert_eq!(response.brief(), (403, r#"{"code":4,"message":"internal error"}"#));
    assert_eq!(world.plain(OPEN).response().status, 200);
}

#[test]
fn a_panic_where_nothing_is_awaited_costs_no_connection_either() {
    let says = |request: &Request<()>, word: &str| {
        request.uri().query().is_some_and(|query| query.contains(word))
    };
    let origin = move |_: &HeaderValue, request: &Request<()>| {
        assert!(!says(request, "origin"), "on purpose");
        true
    };
    let mut config = Config::default();
    config.cors = Some(Cors::new().allow_origin(AllowOrigin::predicate(origin)));
    let (world, _) = server(|builder, _| {
        builder
            .config(config)
            .generate_id(|handshake| {
                assert!(handshake.query("id").is_none(), "on purpose");
                "abcdefghijklmn-_0001".to_owned()
            })
            .on_headers(move |_, request| assert!(!says(request, "headers"), "on purpose"))
            .on_headers(|headers, _| {
                headers.insert("x-second", HeaderValue::from_static("here"));
            })
            .on_connection_error(|_| panic!("on purpose"))
    });
    assert_eq!(world.plain(&format!("{OPEN}&id")).response().brief(), BAD_REQUEST);
    let headers = "Host: x\r\nOrigin: https://a.example\r\n\r\n";
    let asked = world.request(format!("{OPEN}&origin HTTP/1.1\r\n{headers}")).response();
    assert_eq!((asked.status, asked.header("access-control-allow-origin")), (403, None));
    let opened = world.plain(&format!("{OPEN}&headers")).response();
    assert_eq!((opened.status, opened.header("x-second")), (200, Some("here")));
}

#[test]
fn the_application_may_name_sessions() {
    let counter = AtomicUsize::new(0);
    let (world, _) = server(|builder, _| {
        builder.generate_id(move |handshake: &Handshake| {
            let number = counter.fetch_add(1, Ordering::Relaxed);
            handshake.query("id").unwrap_or_else(|| format!("abcdefghijklmn-_{number:04}"))
        })
    });
    let open = |id: &str| world.plain(&format!("{OPEN}{id}")).response();
    assert_eq!(sid_of(&open("").body), "abcdefghijklmn-_0000");
    let mut websocket = world.upgrade(WEBSOCKET);
    assert_eq!(websocket.response().status, 101);
    assert_eq!(sid_of(&websocket.text()), "abcdefghijklmn-_0001");
    // No name, or one that is taken.
    for id in ["", "short", "abcdefghijklmn+/0000", "abcdefghijklmn-_00000", "abcdefghijklmn-_0001"]
    {
        assert_eq!(open(&format!("&id={id}")).brief(), BAD_REQUEST, "{id}");
        let mut client = world.upgrade(&format!("{WEBSOCKET}&id={id}"));
        assert_eq!(client.response().brief(), (400, "Bad request"), "{id}");
    }
    assert_eq!(world.io().session_count(), 2);
    // Once its session is gone, a name is free again.
    websocket.reset();
    assert_eq!(open("&id=abcdefghijklmn-_0001").status, 200);
}

#[test]
fn the_initial_packet_follows_the_open_packet() {
    let mut config = Config::default();
    config.engine.initial_packet = Some(spola_engineio::packet::EncodedMessage::text("hello"));
    let (world, _) = recorder_with(config);
    let body = world.plain(OPEN).response().body;
    assert!(body.starts_with("0{") && body.ends_with("}\x1e4hello"), "{body}");
    let mut websocket = world.open_websocket();
    assert_eq!(websocket.text(), "4hello");
    websocket.send("40");
    assert!(websocket.text().starts_with("40{"));
}

#[test]
fn the_path_is_matched_with_or_without_its_slash() {
    for (path, add_slash, served, not_served) in [
        (
            "/socket.io",
            true,
            vec!["/socket.io/", "/socket.io/more"],
            vec!["/socket.io", "/socket.iox"],
        ),
        ("/socket.io/", true, vec!["/socket.io/"], vec!["/socket.io"]),
        ("/socket.io", false, vec!["/socket.io", "/socket.io/", "/socket.iox"], vec!["/socket.i"]),
        ("/a/b/", false, vec!["/a/b", "/a/b/"], vec!["/a/"]),
        ("/a/b//", true, vec!["/a/b//"], vec!["/a/b/"]),
        ("own", true, vec!["/own/"], vec!["/own"]),
        ("own/", false, vec!["/own", "/own/"], vec!["/ow"]),
    ] {
        let mut config = Config::default();
        (config.path, config.add_trailing_slash) = (path.to_owned(), add_slash);
        let (world, _) = recorder_with(config);
        let status = |path: &str| {
            world.plain(&format!("GET {path}?EIO=4&transport=polling")).response().status
        };
        for target in served {
            assert_eq!(status(target), 200, "{path} {target}");
        }
        for target in not_served {
            assert_eq!(status(target), 404, "{path} {target}");
        }
    }
}

#[test]
fn sessions_may_be_limited() {
    let mut config = Config::default();
    config.max_sessions = Some(2);
    let (world, _) = recorder_with(config);
    let (first, _second) = (world.open_websocket(), world.open_polling());
    let full = world.plain(OPEN).response();
    assert_eq!(full.brief(), (503, "the server is full"));
    assert_eq!(full.header("retry-after"), Some("1"));
    assert_eq!(world.upgrade(WEBSOCKET).response().status, 503);
    first.reset();
    assert_eq!(world.plain(OPEN).response().status, 200);
}

#[test]
fn a_session_that_is_never_polled_is_removed() {
    let (world, _) = recorder();
    let _session = world.open_polling();
    world.advance(crate::harness::millis(44_999));
    assert_eq!(world.io().session_count(), 1);
    world.advance(crate::harness::millis(1));
    assert_eq!(world.io().session_count(), 0);
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn the_handshake_of_the_namespaces_is_what_was_asked_about() {
    let (world, log) = server(|builder, log| {
        builder.state(log.clone()).allow_request(async |handshake: Arc<Handshake>| {
            assert_eq!(handshake.query("token").as_deref(), Some("t"));
        })
    });
    world.io().namespace("/").on_connect(
        async |State(log): State<Log>, handshake: Arc<Handshake>| {
            log.say(handshake.query("token").unwrap_or_default());
        },
    );
    let mut client = world.upgrade(&format!("{WEBSOCKET}&token=t"));
    assert_eq!(client.response().status, 101);
    client.text();
    client.send("40");
    assert_eq!(log.take(), ["t"]);
}
