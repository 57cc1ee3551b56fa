//! A session that is under way.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::Failure;
use crate::chance::Chance;
use crate::link::{Cut, Link};
use crate::packet::{self, Packet, Sent};
use crate::record::{Record, count};
use crate::stay::Stay;
use crate::stream::Opening;

/// Acknowledgements below are those of numbered messages.
const OTHER_IDS: u64 = 1_000_000;
const JOIN: u64 = OTHER_IDS;
const FLOOD: u64 = 2 * OTHER_IDS;
const LOOK: u64 = 3 * OTHER_IDS;
const SETTLE: u64 = 4 * OTHER_IDS;

/// Messages that a slow client asks for, and the bytes of each.
const FLOOD_OF: (u64, usize) = (40, 16 << 10);

/// Longer than a server should take for anything.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    WebSocket,
    Stream,
}

pub(crate) struct Session {
    pub(crate) link: Link,
    pub(crate) stay: Stay,
    pub(crate) settling: HashMap<u64, Stay>,
    record: Arc<Record>,
    /// The server was asked how it stands with us, and has not answered.
    looking: bool,
}

impl Session {
    pub(crate) fn new(link: Link, stay: Stay, record: Arc<Record>) -> Self {
        Self { link, stay, settling: HashMap::new(), record, looking: false }
    }

    /// Asks to be let in, or back.
    pub(crate) async fn connect(&mut self, key: &str) -> Result<(), Failure> {
        let connect = format!("40{}", self.stay.auth(key));
        self.link.send(vec![Sent::Text(connect)]).await
    }

    /// Hears what comes before the answer: only those who are let back have missed something. Gives
    /// the stay that is over, if the client is a new one.
    pub(crate) async fn joined(&mut self, key: String) -> Result<Option<Stay>, Failure> {
        let mut missed = 0;
        let ids = loop {
            let packet = timeout(PATIENCE, self.link.next()).await?;
            let packet = packet.ok_or("it ended before it began")?;
            if let Packet::Joined(ids) = packet {
                break ids;
            }
            missed += u64::from(matches!(packet, Packet::Event { .. }));
            self.hear(packet).await?;
        };
        let former = self.stay.ids.as_ref();
        if former == Some(&ids) {
            count(&self.record.recovered);
            self.record.missed.fetch_add(missed, Ordering::Relaxed);
            self.stay.resume();
            return Ok(None);
        }
        let half_known =
            former.is_some_and(|former| former.pid == ids.pid || former.sid == ids.sid);
        if half_known || missed > 0 {
            self.stay.fault(format!("as a new client {ids:?}, after {missed} events"));
        }
        if former.is_none() {
            self.stay.ids = Some(ids);
            return Ok(None);
        }
        count(&self.record.anew);
        let mut new = Stay::new(key, Arc::clone(&self.record));
        new.ids = Some(ids);
        Ok(Some(std::mem::replace(&mut self.stay, new)))
    }

    /// Asks how it stands, after a return, and waits for it: answers may have been lost. Asks again
    /// for the rooms whose joining was lost.
    pub(crate) async fn look(&mut self) -> Result<(), Failure> {
        self.looking = true;
        self.ask(LOOK, "look", &Value::Null).await?;
        while self.looking {
            let packet = timeout(PATIENCE, self.link.next()).await?;
            let packet = packet.ok_or("it ended before it was found")?;
            if packet == Packet::Close {
                return Err("it was closed before it was found".into());
            }
            self.hear(packet).await?;
        }
        for room in self.stay.missing_rooms() {
            self.join_room(room).await?;
        }
        Ok(())
    }

    pub(crate) async fn join_room(&mut self, room: u64) -> Result<(), Failure> {
        self.stay.ask_for_room(room);
        self.ask(JOIN + room, "join", &json!(room)).await
    }

    /// Asks for the sums of stays that are over.
    pub(crate) async fn settle(&mut self, former: Vec<Stay>) -> Result<(), Failure> {
        let keys: Vec<_> =
            (SETTLE..).zip(&former).map(|(at, stay)| (at, stay.key.clone())).collect();
        self.settling = (SETTLE..).zip(former).collect();
        for (at, key) in keys {
            self.ask(at, "settle", &json!(key)).await?;
        }
        Ok(())
    }

    pub(crate) async fn ask_for_flood(&mut self) -> Result<(), Failure> {
        self.stay.flood = 1;
        self.ask(FLOOD, "flood", &json!(FLOOD_OF)).await
    }

    async fn ask(&mut self, id: u64, event: &str, argument: &Value) -> Result<(), Failure> {
        self.link.send(packet::event(id, event, argument)).await
    }

    pub(crate) async fn say(&mut self, chance: &mut Chance) -> Result<(), Failure> {
        self.stay.sent += 1;
        let n = self.stay.sent;
        let len = chance.within(0..400) as usize;
        let packets = if chance.percent(20) {
            packet::binary_event(n, "say-binary", vec![n as u8; len])
        } else {
            let text = "z".repeat(len);
            vec![Sent::Text(format!("42{n}{}", json!(["say", n, text])))]
        };
        self.link.send(packets).await
    }

    pub(crate) async fn upgrade(
        &mut self,
        to: Target,
        cut: Cut,
        opening: Opening,
    ) -> Result<(), Failure> {
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

    pub(crate) async fn hear(&mut self, packet: Packet) -> Result<(), Failure> {
        match packet {
            Packet::Ping => self.link.send(vec![Sent::Text("3".to_owned())]).await?,
            Packet::Event { name, mut arguments, ack, .. } => {
                if ack.is_none() {
                    self.stay.take_offset(&name, &mut arguments);
                }
                let numbers: Vec<_> = arguments.iter().filter_map(Value::as_u64).collect();
                match (&*name, &*numbers, ack) {
                    ("tell", &[n], Some(id)) => {
                        self.stay.hear_told(n);
                        self.link.send(packet::ack(id, &json!(n))).await?;
                    }
                    ("news", &[room, n], None) => self.stay.hear_news(room, n),
                    ("drop", &[n], None) => self.stay.hear_drop(n),
                    (name, numbers, ack) => {
                        self.stay.fault(format!("unexpected: {name} {numbers:?} {ack:?}"));
                    }
                }
            }
            Packet::Ack { id, arguments } => self.answered(id, arguments.first()),
            Packet::Open(_) | Packet::Noop => {}
            Packet::Joined(_)
            | Packet::Close
            | Packet::Binary
            | Packet::Probed
            | Packet::Other(_) => {
                self.stay.fault(format!("unexpected: {packet:?}"));
            }
        }
        Ok(())
    }

    fn answered(&mut self, id: u64, answer: Option<&Value>) {
        match id {
            0..JOIN => self.stay.acknowledged(id, answer),
            JOIN..FLOOD => {
                let last = answer.and_then(Value::as_u64).unwrap_or_default();
                self.stay.joined(id - JOIN, last);
            }
            FLOOD..LOOK => {}
            LOOK..SETTLE => {
                self.looking = false;
                self.stay.find(answer);
            }
            SETTLE.. => match self.settling.remove(&id) {
                Some(stay) => stay.settle(answer),
                None => self.stay.fault(format!("answered {id} twice")),
            },
        }
    }
}
