use futures_util::FutureExt as _;
use spola_driver::{Accept, AcceptError, Answer, Open, Refusal};
use spola_websocket::handshake::HeaderError;
use spola_websocket::handshake::client::Request;
use spola_websocket::{Config, Message};

use crate::harness::{PipeEnd, VirtualRuntime, WIDE, frame, pipe, seconds, spawn};

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
                       Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// What `accept` came to, with `headers` in the request, and what was answered.
fn accepted(accept: &Accept, headers: &str) -> (Result<Option<String>, AcceptError>, String) {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    far.put(format!("{REQUEST}{headers}\r\n").as_bytes());
    far.end();
    let accepted = accept.accept(near, runtime).now_or_never().expect("all has come");
    let protocol = accepted.map(|socket| socket.protocol().map(str::to_owned));
    (protocol, answer(&far))
}

fn answer(far: &PipeEnd) -> String {
    String::from_utf8(far.take_all()).expect("text")
}

#[test]
fn the_first_subprotocol_that_both_speak_is_chosen() {
    let accept = Accept::new().protocols(["v3", "v2", "v1"]);
    let table = [
        ("Sec-WebSocket-Protocol: v1, v2\r\n", Some("v2")),
        ("Sec-WebSocket-Protocol: v4\r\n", None),
        ("", None),
    ];
    for (offer, expected) in table {
        let (protocol, answer) = accepted(&accept, offer);
        assert_eq!(protocol.expect("accepted").as_deref(), expected);
        assert_eq!(answer.contains("Sec-WebSocket-Protocol"), expected.is_some());
    }
}

#[test]
fn a_request_is_looked_at_before_it_is_answered() {
    let accept = Accept::new().header("Server", "spola").on_request(|request| {
        assert_eq!(request.target, "/chat");
        match request.header("Origin") {
            Some(b"https://good.example") => {
                Ok(Answer::new().header("Set-Cookie", "a=b").protocol("v2"))
            }
            _ => Err(Refusal::new(403, "Not from there")),
        }
    });
    let headers = "Origin: https://good.example\r\nSec-WebSocket-Protocol: v1, v2\r\n";
    let (protocol, answer) = accepted(&accept, headers);
    assert_eq!(protocol.expect("accepted").as_deref(), Some("v2"));
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(answer.contains("\r\nServer: spola\r\nSet-Cookie: a=b\r\n"), "{answer}");
    let (refused, answer) = accepted(&accept, "Origin: https://evil.example\r\n");
    assert!(matches!(refused, Err(AcceptError::Refused(_))));
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[test]
fn a_refusal_reaches_the_client() {
    let accept = Accept::new().on_request(|_| {
        let refusal = Refusal::new(401, "Who are you?");
        Err(refusal.header("WWW-Authenticate", "Basic").expect("a sound header"))
    });
    let (refused, answer) = accepted(&accept, "");
    assert!(matches!(refused, Err(AcceptError::Refused(refusal)) if refusal.status() == 401));
    assert_eq!(
        answer,
        "HTTP/1.1 401 \r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: 12\r\nWWW-Authenticate: Basic\r\n\r\nWho are you?"
    );
}

#[test]
fn who_is_refused_has_time_to_read_why_and_to_hang_up() {
    for hangs_up in [true, false] {
        let runtime = VirtualRuntime::new();
        let (near, far) = pipe(WIDE);
        let accept = Accept::new().on_request(|_| Err(Refusal::new(403, "No")));
        let refused = spawn(&runtime, {
            let runtime = runtime.clone();
            async move { accept.accept(near, runtime).await.map(drop) }
        });
        far.put(format!("{REQUEST}\r\nsent before the answer was read").as_bytes());
        runtime.run_until_idle();
        assert!(answer(&far).ends_with("No"));
        assert!(far.has_ended());
        far.put(b"and more");
        runtime.advance(seconds(1));
        assert!(!refused.is_done());
        if hangs_up {
            far.end();
            runtime.run_until_idle();
        } else {
            runtime.advance(seconds(1));
        }
        assert!(matches!(refused.done(), Err(AcceptError::Refused(_))));
    }
}

#[test]
fn a_refusal_cannot_be_broken_out_of() {
    let table = [
        ("X-A", "b\r\nX-C: d", HeaderError::InvalidValue),
        ("X A", "b", HeaderError::InvalidName),
        ("", "b", HeaderError::InvalidName),
        ("content-length", "0", HeaderError::Reserved),
    ];
    for (name, value, error) in table {
        assert_eq!(Refusal::new(400, "").header(name, value).err(), Some(error));
    }
    assert_eq!(Refusal::new(101, "").status(), 500);
}

#[test]
fn an_answer_that_cannot_be_sent_is_500() {
    let table = [
        (Answer::new().header("X-A", "b\r\nX-C: d"), HeaderError::InvalidValue),
        (Answer::new().header("Upgrade", "h2c"), HeaderError::Reserved),
        (Answer::new().protocol("not-offered"), HeaderError::NotOffered),
    ];
    for (answer, expected) in table {
        let accept = Accept::new().on_request(move |_| Ok(answer.clone()));
        let (refused, answer) = accepted(&accept, "");
        assert!(matches!(refused, Err(AcceptError::Answer(error)) if error == expected));
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    }
}

#[test]
fn what_came_behind_the_request_is_not_lost() {
    let runtime = VirtualRuntime::new();
    let (near, far) = pipe(WIDE);
    far.put(&[format!("{REQUEST}\r\n").into_bytes(), frame(0x81, b"early")].concat());
    let accepted = Accept::from(Config::default()).accept(near, runtime).now_or_never();
    let mut socket = accepted.expect("all has come").expect("accepted");
    let received = socket.recv().now_or_never().expect("it is there already");
    assert_eq!(received.expect("sound"), Some(Message::from("early")));
}

#[test]
fn each_side_waits_so_long_and_no_longer() {
    let runtime = VirtualRuntime::new();
    let ((near, _silent), (_deaf, far)) = (pipe(WIDE), pipe(WIDE));
    let accept = Accept::new();
    let accepted = spawn(&runtime, {
        let runtime = runtime.clone();
        async move { accept.accept(near, runtime).await.map(drop) }
    });
    let opened = spawn(&runtime, {
        let runtime = runtime.clone();
        let request = Request::new("localhost", "/").expect("a sound request");
        async move { Open::new(request).open(far, runtime).await.map(drop) }
    });
    runtime.advance(seconds(9));
    assert!(!accepted.is_done());
    runtime.advance(seconds(1));
    assert!(matches!(accepted.done(), Err(AcceptError::TimedOut)));
    runtime.advance(seconds(9));
    assert!(!opened.is_done());
    runtime.advance(seconds(1));
    assert!(opened.done().is_err());
}
