//! A server without a world: a virtual clock, pipes for connections, and clients that speak bytes.

mod client;
mod frame;
pub(crate) mod pipe;
mod runtime;
mod sse;

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use spola_server::{
    Config, DisconnectReason, HttpService, Io, Namespace, PeerAddress, RawData, Reply,
    Runtime as _, State,
};

pub(crate) use client::{Client, Response};
pub(crate) use frame::{Frame, announced, fragment, hex, masked};
pub(crate) use runtime::VirtualRuntime;
pub(crate) use sse::{Stream, Streaming};

/// The key of RFC 6455's example, and what answers it.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The close code 1002, 1007, … as the payload of a Close frame.
pub(crate) fn close_code(code: u16) -> [u8; 2] {
    code.to_be_bytes()
}

/// A request for a WebSocket, with this query.
pub(crate) fn upgrade_request(query: &str) -> String {
    format!(
        "GET /socket.io/?{query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A server and its clock.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) runtime: VirtualRuntime,
    http: HttpService,
}

impl World {
    pub(crate) fn new(io: Io) -> Self {
        let runtime = VirtualRuntime::new();
        let http = HttpService::new(io, Arc::new(runtime.clone()));
        Self { runtime, http }
    }

    pub(crate) fn io(&self) -> &Io {
        self.http.io()
    }

    pub(crate) fn advance(&self, time: Duration) {
        self.runtime.advance(time);
    }

    /// A new connection, served by hyper.
    pub(crate) fn connect(&self) -> Client {
        let (server_end, client_end) = pipe::pipe();
        let http = self.http.clone();
        let peer = PeerAddress(SocketAddr::from((Ipv4Addr::LOCALHOST, 4000)));
        let service = service_fn(move |mut request: Request<Incoming>| {
            let http = http.clone();
            async move {
                request.extensions_mut().insert(peer);
                Ok::<_, Infallible>(http.handle(request).await)
            }
        });
        let connection = http1::Builder::new()
            .auto_date_header(false)
            .serve_connection(server_end, service)
            .with_upgrades();
        self.runtime.spawn(Box::pin(async move {
            // Whatever broke it, the client's side tells.
            let _ = connection.await;
        }));
        Client::new(client_end, self.runtime.clone())
    }

    /// Sends bytes over a connection of their own.
    pub(crate) fn request(&self, bytes: impl AsRef<[u8]>) -> Client {
        let mut client = self.connect();
        client.write(bytes);
        client
    }

    /// Sends a request without a body, `METHOD target`, over a connection of its own.
    pub(crate) fn plain(&self, line: &str) -> Client {
        self.request(format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n"))
    }

    /// Asks for a WebSocket, with this query.
    pub(crate) fn upgrade(&self, query: &str) -> Client {
        self.request(upgrade_request(query))
    }

    /// Opens a session over polling.
    pub(crate) fn open_polling(&self) -> Polling {
        let response = self.plain("GET /socket.io/?EIO=4&transport=polling").response();
        assert_eq!(response.status, 200);
        Polling { world: self.clone(), sid: sid_of(&response.body) }
    }

    /// Opens a session over polling, and joins the root namespace.
    pub(crate) fn join_polling(&self) -> Polling {
        let polling = self.open_polling();
        assert_eq!(polling.post("40").response().brief(), (200, "ok"));
        let response = polling.get().response();
        assert!(response.body.starts_with("40{\"sid\":\""), "{response:?}");
        polling
    }

    /// Opens a session over a WebSocket; its id is not told.
    pub(crate) fn open_websocket(&self) -> Client {
        let mut client = self.upgrade("EIO=4&transport=websocket");
        assert_eq!(client.response().status, 101);
        let open = client.text();
        assert!(open.starts_with("0{"), "{open}");
        client
    }

    /// Opens a session over a WebSocket, and joins the root namespace.
    pub(crate) fn join(&self) -> Client {
        self.join_with_id().0
    }

    /// The same, and the public id of the socket.
    pub(crate) fn join_with_id(&self) -> (Client, String) {
        let mut client = self.open_websocket();
        client.send("40");
        let reply = client.text();
        assert!(reply.starts_with("40{\"sid\":\""), "{reply}");
        (client, sid_of(&reply))
    }

    /// Runs a future beside everything else, and tells what came of it.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Running<T> {
        let output = Arc::new(Mutex::new(None));
        let running = Running { output: Arc::clone(&output), runtime: self.runtime.clone() };
        self.runtime.spawn(Box::pin(async move {
            let result = future.await;
            *output.lock().unwrap() = Some(result);
        }));
        running
    }
}

/// A future on its way.
pub(crate) struct Running<T> {
    output: Arc<Mutex<Option<T>>>,
    runtime: VirtualRuntime,
}

impl<T> Running<T> {
    /// Its output, if it is done.
    pub(crate) fn output(&self) -> Option<T> {
        self.runtime.run_until_idle();
        self.output.lock().unwrap().take()
    }
}

/// A session over polling. Each of its requests has a connection of its own.
pub(crate) struct Polling {
    world: World,
    pub(crate) sid: String,
}

impl Polling {
    /// Starts a GET; a client dropped before the answer has given it up.
    pub(crate) fn get(&self) -> Client {
        self.world.plain(&format!("GET {}", self.target()))
    }

    /// Starts a POST, and sends all of it.
    pub(crate) fn post(&self, body: &str) -> Client {
        self.world.request(self.post_bytes(body))
    }

    /// The bytes of a POST.
    pub(crate) fn post_bytes(&self, body: &str) -> String {
        format!("{}{body}", self.post_head(body.len()))
    }

    /// The head of a POST, its length included.
    pub(crate) fn post_head(&self, len: usize) -> String {
        format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: {len}\r\n\r\n",
            self.target()
        )
    }

    /// Where its requests go.
    pub(crate) fn target(&self) -> String {
        format!("/socket.io/?EIO=4&transport=polling&sid={}", self.sid)
    }

    /// Opens a WebSocket that may become the session's transport.
    pub(crate) fn websocket(&self) -> Client {
        let mut client = self.world.upgrade(&self.upgrade_query());
        assert_eq!(client.response().status, 101);
        client
    }

    pub(crate) fn upgrade_query(&self) -> String {
        format!("EIO=4&transport=websocket&sid={}", self.sid)
    }
}

/// What the application was told, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn say(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    /// Takes the lines.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// What handlers can be made to wait for.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<(bool, Vec<Waker>)>>);

impl Gate {
    /// Lets pass whoever waits, and whoever comes.
    pub(crate) fn open(&self) {
        let waiting = {
            let mut gate = self.0.lock().unwrap();
            gate.0 = true;
            std::mem::take(&mut gate.1)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(crate) async fn passed(self) {
        poll_fn(|cx| {
            let mut gate = self.0.lock().unwrap();
            if gate.0 {
                return Poll::Ready(());
            }
            gate.1.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// An application that writes down what happens, and answers `echo` with its arguments.
pub(crate) fn recorder() -> (World, Log) {
    recorder_with(Config::default())
}

pub(crate) fn recorder_with(config: Config) -> (World, Log) {
    let log = Log::default();
    let io = Io::builder().config(config).state(log.clone()).build();
    let root = io.namespace("/");
    root.on_connect(async |State(log): State<Log>| log.say("connect"));
    root.fallback(async |State(log): State<Log>, event: RawData| log.say(event.json().to_string()));
    root.on("echo", async |spola_server::Data(argument): spola_server::Data<serde_json::Value>| {
        Reply(argument)
    });
    root.on_disconnect(async |State(log): State<Log>, reason: DisconnectReason| {
        log.say(reason.as_str());
    });
    (World::new(io), log)
}

/// A server whose root namespace was set up by `register`, with a log as its state.
pub(crate) fn serving(register: impl FnOnce(&Namespace)) -> (World, Log) {
    let log = Log::default();
    let io = Io::builder().state(log.clone()).state(7_u32).build();
    register(&io.namespace("/"));
    (World::new(io), log)
}

/// The value of `"sid"`.
pub(crate) fn sid_of(json: &str) -> String {
    let (_, rest) = json.split_once("\"sid\":\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}
