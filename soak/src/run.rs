//! The clients' side of a soak, and its verdict.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

use crate::chance::Chance;
use crate::client::Client;
use crate::measure::{Sample, sample};
use crate::record::Record;
use crate::server::KEPT_BYTES;
use crate::{Failure, Options};

/// Connections that never ask for anything, one after the other.
const SILENT: u64 = 50;

/// Time for the server to forget those who went without a word, and what it kept for their return:
/// events for a little longer than clients, and each is looked at now and then only.
const FORGETTING: Duration = Duration::from_secs(90);

/// Of a hundred clients that come back, so many find their former stay at least.
const RECOVERED: u64 = 25;

/// Memory that may be taken beyond what there was after the warm-up: in hundredths, and in KiB.
const GROWTH: (u64, u64) = (15, 8 << 10);

/// Runs a soak; whether all was well.
pub(crate) async fn run(options: Options) -> Result<bool, Failure> {
    let seed = options.seed.unwrap_or_else(|| u64::from(std::process::id()));
    let (clients, time) = (options.clients, options.time());
    println!("soak: seed {seed}, {clients} clients, {} s", time.as_secs());
    let mut server = Server::start(KEPT_BYTES * clients as usize).await?;
    let before = (server.status().await?, sample(server.process)?);
    let (record, chance) = (Arc::new(Record::default()), Chance::new(seed));
    let start = Instant::now();
    let end = start + time;
    let mut living = JoinSet::new();
    for id in 0..clients {
        let client = Client::new(id, server.address, chance.branch(id), Arc::clone(&record));
        living.spawn(client.live(end));
    }
    for id in 0..SILENT {
        living.spawn(stay_silent(server.address, chance.branch(clients + id), end));
    }
    let memory = watch(&server, &record, start, time).await?;
    while living.join_next().await.transpose()?.is_some() {}
    let forgotten = Instant::now() + FORGETTING;
    let mut after = server.status().await?;
    while Instant::now() < forgotten && !after.is_like(&before.0) {
        sleep(Duration::from_millis(500)).await;
        after = server.status().await?;
    }
    let left = sample(server.process)?;
    println!("soak: {record}");
    println!("soak: turned down {:?}", after.rejected);
    println!("soak: at the end {after:?}, {left:?}");
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (recovered, anew) = (of(&record.recovered), of(&record.anew));
    let known = recovered > 0 && recovered * 100 >= (recovered + anew) * RECOVERED;
    let checks = [
        ("messages in order, once", of(&record.fault_count) == 0),
        ("messages were exchanged", of(&record.settled) >= clients / 2),
        ("clients came back, and to what they missed", known && of(&record.missed) > 0),
        ("the server saw no fault", after.faults.is_empty()),
        ("no session, socket, room or stay is left", after.is_empty()),
        ("the gauges are as they were", after.gauges == before.0.gauges),
        ("no task is left", after.tasks <= before.0.tasks),
        ("no descriptor is left", left.descriptors <= before.1.descriptors),
        ("memory is flat", memory.is_flat()),
    ];
    for fault in record.faults().iter().chain(&after.faults) {
        println!("soak: fault: {fault}");
    }
    for (what, holds) in checks {
        println!("soak: {}: {what}", if holds { "passed" } else { "FAILED" });
    }
    let passed = checks.iter().filter(|(_, holds)| *holds).count();
    println!("soak: {memory:?}, seed {seed}");
    println!("{passed} passed, {} failed", checks.len() - passed);
    Ok(passed == checks.len())
}

/// The most that was taken, in KiB: after the warm-up, and at the end.
#[derive(Debug, Default)]
struct Memory {
    warm: u64,
    end: u64,
}

impl Memory {
    const fn is_flat(&self) -> bool {
        self.end <= self.warm + self.warm * GROWTH.0 / 100 + GROWTH.1
    }
}

/// Looks at the server once a second.
async fn watch(
    server: &Server,
    record: &Record,
    start: Instant,
    time: Duration,
) -> Result<Memory, Failure> {
    let warm_up = (time / 3).min(Duration::from_secs(120));
    let window = (time / 4).min(Duration::from_secs(60));
    let mut memory = Memory::default();
    let mut seconds = interval(Duration::from_secs(1));
    for second in 0_u64.. {
        seconds.tick().await;
        let age = start.elapsed();
        if age >= time {
            break;
        }
        let Sample { resident, descriptors } = sample(server.process)?;
        if age >= warm_up && age < warm_up + window {
            memory.warm = memory.warm.max(resident);
        }
        if age >= time - window {
            memory.end = memory.end.max(resident);
        }
        if second.is_multiple_of(10) {
            println!("soak: {second} s: {resident} KiB, {descriptors} descriptors; {record}");
        }
    }
    Ok(memory)
}

/// Connects and says nothing, or half of something, for longer than the server waits.
async fn stay_silent(server: SocketAddr, mut chance: Chance, end: Instant) {
    while Instant::now() < end {
        if let Ok(mut stream) = TcpStream::connect(server).await {
            let half = if chance.percent(50) { "" } else { "GET /socket.io/?EIO=4&tra" };
            let _ = stream.write_all(half.as_bytes()).await;
            let _ = stream.read(&mut [0; 64]).await;
        }
        sleep(chance.millis(100..2000)).await;
    }
}

/// The server's process, which ends with this value.
struct Server {
    _child: Child,
    process: u32,
    address: SocketAddr,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Server {
    async fn start(kept_bytes: usize) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", &kept_bytes.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let process = child.id().ok_or("the server has ended")?;
        let input = child.stdin.take().ok_or("no standard input")?;
        let output = child.stdout.take().ok_or("no standard output")?;
        let mut output = BufReader::new(output).lines();
        let line = output.next_line().await?.unwrap_or_default();
        let address = line.strip_prefix("listening on ").ok_or("the server does not listen")?;
        Ok(Self { process, address: address.parse()?, input, output, _child: child })
    }

    async fn status(&mut self) -> Result<Status, Failure> {
        self.input.write_all(b"status\n").await?;
        let line = self.output.next_line().await?.ok_or("the server has ended")?;
        Ok(serde_json::from_str(&line)?)
    }
}

/// What the server says of itself.
#[derive(Debug, Deserialize)]
struct Status {
    sessions: usize,
    sockets: usize,
    in_rooms: usize,
    /// What an application attached to sockets that are there, or may come back.
    visits: usize,
    tasks: usize,
    /// The server's own figures.
    gauges: BTreeMap<String, u64>,
    /// What it has turned down, by reason: clients that break off are many here, hostile ones few.
    rejected: BTreeMap<String, u64>,
    faults: Vec<String>,
}

impl Status {
    const fn is_empty(&self) -> bool {
        self.sessions == 0 && self.sockets == 0 && self.in_rooms == 0 && self.visits == 0
    }

    fn is_like(&self, before: &Self) -> bool {
        self.is_empty() && self.tasks <= before.tasks && self.gauges == before.gauges
    }
}
