//! One client: session after session, each of a kind and with manners that chance chooses.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::Failure;
use crate::chance::Chance;
use crate::link::{Cut, Link, Polling};
use crate::packet::{self, Packet, Sent};
use crate::record::{Record, count};
use crate::server::ROOMS;
use crate::stream::{Opening, Streaming};

/// Acknowledgements below are those of numbered messages.
const OTHER_IDS: u64 = 1_000_000;
const JOIN: u64 = OTHER_IDS;
const FLOOD: u64 = 2 * OTHER_IDS;
const SETTLE: u64 = 3 * OTHER_IDS;

/// Longer than the server waits for a pong.
const SILENCE: Duration = Duration::from_secs(9);

/// Messages that a slow client asks for, and the bytes of each.
const FLOOD_OF: (u64, usize) = (40, 16 << 10);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manners {
    Good,
    /// Goes silent, with the connection open.
    HalfOpen,
    /// Asks for much, and does not read for a while.
    Slow,
}

/// How a session opens, and what it moves to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    WebSocket,
    Stream,
    Polling,
    /// Polls, and moves to this, after one attempt that is cut or at once.
    Upgrade {
        to: Target,
        cut: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    WebSocket,
    Stream,
}

impl Kind {
    const fn choose(chance: &mut Chance) -> Self {
        let to = if chance.percent(60) { Target::WebSocket } else { Target::Stream };
        match chance.within(0..100) {
            0..30 => Self::WebSocket,
            30..45 => Self::Stream,
            45..60 => Self::Polling,
            60..80 => Self::Upgrade { to, cut: false },
            _ => Self::Upgrade { to, cut: true },
        }
    }
}

pub(crate) struct Client {
    id: u64,
    server: SocketAddr,
    chance: Chance,
    record: Arc<Record>,
    sessions: u64,
    former: Vec<Sums>,
}

/// What one session has sent and seen.
#[derive(Clone, Default)]
struct Sums {
    key: String,
    joined: bool,
    asked: bool,
    sent: u64,
    acknowledged: u64,
    told: u64,
}

/// A session that is under way.
struct Session {
    link: Link,
    sums: Sums,
    record: Arc<Record>,
    settling: HashMap<u64, Sums>,
    /// The first and the last news of each room, and what its last was when we joined.
    news: HashMap<u64, (u64, u64)>,
    flood: u64,
}

impl Client {
    pub(crate) fn new(id: u64, server: SocketAddr, chance: Chance, record: Arc<Record>) -> Self {
        Self { id, server, chance, record, sessions: 0, former: Vec::new() }
    }

    /// Comes and goes until `end`; then compares the last sums.
    pub(crate) async fn live(mut self, end: Instant) {
        sleep(self.chance.millis(0..8000)).await;
        while Instant::now() < end {
            if self.session(end, false).await.is_err() {
                count(&self.record.failed);
            }
            sleep(self.chance.millis(10..1500)).await;
        }
        let last = Instant::now() + Duration::from_secs(3);
        if self.session(last, true).await.is_err() {
            count(&self.record.failed);
        }
    }

    async fn session(&mut self, end: Instant, last: bool) -> Result<(), Failure> {
        self.sessions += 1;
        let key = format!("{}/{}", self.id, self.sessions);
        let kind = if last { Kind::WebSocket } else { Kind::choose(&mut self.chance) };
        let manners = match self.chance.within(0..100) {
            _ if last => Manners::Good,
            0..8 => Manners::HalfOpen,
            8..11 => Manners::Slow,
            _ => Manners::Good,
        };
        let rest = Duration::from_millis(if manners == Manners::Slow { 300 } else { 0 });
        let link = match kind {
            Kind::WebSocket => Link::open_websocket(self.server).await?,
            // It rests at each event, and a ping waits behind those that are on their way.
            Kind::Stream => Link::Stream(Box::new(Streaming::open(self.opening(rest / 4)).await?)),
            Kind::Polling | Kind::Upgrade { .. } => {
                Link::Polling(Polling::open(self.server, rest).await?)
            }
        };
        let mut session = Session {
            link,
            sums: Sums { key, ..Sums::default() },
            record: Arc::clone(&self.record),
            settling: HashMap::new(),
            news: HashMap::new(),
            flood: 0,
        };
        let length = self.chance.millis(1000..25_000);
        let outcome =
            self.visit(&mut session, kind, manners, end.min(Instant::now() + length)).await;
        let polite = self.chance.percent(50);
        if outcome.is_ok() && manners == Manners::Good && polite {
            // The server may be faster.
            let _ = session.link.send(vec![Sent::Text("41".to_owned())]).await;
        }
        let unanswered = session.settling.into_values().map(|sums| Sums { asked: true, ..sums });
        self.former.extend(unanswered);
        self.former.push(session.sums);
        outcome
    }

    fn opening(&mut self, rest: Duration) -> Opening {
        let chance = self.chance.branch(self.sessions);
        Opening { server: self.server, chance, record: Arc::clone(&self.record), rest }
    }

    /// Joins, says and hears, until `end`, or until the server ends it: that is its right.
    async fn visit(
        &mut self,
        session: &mut Session,
        kind: Kind,
        manners: Manners,
        end: Instant,
    ) -> Result<(), Failure> {
        session.join().await?;
        count(match kind {
            Kind::WebSocket => &self.record.websocket,
            Kind::Stream => &self.record.streaming,
            Kind::Polling | Kind::Upgrade { .. } => &self.record.polling,
        });
        for (at, sums) in (SETTLE..).zip(std::mem::take(&mut self.former)) {
            session.ask(at, "settle", &json!(sums.key)).await?;
            session.settling.insert(at, sums);
        }
        for _ in 0..2 {
            let room = self.chance.within(0..ROOMS as u64);
            session.ask(JOIN + room, "join", &json!(room)).await?;
        }
        let cuts = [Cut::AfterOpening, Cut::AfterProbe, Cut::AfterAnswer];
        let mut upgrades = match kind {
            Kind::Upgrade { to, cut: false } => vec![(to, Cut::Nowhere)],
            Kind::Upgrade { to, cut: true } => {
                vec![(to, Cut::Nowhere), (to, cuts[self.chance.within(0..3) as usize])]
            }
            Kind::WebSocket | Kind::Stream | Kind::Polling => Vec::new(),
        };
        let turn = self.chance.millis(500..6000);
        let turn = (manners != Manners::Good).then(|| Instant::now() + turn);
        let mut next = Instant::now();
        while Instant::now() < end {
            if turn.is_some_and(|turn| Instant::now() >= turn) && manners == Manners::HalfOpen {
                count(&self.record.half_open);
                sleep(SILENCE).await;
                return Ok(());
            }
            if turn.is_some_and(|turn| Instant::now() >= turn) && session.flood == 0 {
                count(&self.record.slow);
                session.flood = 1;
                session.ask(FLOOD, "flood", &json!(FLOOD_OF)).await?;
                sleep(Duration::from_secs(3)).await;
            }
            tokio::select! {
                packet = session.link.next() => match packet {
                    Some(Packet::Close) | None => return Ok(()),
                    Some(packet) => session.hear(packet).await?,
                },
                () = sleep_until(next) => {
                    next = Instant::now() + self.chance.millis(300..3000);
                    match upgrades.pop() {
                        Some((to, cut)) => session.upgrade(to, cut, self.opening(Duration::ZERO)).await?,
                        None => session.say(&mut self.chance).await?,
                    }
                }
                () = sleep_until(end) => {}
            }
        }
        Ok(())
    }
}

impl Session {
    async fn join(&mut self) -> Result<(), Failure> {
        let connect = format!("40{}", json!({ "key": self.sums.key }));
        self.link.send(vec![Sent::Text(connect)]).await?;
        while !self.sums.joined {
            let packet = timeout(Duration::from_secs(15), self.link.next()).await?;
            let packet = packet.ok_or("it ended before it began")?;
            self.sums.joined = packet == Packet::Joined;
            if !self.sums.joined {
                self.hear(packet).await?;
            }
        }
        Ok(())
    }

    async fn ask(&mut self, id: u64, event: &str, argument: &Value) -> Result<(), Failure> {
        self.link.send(packet::event(id, event, argument)).await
    }

    async fn say(&mut self, chance: &mut Chance) -> Result<(), Failure> {
        self.sums.sent += 1;
        let n = self.sums.sent;
        let len = chance.within(0..400) as usize;
        let packets = if chance.percent(20) {
            packet::binary_event(n, "say-binary", vec![n as u8; len])
        } else {
            let text = "z".repeat(len);
            vec![Sent::Text(format!("42{n}{}", json!(["say", n, text])))]
        };
        self.link.send(packets).await
    }

    async fn upgrade(&mut self, to: Target, cut: Cut, opening: Opening) -> Result<(), Failure> {
        let Link::Polling(polling) = &mut self.link else { return Ok(()) };
        let (link, upgraded) = match to {
            Target::WebSocket => (polling.upgrade(cut).await?, &self.record.upgraded),
            Target::Stream => {
                let link = polling.upgrade_to_stream(cut, opening).await?;
                (link, &self.record.upgraded_to_stream)
            }
        };
        match link {
            None => count(&self.record.cut_upgrades),
            Some(link) => {
                count(upgraded);
                let before = polling.left();
                self.link = link;
                for packet in before {
                    self.hear(packet).await?;
                }
            }
        }
        Ok(())
    }

    async fn hear(&mut self, packet: Packet) -> Result<(), Failure> {
        match packet {
            Packet::Ping => self.link.send(vec![Sent::Text("3".to_owned())]).await?,
            Packet::Event { name, arguments, ack, .. } => {
                let numbers: Vec<_> = arguments.iter().filter_map(Value::as_u64).collect();
                match (&*name, &*numbers, ack) {
                    ("tell", &[n], Some(id)) => {
                        self.in_order("told", self.sums.told, n);
                        self.sums.told = n;
                        count(&self.record.told);
                        self.link.send(packet::ack(id, &json!(n))).await?;
                    }
                    ("news", &[room, n], None) => self.hear_news(room, n),
                    ("drop", &[n], None) => {
                        self.in_order("flooded", self.flood - 1, n);
                        self.flood = n + 1;
                    }
                    (name, numbers, ack) => {
                        self.record.fault(format!("unexpected: {name} {numbers:?} {ack:?}"));
                    }
                }
            }
            Packet::Ack { id, arguments } => self.answered(id, arguments.first()),
            Packet::Open(_) | Packet::Noop => {}
            Packet::Joined | Packet::Close | Packet::Binary | Packet::Probed | Packet::Other(_) => {
                self.record.fault(format!("{}: unexpected: {packet:?}", self.sums.key));
            }
        }
        Ok(())
    }

    fn answered(&mut self, id: u64, argument: Option<&Value>) {
        let number = argument.and_then(Value::as_u64);
        match id {
            0..JOIN => {
                self.in_order("acknowledged", self.sums.acknowledged, id);
                if number != Some(id) {
                    self.record.fault(format!("{}: {id} answered by {argument:?}", self.sums.key));
                }
                self.sums.acknowledged = id;
                count(&self.record.acknowledged);
            }
            JOIN..FLOOD => {
                let (room, last) = (id - JOIN, number.unwrap_or_default());
                match self.news.get(&room) {
                    // Joined twice, or the news was faster.
                    Some((first, latest)) if *first != last + 1 && *latest < last => {
                        self.record.fault(format!(
                            "{}: news {first} of {room} after {last}",
                            self.sums.key
                        ));
                    }
                    Some(_) => {}
                    None => drop(self.news.insert(room, (last + 1, last))),
                }
            }
            FLOOD..SETTLE => {}
            SETTLE.. => match self.settling.remove(&id) {
                Some(sums) => sums.compare(argument, &self.record),
                None => self.record.fault(format!("{}: answered {id} twice", self.sums.key)),
            },
        }
    }

    fn hear_news(&mut self, room: u64, n: u64) {
        count(&self.record.news);
        match self.news.get(&room).copied() {
            Some((first, last)) => {
                self.in_order("news", last, n);
                self.news.insert(room, (first, n));
            }
            None => drop(self.news.insert(room, (n, n))),
        }
    }

    fn in_order(&self, what: &str, before: u64, n: u64) {
        if n != before + 1 {
            self.record.fault(format!("{}: {what} {n} after {before}", self.sums.key));
        }
    }
}

impl Sums {
    /// What was acknowledged was received: once, and in order, or the server would have told.
    fn compare(&self, ledger: Option<&Value>, record: &Record) {
        let of = |name| ledger?.get(name)?.as_u64();
        match (of("heard"), of("acknowledged")) {
            (Some(heard), Some(acknowledged)) => {
                count(&record.settled);
                let ours = self.acknowledged <= heard && heard <= self.sent;
                if !ours || acknowledged > self.told {
                    record.fault(format!(
                        "{}: sent {}, acknowledged {}, told {}, but the server heard {heard} and \
                         had {acknowledged} acknowledged",
                        self.key, self.sent, self.acknowledged, self.told
                    ));
                }
            }
            _ if self.asked || !self.joined => {}
            _ => record.fault(format!("{}: the server knows nothing of it: {ledger:?}", self.key)),
        }
    }
}
