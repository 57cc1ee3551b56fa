//! The halves' wakers under every order of two threads and a socket that loom can think of:
//! `RUSTFLAGS="--cfg loom" cargo test -p spola-driver --test loom --release`.
#![cfg(loom)]
#![allow(clippy::unwrap_used, reason = "what a test needs is there, or it fails")]

#[path = "../src/wakers.rs"]
#[expect(dead_code, reason = "the halves are not put together again here")]
mod wakers;

mod sync {
    pub(crate) use loom::sync::{Mutex, MutexGuard};
}

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::sync::{Arc, Mutex};
use loom::thread;
use wakers::{Half, Polled, Shared};

/// A socket: it remembers the last waker of each direction, and wakes it once.
#[derive(Default)]
struct Socket {
    readable: bool,
    reader: Option<Waker>,
    writable: bool,
    writer: Option<Waker>,
}

/// What both halves share: like a connection, it writes whoever polls it.
struct Connection {
    socket: Arc<Mutex<Socket>>,
    unwritten: bool,
    failed: bool,
}

impl Polled for Connection {
    type Mark = (bool, bool);

    fn mark(&self, half: Half) -> Self::Mark {
        match half {
            Half::Receiver => (self.failed, false),
            Half::Sender => (self.failed, self.unwritten),
        }
    }
}

impl Connection {
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.failed || !self.unwritten {
            return Poll::Ready(());
        }
        let mut socket = self.socket.lock().unwrap();
        if socket.writable {
            self.unwritten = false;
            return Poll::Ready(());
        }
        socket.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = self.poll_flush(cx);
        let mut socket = self.socket.lock().unwrap();
        if self.failed || socket.readable {
            return Poll::Ready(());
        }
        socket.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

fn pair() -> (Arc<Mutex<Socket>>, Arc<Shared<Connection>>) {
    let socket = Arc::new(Mutex::new(Socket::default()));
    let connection = Connection { socket: Arc::clone(&socket), unwritten: false, failed: false };
    (socket, Arc::new(Shared::new(connection)))
}

fn send(shared: &Shared<Connection>) {
    shared.with(Half::Sender, |connection| connection.unwritten = true);
    block_on(poll_fn(|cx| shared.poll(Half::Sender, cx, Connection::poll_flush)));
}

fn recv(shared: &Shared<Connection>) {
    block_on(poll_fn(|cx| shared.poll(Half::Receiver, cx, Connection::poll_recv)));
}

fn set(socket: &Mutex<Socket>, event: impl FnOnce(&mut Socket) -> Option<Waker>) {
    let waker = event(&mut socket.lock().unwrap());
    if let Some(waker) = waker {
        waker.wake();
    }
}

fn make_readable(socket: &mut Socket) -> Option<Waker> {
    socket.readable = true;
    socket.reader.take()
}

fn make_writable(socket: &mut Socket) -> Option<Waker> {
    socket.writable = true;
    socket.writer.take()
}

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Whichever half polled the socket last: room wakes the sender, bytes wake the receiver.
#[test]
fn each_half_wakes_for_its_own_direction() {
    check(|| {
        let (socket, shared) = pair();
        let sender = Arc::clone(&shared);
        let sender = thread::spawn(move || send(&sender));
        let receiver = thread::spawn(move || recv(&shared));
        set(&socket, make_writable);
        set(&socket, make_readable);
        sender.join().unwrap();
        receiver.join().unwrap();
    });
}

/// The receiver writes what the sender waits for, at a time when the socket wakes nobody.
#[test]
fn what_the_receiver_has_written_wakes_the_sender() {
    check(|| {
        let (socket, shared) = pair();
        let sender = Arc::clone(&shared);
        let sender = thread::spawn(move || send(&sender));
        set(&socket, |socket| {
            socket.writable = true;
            make_readable(socket)
        });
        recv(&shared);
        sender.join().unwrap();
    });
}

/// The receiver finds that the connection has failed.
#[test]
fn a_failure_wakes_the_other_half() {
    check(|| {
        let (_socket, shared) = pair();
        let sender = Arc::clone(&shared);
        let sender = thread::spawn(move || send(&sender));
        shared.with(Half::Receiver, |connection| connection.failed = true);
        sender.join().unwrap();
    });
}
