//! A network in memory: names, addresses, and what happens to those who connect.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use spola_driver::connect::{Connector, Dial, SocketOptions};
use spola_driver::{Accept, BoxFuture, Runtime, Timer};
use spola_tokio::TokioRuntime;
use spola_tokio::websocket::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What an address does to those who connect.
enum Place {
    Silent,
    Serve(Box<dyn Fn(DuplexStream) -> Task + Send>),
}

#[derive(Default)]
struct Places {
    names: HashMap<String, Option<Vec<SocketAddr>>>,
    addresses: HashMap<SocketAddr, Place>,
    dialled: Vec<(String, Duration)>,
}

/// Tokio's clock and tasks, and a network of its own.
#[derive(Clone)]
pub(crate) struct Net {
    places: Arc<Mutex<Places>>,
    started: Instant,
}

impl Net {
    pub(crate) fn new() -> Self {
        Self { places: Arc::default(), started: TokioRuntime.now() }
    }

    pub(crate) fn connector(&self) -> Connector<Self> {
        Connector::new(self.clone())
    }

    pub(crate) fn name(&self, name: &str, addresses: &[&str]) -> &Self {
        let addresses = addresses.iter().map(|address| address.parse().expect("an address"));
        let addresses = Some(addresses.collect());
        self.places.lock().expect("sound").names.insert(name.to_owned(), addresses);
        self
    }

    /// A name whose resolution never ends.
    pub(crate) fn lost_name(&self, name: &str) -> &Self {
        self.places.lock().expect("sound").names.insert(name.to_owned(), None);
        self
    }

    /// An address that answers nothing, not even that it does not.
    pub(crate) fn silent(&self, address: &str) -> &Self {
        self.place(address, Place::Silent)
    }

    /// An address where each connection is served.
    pub(crate) fn serve<F>(
        &self,
        address: &str,
        serve: impl Fn(DuplexStream) -> F + Send + 'static,
    ) -> &Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let boxed = move |stream| -> Task { Box::pin(serve(stream)) };
        self.place(address, Place::Serve(Box::new(boxed)))
    }

    fn place(&self, address: &str, place: Place) -> &Self {
        let address = address.parse().expect("an address");
        self.places.lock().expect("sound").addresses.insert(address, place);
        self
    }

    /// Who was dialled, and how long after the network was made.
    pub(crate) fn dialled(&self) -> Vec<(String, Duration)> {
        self.places.lock().expect("sound").dialled.clone()
    }
}

impl Runtime for Net {
    fn now(&self) -> Instant {
        TokioRuntime.now()
    }

    fn system_time(&self) -> SystemTime {
        TokioRuntime.system_time()
    }

    fn spawn(&self, future: BoxFuture<()>) {
        TokioRuntime.spawn(future);
    }

    fn timer(&self) -> Box<dyn Timer> {
        TokioRuntime.timer()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        TokioRuntime.fill_random(buffer);
    }
}

impl Dial for Net {
    type Stream = TokioIo<DuplexStream>;

    async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let found = self.places.lock().expect("sound").names.get(name).cloned();
        match found.ok_or(io::ErrorKind::NotFound)? {
            Some(addresses) => {
                assert!(addresses.iter().all(|address| address.port() == port), "{name}:{port}");
                Ok(addresses)
            }
            None => std::future::pending().await,
        }
    }

    async fn tcp(&self, address: SocketAddr, _: SocketOptions) -> io::Result<Self::Stream> {
        let served = {
            let mut places = self.places.lock().expect("sound");
            places.dialled.push((address.to_string(), self.now() - self.started));
            match places.addresses.get(&address) {
                None => return Err(io::ErrorKind::ConnectionRefused.into()),
                Some(Place::Silent) => None,
                Some(Place::Serve(serve)) => {
                    let (near, far) = tokio::io::duplex(1 << 16);
                    Some((near, serve(far)))
                }
            }
        };
        let Some((near, task)) = served else {
            return std::future::pending().await;
        };
        self.spawn(task);
        Ok(TokioIo(near))
    }

    async fn unix(&self, _: &str) -> io::Result<Self::Stream> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Reads to the end of a head.
pub(crate) async fn read_head(stream: &mut DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a whole head"));
    }
    String::from_utf8(head).expect("text")
}

/// Answers a head with a fixed text, then waits for the client to leave.
pub(crate) async fn answer(mut stream: DuplexStream, text: impl AsRef<str>) {
    read_head(&mut stream).await;
    stream.write_all(text.as_ref().as_bytes()).await.expect("written");
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// Accepts one client and sends everything back.
pub(crate) async fn echo<S: AsyncRead + AsyncWrite + Unpin + Send>(stream: S) {
    let accept = Accept::new().protocols(["chat"]).header("X-Served-By", "echo");
    let mut socket = accept.accept(TokioIo(stream), TokioRuntime).await.expect("accepted");
    while let Ok(Some(message)) = socket.recv().await {
        socket.send(message).await.expect("sent");
    }
}
