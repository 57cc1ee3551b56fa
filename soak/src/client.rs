//! One client: session after session, each of a kind and with manners that chance chooses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::Failure;
use crate::chance::Chance;
use crate::link::{Cut, Link, Polling};
use crate::packet::{Packet, Sent};
use crate::record::{Record, count};
use crate::server::ROOMS;
use crate::session::{Session, Target};
use crate::stay::Stay;
use crate::stream::{Opening, Streaming};

/// Longer than the server waits for a pong.
const SILENCE: Duration = Duration::from_secs(9);

/// Stays of a hundred to which a client wants to come back that has lost its connection.
const FAITHFUL: u64 = 80;

/// Attempts to come back of a hundred that break before they are answered.
const HASTY: u64 = 10;

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
    /// What the client wants to come back to.
    left: Option<Stay>,
    former: Vec<Stay>,
}

impl Client {
    pub(crate) fn new(id: u64, server: SocketAddr, chance: Chance, record: Arc<Record>) -> Self {
        Self { id, server, chance, record, sessions: 0, left: None, former: Vec::new() }
    }

    /// Comes and goes until `end`; then compares the last sums.
    pub(crate) async fn live(mut self, end: Instant) {
        sleep(self.chance.millis(0..8000)).await;
        while Instant::now() < end {
            if self.session(end, false).await.is_err() {
                count(&self.record.failed);
            }
            sleep_until(end.min(Instant::now() + self.absence())).await;
        }
        self.former.extend(self.left.take());
        let last = Instant::now() + Duration::from_secs(3);
        if self.session(last, true).await.is_err() {
            count(&self.record.failed);
        }
    }

    /// Who wants to come back does so at once, maybe before the server has noticed; or when it has; or,
    /// now and then, too late.
    const fn absence(&mut self) -> Duration {
        match self.chance.within(0..100) {
            50..85 if self.left.is_some() => self.chance.millis(7000..12_000),
            85.. if self.left.is_some() => self.chance.millis(12_000..20_000),
            _ => self.chance.millis(10..1500),
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
        let returns = self.left.is_some();
        let stay = self.left.take();
        let stay = stay.unwrap_or_else(|| Stay::new(key.clone(), Arc::clone(&self.record)));
        let mut session = Session::new(link, stay, Arc::clone(&self.record));
        if returns && self.chance.percent(HASTY) {
            count(&self.record.hasty);
            let outcome = session.connect(&key).await;
            self.left = Some(session.stay);
            // The server may have taken it for a new one.
            self.former.push(Stay::new(key, Arc::clone(&self.record)));
            return outcome;
        }
        let length = self.chance.millis(1000..25_000);
        let end = end.min(Instant::now() + length);
        let outcome = self.visit(&mut session, key, kind, manners, end).await;
        let polite = outcome.is_ok() && manners == Manners::Good && self.chance.percent(50);
        if polite {
            // The server may be faster.
            let _ = session.link.send(vec![Sent::Text("41".to_owned())]).await;
        }
        self.part(session, polite);
        outcome
    }

    /// Keeps what there is to compare, or to come back to.
    fn part(&mut self, session: Session, polite: bool) {
        let Session { mut stay, settling, .. } = session;
        for mut stay in settling.into_values() {
            stay.asked = true;
            self.former.push(stay);
        }
        if !polite && stay.ids.is_some() && self.chance.percent(FAITHFUL) {
            stay.interrupt();
            self.left = Some(stay);
        } else {
            self.former.push(stay);
        }
    }

    fn opening(&mut self, rest: Duration) -> Opening {
        let chance = self.chance.branch(self.sessions);
        Opening { server: self.server, chance, record: Arc::clone(&self.record), rest }
    }

    /// Joins, or is let back.
    async fn enter(&mut self, session: &mut Session, key: String) -> Result<(), Failure> {
        let returns = session.stay.ids.is_some();
        session.connect(&key).await?;
        let over = session.joined(key).await?;
        let recovered = returns && over.is_none();
        self.former.extend(over);
        session.settle(std::mem::take(&mut self.former)).await?;
        if recovered {
            return session.look().await;
        }
        for _ in 0..2 {
            session.join_room(self.chance.within(0..ROOMS as u64)).await?;
        }
        Ok(())
    }

    /// Joins, says and hears, until `end`, or until the server ends it: that is its right.
    async fn visit(
        &mut self,
        session: &mut Session,
        key: String,
        kind: Kind,
        manners: Manners,
        end: Instant,
    ) -> Result<(), Failure> {
        self.enter(session, key).await?;
        count(match kind {
            Kind::WebSocket => &self.record.websocket,
            Kind::Stream => &self.record.streaming,
            Kind::Polling | Kind::Upgrade { .. } => &self.record.polling,
        });
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
            if turn.is_some_and(|turn| Instant::now() >= turn) && session.stay.flood == 0 {
                count(&self.record.slow);
                session.ask_for_flood().await?;
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
