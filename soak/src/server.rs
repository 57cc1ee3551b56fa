//! The server under test: it counts what it hears of each session, tells each something now and then, and
//! has news for rooms.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use spola_server::{Auth, Config, Data, Io, Refusal, Reply, Socket, State};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;

use crate::Failure;
use crate::chance::Chance;

pub(crate) const ROOMS: usize = 64;

/// Time between two pieces of news, each for one of the rooms.
const NEWS_PAUSE: Duration = Duration::from_millis(10);

/// Which session this is, of all that a client has had.
#[derive(Clone, Deserialize)]
struct Key {
    key: String,
}

/// What a session has said and was told.
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
}

impl House {
    fn new() -> Self {
        Self { rooms: Arc::new((0..ROOMS).map(|_| Mutex::default()).collect()), ..Self::default() }
    }

    fn change<T>(&self, socket: &Socket, change: impl FnOnce(&mut Ledger) -> T) -> Option<T> {
        let key: Key = socket.extensions().get()?;
        lock(&self.ledgers).get_mut(&key.key).map(change)
    }

    fn fault(&self, what: String) {
        let mut faults = lock(&self.faults);
        if faults.len() < 100 {
            faults.push(what);
        }
    }
}

/// Serves until the standard input ends. A line there asks for the state of affairs.
pub(crate) async fn serve() -> Result<(), Failure> {
    let house = House::new();
    let mut config = Config::default();
    config.engine.ping_interval = Duration::from_secs(3);
    config.engine.ping_timeout = Duration::from_secs(4);
    config.engine.transports.sse = true;
    let io = Io::builder().config(config).state(house.clone()).build();
    io.namespace("/")
        .on_connect(keep_telling)
        .on("say", hear)
        .on("say-binary", hear_binary)
        .on("join", join)
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

fn status(io: &Io, house: &House) -> serde_json::Value {
    let root = io.namespace("/");
    let in_rooms: usize = (0..ROOMS).map(|room| root.to(name(room)).sockets().len()).sum();
    json!({
        "sessions": io.session_count(),
        "sockets": io.sockets().len(),
        "in_rooms": in_rooms,
        "ledgers": lock(&house.ledgers).len(),
        "tasks": tokio::runtime::Handle::current().metrics().num_alive_tasks(),
        "faults": *lock(&house.faults),
    })
}

/// Begins a ledger, and tells the client one number after the other, until it leaves.
async fn keep_telling(socket: Socket, State(house): State<House>, Auth(key): Auth<Key>) {
    lock(&house.ledgers).insert(key.key.clone(), Ledger::default());
    socket.extensions().insert(key.clone());
    let mut chance = Chance::new(
        key.key.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte)),
    );
    for n in 1.. {
        tokio::time::sleep(chance.millis(500..4000)).await;
        let question = socket.emit_with_ack::<u64>("tell", (n, "y".repeat(n as usize % 200)));
        match question.timeout(Duration::from_secs(20)).await {
            Ok(answer) if answer == n => {
                house.change(&socket, |ledger| ledger.acknowledged = n);
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
    format!("room {room}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
