//! The load: one thread, epoll, no WebSocket library, so that it costs less than what it measures.

mod connection;
mod histogram;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use clap::Args;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use crate::cell::Cell;
use crate::frames::{Echo, Frames};
use crate::machine::Usage;
use crate::{Failure, machine, process};
use connection::Connection;
use histogram::Histogram;

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
    #[arg(long)]
    raw: bool,
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

/// A length of time on the command line: from 10 ms to 10 minutes.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.01..=600.0).contains(&value) => Ok(value),
        Ok(_) | Err(_) => Err("expected 0.01 to 600 seconds".to_owned()),
    }
}

/// What one run measured within its window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Measures {
    /// Replies.
    pub(crate) messages: f64,
    /// Seconds.
    pub(crate) window: f64,
    /// Seconds of CPU time; 0 if the server's process is not known.
    pub(crate) server_cpu: f64,
    /// Seconds of the load's own CPU time.
    pub(crate) load_cpu: f64,
    /// Seconds that server or load, whichever had more of it, was ready to run but had to wait.
    pub(crate) waited: f64,
    /// Seconds.
    pub(crate) p50: f64,
    /// Seconds.
    pub(crate) p99: f64,
}

impl Measures {
    const NAMES: [&'static str; 7] =
        ["messages", "window", "server-cpu", "load-cpu", "waited", "p50", "p99"];

    fn line(&self) -> String {
        let values = [
            self.messages,
            self.window,
            self.server_cpu,
            self.load_cpu,
            self.waited,
            self.p50,
            self.p99,
        ];
        let pairs = Self::NAMES.iter().zip(values).map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join(" ")
    }

    /// Reads the line that `load` prints.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut values = line
            .split_whitespace()
            .zip(Self::NAMES)
            .map(|(pair, name)| pair.strip_prefix(name)?.strip_prefix('=')?.parse::<f64>().ok());
        let mut next = || values.next().flatten();
        Some(Self {
            messages: next()?,
            window: next()?,
            server_cpu: next()?,
            load_cpu: next()?,
            waited: next()?,
            p50: next()?,
            p99: next()?,
        })
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    if let Some(parent) = options.parent {
        process::follow(parent)?;
    }
    if let Some(core) = options.core {
        machine::pin(core)?;
    }
    println!("{}", Load::connect(options)?.measure(options)?.line());
    Ok(())
}

struct Load {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
    connections: Vec<Connection>,
    frames: Frames,
    buffer: Vec<u8>,
    latencies: Histogram,
    in_flight: usize,
    last_reply: Instant,
}

impl Load {
    fn connect(options: &Options) -> Result<Self, Failure> {
        let cell = options.cell;
        let echo = if options.raw { Echo::Raw } else { Echo::WebSocket };
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::with_capacity(cell.connections);
        for index in 0..cell.connections {
            let connection = Connection::open(options.address, echo)?;
            let data = epoll::EventData::new_u64(index as u64);
            epoll::add(&epoll, connection.socket(), data, epoll::EventFlags::IN)?;
            connections.push(connection);
        }
        Ok(Self {
            epoll,
            events: Vec::with_capacity(1024),
            connections,
            frames: Frames::new(echo, cell.size, cell.in_flight, MAX_READ),
            buffer: vec![0; MAX_READ],
            latencies: Histogram::new(),
            in_flight: cell.in_flight,
            last_reply: Instant::now(),
        })
    }

    fn measure(mut self, options: &Options) -> Result<Measures, Failure> {
        let usages = || -> Result<(Usage, Usage), Failure> {
            let server = options.server_pid.map_or(Ok(Usage::default()), Usage::of)?;
            Ok((server, Usage::of(std::process::id())?))
        };
        let started = Instant::now();
        for index in 0..self.connections.len() {
            self.send(index, self.in_flight, started)?;
        }
        self.turn_until(started + Duration::from_secs_f64(options.warm_up))?;

        self.latencies.clear();
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
        };
        self.drain()?;
        Ok(measures)
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
                connection.write(&self.frames)?;
                self.follow_interest(index)?;
            }
            if flags.difference(epoll::EventFlags::OUT).is_empty() {
                continue;
            }
            let connection = self.connections.get_mut(index).ok_or("an unknown connection")?;
            let completed = connection.read(&mut self.frames, &mut self.buffer)?;
            let now = Instant::now();
            self.last_reply = now;
            connection.settle(completed, now, &mut self.latencies);
            if refill && completed > 0 {
                self.send(index, completed, now)?;
            }
        }
        self.events = events;
        Ok(())
    }

    fn send(&mut self, index: usize, count: usize, now: Instant) -> Result<(), Failure> {
        let connection = self.connections.get_mut(index).ok_or("an unknown connection")?;
        connection.send(&self.frames, count, now)?;
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
    fn measures_read_as_they_are_written() {
        let measures = Measures {
            messages: 100_000.0,
            window: 2.000_1,
            server_cpu: 1.9,
            load_cpu: 1.2,
            waited: 0.01,
            p50: 0.000_21,
            p99: 0.000_4,
        };
        assert_eq!(Measures::parse(&measures.line()), Some(measures));
        assert_eq!(Measures::parse("messages=1 window=2"), None);
        assert_eq!(Measures::parse(""), None);
    }

    #[test]
    fn lengths_of_time_are_bounded() {
        assert_eq!(seconds("2"), Ok(2.0));
        for text in ["0", "-1", "601", "NaN", "inf", "two"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
