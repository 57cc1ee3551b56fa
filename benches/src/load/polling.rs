//! The load of long-polling: clients that post events and poll for their echoes.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use clap::Args;

use super::histogram::Histogram;
use super::{dial, seconds, socketio, turns};
use crate::{Failure, machine, process};

#[derive(Args)]
pub(crate) struct Options {
    /// The server's address.
    address: SocketAddr,
    /// Clients, each with a connection for its GETs and one for its POSTs.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    clients: u16,
    /// Events in each POST.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    batch: u16,
    /// How long to measure.
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    seconds: f64,
    /// How long to run before that.
    #[arg(long, default_value_t = 0.5, value_parser = seconds)]
    warm_up: f64,
    /// Also measure this process's CPU time.
    #[arg(long)]
    server_pid: Option<u32>,
    /// Run on this core alone.
    #[arg(long)]
    core: Option<usize>,
    /// End when this process, which started this one, ends.
    #[arg(long, hide = true)]
    parent: Option<u32>,
}

/// Prints [`Measures`] in which a message is an event that came back.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    if let Some(parent) = options.parent {
        process::follow(parent)?;
    }
    if let Some(core) = options.core {
        machine::pin(core)?;
    }
    machine::raise_open_files();
    let clients = (0..options.clients).map(|_| Client::open(options.address));
    let mut clients = clients.collect::<Result<Vec<_>, _>>()?;
    let batch = usize::from(options.batch);
    let events = socketio::events("echo", 125);
    let events: Vec<_> = events.into_iter().cycle().take(batch).collect();
    let payload = events.join(&0x1e);
    let Options { warm_up, seconds, server_pid, .. } = *options;
    let measures = turns::measure(warm_up, seconds, server_pid, |latencies| {
        turn(&mut clients, &payload, batch, latencies)
    })?;
    println!("{}", measures.line());
    Ok(())
}

/// Every client posts its events at once, and polls until they are back.
fn turn(
    clients: &mut [Client],
    payload: &[u8],
    batch: usize,
    latencies: &mut Histogram,
) -> Result<(), Failure> {
    let begun = Instant::now();
    for client in clients.iter_mut() {
        client.get()?;
        client.post(payload)?;
    }
    for client in clients {
        if client.posts.response()? != b"ok" {
            return Err("the server does not take a POST".into());
        }
        let mut received = client.events()?;
        while received.len() < batch {
            client.get()?;
            received.extend(client.events()?);
        }
        if received.join(&0x1e) != payload {
            return Err("an echo differs from its event".into());
        }
        latencies.record(begun.elapsed(), batch as u64);
    }
    Ok(())
}

/// A session that polls, joined to the root namespace.
struct Client {
    gets: Http,
    posts: Http,
    address: SocketAddr,
    /// The path with the session's query.
    path: String,
}

impl Client {
    fn open(address: SocketAddr) -> Result<Self, Failure> {
        let path = "/socket.io/?EIO=4&transport=polling".to_owned();
        let (gets, posts) = (Http::connect(address)?, Http::connect(address)?);
        let mut client = Self { gets, posts, address, path };
        client.get()?;
        let open = String::from_utf8(client.gets.response()?)?;
        let sid = open.split('"').nth(3).ok_or("the server opens no session")?;
        client.path = format!("{}&sid={sid}", client.path);
        client.post(b"40")?;
        client.posts.response()?;
        loop {
            client.get()?;
            match client.events()?.as_slice() {
                [] => {}
                [connected] if connected.starts_with(b"40{") => return Ok(client),
                _ => return Err("the server does not let a client in".into()),
            }
        }
    }

    /// The packets of the next response, but for a ping: runs are too short for it to be missed that nobody
    /// answers.
    fn events(&mut self) -> Result<Vec<Vec<u8>>, Failure> {
        let payload = self.gets.response()?;
        let packets = payload.split(|byte| *byte == 0x1e).filter(|packet| *packet != b"2");
        Ok(packets.map(<[u8]>::to_vec).collect())
    }

    fn get(&mut self) -> Result<(), Failure> {
        let Self { address, path, .. } = self;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        Ok(self.gets.stream.write_all(request.as_bytes())?)
    }

    fn post(&mut self, payload: &[u8]) -> Result<(), Failure> {
        let Self { address, path, .. } = self;
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/plain;charset=UTF-8\r\n\
             Content-Length: {}\r\n\r\n",
            payload.len()
        )
        .into_bytes();
        request.extend_from_slice(payload);
        Ok(self.posts.stream.write_all(&request)?)
    }
}

/// A connection that carries one request after the other.
struct Http {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Http {
    fn connect(address: SocketAddr) -> Result<Self, Failure> {
        Ok(Self { stream: dial::connect(address)?, received: Vec::new() })
    }

    /// The body of the next response, which must be a 200.
    fn response(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            if let Some(body) = self.take_response()? {
                return Ok(body);
            }
            let mut buffer = [0; 64 << 10];
            let count = self.stream.read(&mut buffer)?;
            if count == 0 {
                return Err("the server closed a connection".into());
            }
            self.received.extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
    }

    fn take_response(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(end) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = String::from_utf8_lossy(self.received.get(..end).unwrap_or_default());
        if !head.starts_with("HTTP/1.1 200 ") {
            return Err(format!("the server refuses a request: {head}").into());
        }
        let head = head.to_ascii_lowercase();
        let len = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let len: usize = len.ok_or("a response without a length")?.trim().parse()?;
        let (start, stop) = (end + 4, end + 4 + len);
        if self.received.len() < stop {
            return Ok(None);
        }
        let body = self.received.get(start..stop).unwrap_or_default().to_vec();
        self.received.drain(..stop);
        Ok(Some(body))
    }
}
