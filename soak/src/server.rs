//! The server under test: it counts what it hears of each client, tells each something now and then, and
//! has news for rooms. A client that lost its connection may come back.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spola_server::{
    Auth, Config, ConnectionStateRecovery, Data, Io, Refusal, Reply, Socket, State,
};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;

use crate::Failure;
use crate::chance::Chance;

pub(crate) const ROOMS: usize = 64;

/// What the names of rooms begin with.
const ROOM: &str = "room ";

/// Time between two pieces of news, each for one of the rooms.
const NEWS_PAUSE: Duration = Duration::from_millis(10);

/// How long a client may be away.
const ABSENCE: Duration = Duration::from_secs(15);

/// Bytes of events that are kept for each client: less than what they are sent in the time that matters.
pub(crate) const KEPT_BYTES: usize = 16 << 10;

/// What one client may have missed: less than what a slow one asks for.
const MISSED_BYTES: usize = 512 << 10;

/// Which stay this is, of all that a client has had.
#[derive(Deserialize)]
struct Key {
    key: String,
}

/// What is attached to a socket, for as long as its client is there or may come back.
struct Visit {
    key: String,
    visits: Arc<AtomicUsize>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.visits.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a client has said and was told.
#[derive(Clone, Copy, Default, Serialize)]
struct Ledger {
    heard: u64,
    acknowledged: u64,
}

#[derive(Clone, Default)]
struct House {
    ledgers: Arc<Mutex<HashMap<String, Ledger>>>,
    /// The number of the last news of each room.
    rooms: Arc<Vec<Mutex<u64>>>,
    faults: Arc<Mutex<Vec<String>>>,
    visits: Arc<AtomicUsize>,
}

impl House {
    fn new() -> Self {
        Self { rooms: Arc::new((0..ROOMS).map(|_| Mutex::default()).collect()), ..Self::default() }
    }

    fn begin(&self, socket: &Socket, Key { key }: Key) {
        lock(&self.ledgers).insert(key.clone(), Ledger::default());
        self.visits.fetch_add(1, Ordering::Relaxed);
        socket.extensions().insert(Arc::new(Visit { key, visits: Arc::clone(&self.visits) }));
    }

    fn change<T>(&self, socket: &Socket, change: impl FnOnce(&mut Ledger) -> T) -> Option<T> {
        let visit: Arc<Visit> = socket.extensions().get()?;
        lock(&self.ledgers).get_mut(&visit.key).map(change)
    }

    fn fault(&self, what: String) {
        let mut faults = lock(&self.faults);
        if faults.len() < 100 {
            faults.push(what);
        }
    }
}

/// Serves until the standard input ends. A line there asks for the state of affairs.
pub(crate) async fn serve(kept_bytes: usize) -> Result<(), Failure> {
    let house = House::new();
    let mut config = Config::default();
    config.engine.ping_interval = Duration::from_secs(3);
    config.engine.ping_timeout = Duration::from_secs(4);
    config.engine.transports.sse = true;
    let mut recovery = ConnectionStateRecovery::default();
    recovery.max_disconnection_duration = ABSENCE;
    recovery.max_packet_bytes = kept_bytes;
    recovery.max_replayed_bytes = MISSED_BYTES;
    config.connection_state_recovery = Some(recovery);
    let io = Io::builder().config(config).state(house.clone()).build();
    io.namespace("/")
        .on_connect(keep_telling)
        .on("say", hear)
        .on("say-binary", hear_binary)
        .on("join", join)
        .on("look", look)
        .on("flood", async |socket: Socket, Data(((count, len),)): Data<((u64, usize),)>| {
            for n in 1..=count {
                let _ = socket.emit("drop", (n, "x".repeat(len)));
            }
            Reply(count)
        })
        .on("settle", async |State(house): State<House>, Data(key): Data<String>| {
            Reply(lock(&house.ledgers).remove(&key))
        });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let news = tokio::spawn(spread_news(io.clone(), house.clone()));
    tokio::spawn(spola_tokio::serve(listener, io.clone()).into_future());
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while lines.next_line().await?.is_some() {
        println!("{}", status(&io, &house));
    }
    news.abort();
    Ok(())
}

fn status(io: &Io, house: &House) -> Value {
    let root = io.namespace("/");
    let statistics = io.statistics();
    let (mut gauges, mut rejected) = (BTreeMap::new(), BTreeMap::new());
    for sample in statistics.samples() {
        match sample.label {
            None => drop(gauges.insert(sample.name, sample.value)),
            Some((_, reason)) if sample.value > 0 => drop(rejected.insert(reason, sample.value)),
            Some(_) => {}
        }
    }
    let in_rooms: usize = (0..ROOMS).map(|room| root.to(name(room)).sockets().len()).sum();
    json!({
        "sessions": io.session_count(),
        "sockets": io.sockets().len(),
        "in_rooms": in_rooms,
        "visits": house.visits.load(Ordering::Relaxed),
        "ledgers": lock(&house.ledgers).len(),
        "tasks": tokio::runtime::Handle::current().metrics().num_alive_tasks(),
        "gauges": gauges,
        "rejected": rejected,
        "faults": *lock(&house.faults),
    })
}

/// Begins a ledger, and tells the client one number after the other, until it leaves. One that is back
/// is told again what it has not acknowledged: that may have been lost.
async fn keep_telling(socket: Socket, State(house): State<House>, Auth(key): Auth<Key>) {
    if !socket.recovered() {
        house.begin(&socket, key);
    } else if !socket.extensions().contains::<Arc<Visit>>() {
        house.fault("a client is back, but not what was attached to it".to_owned());
    }
    let Some(acknowledged) = house.change(&socket, |ledger| ledger.acknowledged) else {
        // The client has asked for it.
        return;
    };
    let mut chance = Chance::new(
        socket.id().bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte)),
    );
    for n in acknowledged + 1.. {
        tokio::time::sleep(chance.millis(500..4000)).await;
        let question = socket.emit_with_ack::<u64>("tell", (n, "y".repeat(n as usize % 200)));
        match question.timeout(Duration::from_secs(20)).await {
            Ok(answer) if answer == n => {
                // Whoever speaks to the client that is back may have been faster.
                let later = |ledger: &mut Ledger| ledger.acknowledged = ledger.acknowledged.max(n);
                house.change(&socket, later);
            }
            Ok(answer) => return house.fault(format!("told {n}, acknowledged as {answer}")),
            // Its number is not used again: the client may have heard it.
            Err(_) if socket.is_connected() => {}
            Err(_) => return,
        }
    }
}

async fn hear(
    socket: Socket,
    State(house): State<House>,
    Data((n, _)): Data<(u64, String)>,
) -> Result<Reply<u64>, Refusal> {
    let before = house.change(&socket, |ledger| std::mem::replace(&mut ledger.heard, n));
    match before {
        Some(before) if before + 1 == n => Ok(Reply(n)),
        Some(before) => {
            house.fault(format!("heard {n} after {before}"));
            Err(Refusal::new("out of order"))
        }
        None => Err(Refusal::new("no ledger")),
    }
}

/// Every byte of the attachment is the message's number.
async fn hear_binary(
    socket: Socket,
    State(house): State<House>,
    Data((n, data)): Data<(u64, Bytes)>,
) -> Result<Reply<u64>, Refusal> {
    if data.iter().any(|byte| *byte != n as u8) {
        house.fault(format!("the attachment of {n} was spoilt"));
    }
    hear(socket, State(house), Data((n, String::new()))).await
}

async fn join(
    socket: Socket,
    State(house): State<House>,
    Data(room): Data<usize>,
) -> Result<Reply<u64>, Refusal> {
    let last = house.rooms.get(room).ok_or_else(|| Refusal::new("no such room"))?;
    // So that no news comes in between.
    let last = lock(last);
    socket.join(name(room)).map_err(|error| Refusal::new(error.to_string()))?;
    Ok(Reply(*last))
}

/// What a client that is back may want to know. The news up to the numbers given are on their way to it.
async fn look(socket: Socket, State(house): State<House>) -> Result<Reply<Value>, Refusal> {
    let heard = house.change(&socket, |ledger| ledger.heard);
    let heard = heard.ok_or_else(|| Refusal::new("no ledger"))?;
    let mut rooms = Vec::new();
    for name in socket.rooms() {
        let room = name.strip_prefix(ROOM).and_then(|room| room.parse::<usize>().ok());
        if let Some(room) = room
            && let Some(last) = house.rooms.get(room)
        {
            rooms.push((room, *lock(last)));
        }
    }
    let (id, recovered) = (socket.id(), socket.recovered());
    Ok(Reply(json!({ "id": id, "recovered": recovered, "heard": heard, "rooms": rooms })))
}

async fn spread_news(io: Io, house: House) {
    let mut chance = Chance::new(1);
    let mut interval = tokio::time::interval(NEWS_PAUSE);
    loop {
        interval.tick().await;
        let room = chance.within(0..ROOMS as u64) as usize;
        if let Some(last) = house.rooms.get(room) {
            let mut last = lock(last);
            *last += 1;
            let _ = io.to(name(room)).emit("news", (room, *last));
        }
    }
}

fn name(room: usize) -> String {
    format!("{ROOM}{room}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
