//! What a client knows of one stay with the server. It outlives a connection if the client comes back.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::packet::Ids;
use crate::record::{Record, count};

pub(crate) struct Stay {
    pub(crate) key: String,
    /// Set once the client has joined.
    pub(crate) ids: Option<Ids>,
    /// Whether the server was asked for its sums, and may have forgotten them.
    pub(crate) asked: bool,
    pub(crate) sent: u64,
    acknowledged: u64,
    told: u64,
    /// The connection broke: what we have acknowledged may be told again.
    told_again: bool,
    /// The number after that of the last message of the flood; 0 before it is asked for.
    pub(crate) flood: u64,
    /// That of the last event.
    offset: Option<String>,
    /// Rooms that we asked for, and what we know to be in.
    rooms: BTreeSet<u64>,
    news: HashMap<u64, News>,
    record: Arc<Record>,
}

/// The news of a room that we are in.
struct News {
    last: u64,
    /// No event has come since we joined: our offset is older.
    fresh: bool,
    /// The client comes back by such an offset, and so may hear of the time before it joined.
    rewound: bool,
}

/// What the server says of a client that came back.
#[derive(Deserialize)]
struct Found {
    id: String,
    recovered: bool,
    heard: u64,
    rooms: Vec<(u64, u64)>,
}

impl Stay {
    pub(crate) fn new(key: String, record: Arc<Record>) -> Self {
        Self {
            key,
            ids: None,
            asked: false,
            sent: 0,
            acknowledged: 0,
            told: 0,
            told_again: false,
            flood: 0,
            offset: None,
            rooms: BTreeSet::new(),
            news: HashMap::new(),
            record,
        }
    }

    /// What the client connects with: `key` is for the case that it is a new one.
    pub(crate) fn auth(&self, key: &str) -> Value {
        let Some(ids) = &self.ids else { return json!({ "key": key }) };
        match &self.offset {
            Some(offset) => json!({ "pid": ids.pid, "offset": offset, "key": key }),
            None => json!({ "pid": ids.pid, "key": key }),
        }
    }

    /// The connection is lost, and the client wants to come back.
    pub(crate) fn interrupt(&mut self) {
        for news in self.news.values_mut() {
            news.rewound |= news.fresh;
        }
    }

    /// The client is back, and was sent what it missed.
    pub(crate) fn resume(&mut self) {
        self.told_again = true;
        for news in self.news.values_mut() {
            news.rewound = false;
        }
    }

    /// Compares what the server says of a client that came back; its answers may have been lost.
    pub(crate) fn find(&mut self, answer: Option<&Value>) {
        let Some(Found { id, recovered, heard, rooms }) =
            answer.and_then(|answer| Found::deserialize(answer).ok())
        else {
            return self.fault(format!("came back to {answer:?}"));
        };
        if !recovered || self.ids.as_ref().is_none_or(|ids| ids.sid != id) {
            self.fault(format!("came back as {id}, recovered: {recovered}"));
        }
        if heard < self.acknowledged || heard > self.sent {
            let (sent, acknowledged) = (self.sent, self.acknowledged);
            self.fault(format!("sent {sent}, acknowledged {acknowledged}, but {heard} were heard"));
        }
        (self.sent, self.acknowledged) = (heard, heard);
        for lost in self.news.keys().filter(|room| rooms.iter().all(|(found, _)| found != *room)) {
            self.fault(format!("came back, but not to room {lost}"));
        }
        for (room, last) in rooms {
            self.joined(room, last);
        }
    }

    pub(crate) fn ask_for_room(&mut self, room: u64) {
        self.rooms.insert(room);
    }

    /// Rooms that we asked for, and may not be in.
    pub(crate) fn missing_rooms(&self) -> Vec<u64> {
        self.rooms.iter().copied().filter(|room| !self.news.contains_key(room)).collect()
    }

    /// We are in a room. Of its news all up to `last` are either for us, and came before, or not.
    pub(crate) fn joined(&mut self, room: u64, last: u64) {
        if !self.rooms.contains(&room) {
            self.fault(format!("in room {room} without having asked for it"));
        }
        match self.news.get(&room) {
            // Joined twice, or the news was faster.
            Some(news) if news.last < last => {
                self.fault(format!("news of {room} up to {}, not {last}", news.last));
            }
            Some(_) => {}
            None => {
                self.news.insert(room, News { last, fresh: true, rewound: false });
            }
        }
    }

    /// Takes the offset off the arguments of an event that needs no answer.
    pub(crate) fn take_offset(&mut self, name: &str, arguments: &mut Vec<Value>) {
        match arguments.pop() {
            Some(Value::String(offset)) => self.offset = Some(offset),
            other => self.fault(format!("{name} ends with {other:?}, not with an offset")),
        }
        for news in self.news.values_mut() {
            news.fresh = false;
        }
    }

    pub(crate) fn hear_news(&mut self, room: u64, n: u64) {
        count(&self.record.news);
        if !self.rooms.contains(&room) {
            self.fault(format!("news of {room} without having asked for it"));
        }
        match self.news.get_mut(&room) {
            Some(news) => {
                let rewound = std::mem::take(&mut news.rewound) && n <= news.last;
                let before = std::mem::replace(&mut news.last, n);
                if !rewound {
                    self.check_order("news", before, n);
                }
            }
            None => {
                self.news.insert(room, News { last: n, fresh: false, rewound: false });
            }
        }
    }

    pub(crate) fn hear_told(&mut self, n: u64) {
        count(&self.record.told);
        let again = std::mem::take(&mut self.told_again) && n <= self.told;
        if !again {
            self.check_order("told", self.told, n);
        }
        self.told = n;
    }

    pub(crate) fn hear_drop(&mut self, n: u64) {
        match self.flood.checked_sub(1) {
            Some(last) => self.check_order("flooded", last, n),
            None => self.fault("flooded without having asked for it".to_owned()),
        }
        self.flood = n + 1;
    }

    pub(crate) fn acknowledged(&mut self, n: u64, answer: Option<&Value>) {
        self.check_order("acknowledged", self.acknowledged, n);
        if answer.and_then(Value::as_u64) != Some(n) {
            self.fault(format!("{n} answered by {answer:?}"));
        }
        self.acknowledged = n;
        count(&self.record.acknowledged);
    }

    /// Compares the sums of a stay that is over. What was acknowledged was received: once, and in
    /// order, or the server would have told.
    pub(crate) fn settle(&self, ledger: Option<&Value>) {
        let of = |name| ledger?.get(name)?.as_u64();
        match (of("heard"), of("acknowledged")) {
            (Some(heard), Some(acknowledged)) => {
                count(&self.record.settled);
                let ours = self.acknowledged <= heard && heard <= self.sent;
                if !ours || acknowledged > self.told {
                    self.fault(format!(
                        "sent {}, acknowledged {}, told {}, but the server heard {heard} and had \
                         {acknowledged} acknowledged",
                        self.sent, self.acknowledged, self.told
                    ));
                }
            }
            _ if self.asked || self.ids.is_none() => {}
            _ => self.fault(format!("the server knows nothing of it: {ledger:?}")),
        }
    }

    pub(crate) fn fault(&self, what: String) {
        self.record.fault(format!("{}: {what}", self.key));
    }

    fn check_order(&self, what: &str, before: u64, n: u64) {
        if n != before + 1 {
            self.fault(format!("{what} {n} after {before}"));
        }
    }
}
