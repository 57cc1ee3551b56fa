//! The machine alone, in any pieces; and beside hyper, which must be of the same opinion.

use std::convert::Infallible;
use std::future::Future as _;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use proptest::prelude::*;

use super::{Framing, Line, Place};

fn refused(pieces: &[&str]) -> Option<u64> {
    let mut framing = Framing::new();
    pieces.iter().for_each(|piece| framing.read(piece.as_bytes()));
    framing.refused()
}

#[test]
fn a_long_line_counts_the_same_in_pieces() {
    let zeros = "0".repeat(80);
    let spaces = " ".repeat(80);
    let heads = [
        format!("POST / HTTP/1.1\r\nContent-Length:{spaces}5\r\n\r\n"),
        format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked{spaces},gzip\r\n\r\n"),
        format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{zeros}5\r\nhello\r\n"),
    ];
    for (head, expected) in heads.iter().zip([1, 1, 2]) {
        assert_eq!(refused(&[head]), Some(expected), "{head}");
        for at in 1..head.len() {
            assert_eq!(refused(&[&head[..at], &head[at..]]), Some(expected), "{head} at {at}");
        }
    }
}

#[test]
fn a_line_without_end_is_not_kept() {
    let mut framing = Framing::new();
    framing.read(b"GET /");
    for _ in 0..1000 {
        framing.read(&[b'x'; 100]);
    }
    assert!(framing.begun.capacity() <= 128);
    framing.read(b" HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n");
    assert_eq!(framing.refused(), Some(2));
}

#[test]
fn frames_end_the_watch() {
    for frame in [[0x81, 0x80], [0x02, 0xfe], [0x41, 0x83]] {
        let mut framing = Framing::new();
        framing.read(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
        framing.read(&frame[..1]);
        framing.read(&frame[1..]);
        assert!(framing.is_over());
    }
}

#[test]
fn a_bare_line_feed_among_chunks_refuses_what_follows() {
    let head = "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n";
    for chunks in ["5\nhello\r\n", "0\r\nA: b\n\r\n", "0\r\n\n"] {
        assert_eq!(refused(&[head, chunks, "GET / HTTP/1.1\r\n\r\n"]), Some(2), "{chunks:?}");
    }
}

/// The first lines of the requests whose heads have ended before anything was refused.
fn first_lines(input: &[u8]) -> Vec<String> {
    let (mut framing, mut lines) = (Framing::new(), Vec::new());
    let mut begin = 0;
    for at in 0..input.len() {
        let heads = framing.heads;
        let in_line = matches!(framing.place, Place::Line(Line::Request));
        framing.read(&input[at..=at]);
        let in_head = matches!(framing.place, Place::Line(Line::Field));
        if in_line && framing.begun.len() == 1 {
            begin = at;
        }
        if in_line && in_head {
            lines.push(String::from_utf8_lossy(&input[begin..=at]).trim_ascii().to_owned());
        }
        if framing.is_over() && framing.heads == heads {
            break;
        }
    }
    lines.truncate(usize::try_from(framing.heads).unwrap_or(0));
    lines
}

/// The same as hyper has it, until it has had enough.
fn first_lines_of_hyper(input: &[u8], refused: Option<u64>) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let service = service_fn(|request: Request<Incoming>| {
        let lines = Arc::clone(&lines);
        async move {
            let line = format!("{} {} {:?}", request.method(), request.uri(), request.version());
            let number = {
                let mut lines = lines.lock().unwrap();
                lines.push(line);
                lines.len() as u64
            };
            let mut response = Response::new(Full::<Bytes>::default());
            if Some(number) == refused || request.into_body().collect().await.is_err() {
                response.headers_mut().insert("connection", "close".parse().unwrap());
            }
            Ok::<_, Infallible>(response)
        }
    });
    {
        let connection = http1::Builder::new().serve_connection(Script(input.to_vec()), service);
        let mut connection = pin!(connection);
        let mut cx = Context::from_waker(Waker::noop());
        // It yields now and then.
        for _ in 0..100 {
            if connection.as_mut().poll(&mut cx).is_ready() {
                break;
            }
        }
    }
    Arc::into_inner(lines).unwrap().into_inner().unwrap()
}

/// A peer that says this, and takes everything.
struct Script(Vec<u8>);

impl Read for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let now = self.0.len().min(buffer.remaining());
        buffer.put_slice(&self.0[..now]);
        self.0.drain(..now);
        Poll::Ready(Ok(()))
    }
}

impl Write for Script {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Bodies, and the fields that announce them, now and then with a fault.
fn body() -> impl Strategy<Value = (String, String)> {
    let text = "[a-z\r\n]{0,12}";
    prop_oneof![
        4 => Just((String::new(), String::new())),
        4 => text.prop_map(|text| (format!("Content-Length: {}\r\n", text.len()), text)),
        4 => (prop::collection::vec("[a-z\r\n]{1,12}", 0..4), "(;x=\"y\")?", "(A: b\r\n)?").prop_map(
            |(chunks, extension, trailer)| {
                let chunks = chunks.iter().map(|text| {
                    format!("{:X}{extension}\r\n{text}\r\n", text.len())
                });
                let chunks: String = chunks.collect();
                let field = "tRaNsFeR-eNcOdInG: chunked\r\n".to_owned();
                (field, format!("{chunks}0\r\n{trailer}\r\n"))
            }
        ),
        1 => Just(("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n".to_owned(), "0\r\n\r\n".to_owned())),
        1 => Just(("Content-Length: 1\r\nContent-Length: 1\r\n".to_owned(), "x".to_owned())),
    ]
}

/// Requests, each with a path of its own, some bytes of them changed.
fn requests() -> impl Strategy<Value = Vec<u8>> {
    let odd = prop::sample::select(&b"\r\n 0159aA:;,\t\0\xff"[..]);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), odd, 0..3_u8), 0..4);
    (prop::collection::vec(body(), 1..6), changes).prop_map(|(bodies, changes)| {
        let requests = bodies.iter().enumerate().map(|(at, (fields, body))| {
            format!("POST /{at} HTTP/1.1\r\nHost: x\r\n{fields}\r\n{body}")
        });
        let mut bytes = requests.collect::<String>().into_bytes();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn pieces_do_not_matter(input in requests(), len in 1..20_usize) {
        let (mut whole, mut pieces) = (Framing::new(), Framing::new());
        whole.read(&input);
        input.chunks(len).for_each(|piece| pieces.read(piece));
        prop_assert_eq!(whole.refused(), pieces.refused());
        prop_assert_eq!(whole.heads, pieces.heads);
    }

    /// hyper gives up earlier where a request has other faults, but never finds one elsewhere.
    #[test]
    fn hyper_finds_the_same_requests(input in requests()) {
        let mut framing = Framing::new();
        framing.read(&input);
        let ours = first_lines(&input);
        let mut theirs = first_lines_of_hyper(&input, framing.refused());
        if let Some(refused) = framing.refused() {
            theirs.truncate(refused as usize - 1);
        }
        prop_assert!(ours.starts_with(&theirs), "{ours:?}, {theirs:?}, {:?}", framing.refused());
    }
}
