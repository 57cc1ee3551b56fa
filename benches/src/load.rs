//! The load: one thread, epoll, no WebSocket library, so that it costs less than what it measures.

mod casts;
mod connection;
pub(crate) mod dial;
pub(crate) mod handshakes;
mod histogram;
mod measures;
pub(crate) mod polling;
pub(crate) mod socketio;
mod turns;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use crate::cell::Cell;
use crate::deflate::{self, Cycle, Takeover};
use crate::frames::{self, Kind};
use crate::json;
use crate::machine::Usage;
use crate::replies::Replies;
use crate::script::Script;
use crate::{Failure, machine, process};
use casts::Casts;
use connection::Connection;
use dial::Protocol;
use histogram::Histogram;
pub(crate) use measures::Measures;

/// The most that one read takes.
const MAX_READ: usize = 256 * 1024;

/// A server that answers nothing for so long has lost a message.
const STALL: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct Options {
    /// The server's address.
    address: SocketAddr,
    /// Message size, connections, and messages in flight on each.
    #[arg(long, default_value = "125x32x1", value_name = "SIZExCONNECTIONSxIN_FLIGHT")]
    cell: Cell,
    /// Speak to a TCP echo server: no handshake, and the same bytes back.
    #[arg(long, conflicts_with = "deflate")]
    raw: bool,
    /// Send compressed JSON texts, with or without context takeover.
    #[arg(long, value_name = "TAKEOVER")]
    deflate: Option<Takeover>,
    /// Speak Socket.IO, and send this event: `echo`, or one that all connections receive.
    #[arg(long, conflicts_with_all = ["raw", "deflate"])]
    event: Option<Event>,
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

/// What a Socket.IO server does with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Event {
    /// It comes back.
    Echo,
    /// Everybody is sent it.
    Cast,
    /// Everybody in a room is sent it, which is everybody.
    Room,
}

impl Event {
    /// The name on the command line and of the event.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// A length of time on the command line: from 10 ms to 10 minutes.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.01..=600.0).contains(&value) => Ok(value),
        Ok(_) | Err(_) => Err("expected 0.01 to 600 seconds".to_owned()),
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    if let Some(parent) = options.parent {
        process::follow(parent)?;
    }
    if let Some(core) = options.core {
        machine::pin(core)?;
    }
    machine::raise_open_files();
    println!("{}", Load::connect(options)?.measure(options)?.line());
    Ok(())
}

impl Options {
    fn protocol(&self) -> Protocol {
        match self.deflate {
            Some(takeover) => Protocol::Deflate(takeover),
            None if self.event.is_some() => Protocol::SocketIo,
            None if self.raw => Protocol::Raw,
            None => Protocol::WebSocket,
        }
    }
}

/// What is sent, and what is expected back.
fn prepare(options: &Options) -> Result<(Script, Replies), Failure> {
    let (protocol, cell) = (options.protocol(), options.cell);
    if let Protocol::Deflate(takeover) = protocol {
        let texts = json::messages(cell.size);
        let Cycle { first, later } = deflate::cycle(&texts, takeover)?;
        let [first, later] =
            [first, later].map(|payloads| frames::from_client(Kind::Deflated, &payloads));
        let script = Script::new(&first, &later, cell.in_flight);
        return Ok((script, Replies::deflated(texts, takeover)));
    }
    let kind = Kind::of_size(cell.size);
    let messages = match options.event {
        Some(event) => socketio::events(&event.name(), cell.size),
        None => frames::messages(cell.size),
    };
    let sent = frames::from_client(kind, &messages);
    let replies = if protocol == Protocol::Raw {
        Replies::raw(&sent, MAX_READ)
    } else {
        Replies::plain(kind, messages, MAX_READ)
    };
    Ok((Script::new(&[], &sent, cell.in_flight), replies))
}

struct Load {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
    connections: Vec<Connection>,
    script: Script,
    replies: Replies,
    buffer: Vec<u8>,
    latencies: Histogram,
    /// Bytes received.
    received: u64,
    in_flight: usize,
    last_reply: Instant,
    /// Present if one connection asks and all receive.
    casts: Option<Casts>,
}

impl Load {
    fn connect(options: &Options) -> Result<Self, Failure> {
        let cell = options.cell;
        let protocol = options.protocol();
        let (script, replies) = prepare(options)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::with_capacity(cell.connections);
        for index in 0..cell.connections {
            let stream = dial::open(options.address, protocol)?;
            let connection = Connection::new(stream, replies.start(index))?;
            let data = epoll::EventData::new_u64(index as u64);
            epoll::add(&epoll, connection.socket(), data, epoll::EventFlags::IN)?;
            connections.push(connection);
        }
        Ok(Self {
            epoll,
            events: Vec::with_capacity(1024),
            connections,
            script,
            replies,
            buffer: vec![0; MAX_READ],
            latencies: Histogram::new(),
            received: 0,
            in_flight: cell.in_flight,
            last_reply: Instant::now(),
            casts: matches!(options.event, Some(Event::Cast | Event::Room))
                .then(|| Casts::new(cell.connections)),
        })
    }

    fn measure(mut self, options: &Options) -> Result<Measures, Failure> {
        let usages = || -> Result<(Usage, Usage), Failure> {
            let server = options.server_pid.map_or(Ok(Usage::default()), Usage::of)?;
            Ok((server, Usage::of(std::process::id())?))
        };
        let started = Instant::now();
        if self.casts.is_some() {
            self.cast(self.in_flight, started)?;
        } else {
            for index in 0..self.connections.len() {
                self.send(index, self.in_flight, started)?;
            }
        }
        self.turn_until(started + Duration::from_secs_f64(options.warm_up))?;

        self.latencies.clear();
        self.received = 0;
        self.slowest_share();
        let (server_before, load_before) = usages()?;
        let opened = Instant::now();
        self.turn_until(opened + Duration::from_secs_f64(options.seconds))?;
        let window = opened.elapsed();
        let (server, load) = usages()?;
        let (server, load) = (server.since(server_before), load.since(load_before));
        let measures = Measures {
            messages: self.latencies.count() as f64,
            window: window.as_secs_f64(),
            server_cpu: server.cpu.as_secs_f64(),
            load_cpu: load.cpu.as_secs_f64(),
            waited: server.waited.max(load.waited).as_secs_f64(),
            p50: self.latencies.quantile(0.50).as_secs_f64(),
            p99: self.latencies.quantile(0.99).as_secs_f64(),
            slowest: self.slowest_share(),
            received: self.received as f64,
            resident: options.server_pid.map_or(Ok(0), machine::resident)? as f64,
        };
        self.drain()?;
        Ok(measures)
    }

    /// The replies of the connection that had the fewest, by the mean of all.
    fn slowest_share(&mut self) -> f64 {
        let replies: Vec<usize> =
            self.connections.iter_mut().map(Connection::take_replies).collect();
        let fewest = replies.iter().min().copied().unwrap_or(0) as f64;
        let mean = replies.iter().sum::<usize>() as f64 / replies.len().max(1) as f64;
        if mean > 0.0 { fewest / mean } else { 0.0 }
    }

    /// Echoes back and forth until a moment has passed.
    fn turn_until(&mut self, end: Instant) -> Result<(), Failure> {
        while Instant::now() < end {
            self.wait(true)?;
        }
        Ok(())
    }

    /// Sends no more and takes the replies still under way: none may be missing.
    fn drain(&mut self) -> Result<(), Failure> {
        while self.connections.iter().any(Connection::is_waiting) {
            self.wait(false)?;
        }
        Ok(())
    }

    /// Waits for replies, and sends as many messages as came back if `refill` says so.
    fn wait(&mut self, refill: bool) -> Result<(), Failure> {
        let tenth = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&tenth)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if self.events.is_empty() && self.last_reply.elapsed() > STALL {
            return Err(format!("no reply for {STALL:?}").into());
        }
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            let epoll::Event { flags, data } = event;
            let index = usize::try_from(data.u64())?;
            let connection = self.connections.get_mut(index).ok_or("an unknown connection")?;
            if flags.contains(epoll::EventFlags::OUT) {
                connection.write(&self.script)?;
                self.follow_interest(index)?;
            }
            if flags.difference(epoll::EventFlags::OUT).is_empty() {
                continue;
            }
            let connection = self.connections.get_mut(index).ok_or("an unknown connection")?;
            let connection::Received { bytes, completed } =
                connection.read(&mut self.replies, &mut self.buffer)?;
            self.received += bytes as u64;
            let now = Instant::now();
            self.last_reply = now;
            connection.settle(completed, now, &mut self.latencies);
            let due = match &mut self.casts {
                Some(casts) => casts.deliver(index, completed)?,
                None => completed,
            };
            match (refill && due > 0, &self.casts) {
                (true, Some(_)) => self.cast(due, now)?,
                (true, None) => self.send(index, due, now)?,
                (false, _) => {}
            }
        }
        self.events = events;
        Ok(())
    }

    /// Lets the first connection send what all receive.
    fn cast(&mut self, count: usize, now: Instant) -> Result<(), Failure> {
        let others = self.connections.iter_mut().skip(1);
        others.for_each(|connection| connection.expect(count, now));
        for _ in 0..count {
            self.casts.iter_mut().for_each(Casts::begin);
        }
        self.send(0, count, now)
    }

    fn send(&mut self, index: usize, count: usize, now: Instant) -> Result<(), Failure> {
        let connection = self.connections.get_mut(index).ok_or("an unknown connection")?;
        connection.send(&self.script, count, now)?;
        self.follow_interest(index)
    }

    /// Asks epoll for room to write while, and only while, something waits for it.
    fn follow_interest(&mut self, index: usize) -> Result<(), Failure> {
        let connection = self.connections.get_mut(index).ok_or("an unknown connection")?;
        if let Some(blocked) = connection.interest_changed() {
            let flags = if blocked {
                epoll::EventFlags::IN | epoll::EventFlags::OUT
            } else {
                epoll::EventFlags::IN
            };
            let data = epoll::EventData::new_u64(index as u64);
            epoll::modify(&self.epoll, connection.socket(), data, flags)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_bounded() {
        assert_eq!(seconds("2"), Ok(2.0));
        for text in ["0", "-1", "601", "NaN", "inf", "two"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
