//! The chat: who is where, what was said, and the events of the page.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use spola::{Auth, Data, Io, Refusal, Reply, Socket, State};

/// Messages of a room that newcomers get to see.
const HISTORY: usize = 50;

/// Rooms whose messages are kept when nobody is in them.
const EMPTY_ROOMS: usize = 100;

const NICKNAME_LEN: usize = 24;
const ROOM_LEN: usize = 32;
const TEXT_LEN: usize = 2000;

/// The state of the chat. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Chat {
    people: Arc<Mutex<HashMap<String, Person>>>,
    rooms: Arc<Mutex<HashMap<String, VecDeque<Message>>>>,
    next_message: Arc<AtomicU64>,
}

/// Somebody in the chat.
#[derive(Clone, Serialize)]
struct Person {
    id: String,
    nickname: String,
    room: String,
}

#[derive(Clone, Serialize)]
struct Message {
    id: u64,
    room: String,
    from: Person,
    text: String,
    at: u64,
}

/// What a client says of itself when it connects.
#[derive(Deserialize)]
struct Introduction {
    #[serde(default)]
    nickname: String,
    #[serde(default)]
    room: String,
}

#[derive(Deserialize)]
struct Saying {
    text: String,
}

#[derive(Deserialize)]
struct Move {
    room: String,
}

#[derive(Deserialize)]
struct PictureSent {
    #[serde(default)]
    name: String,
    #[serde(rename = "type")]
    media_type: String,
    data: Bytes,
}

#[derive(Serialize)]
struct Picture {
    id: u64,
    room: String,
    from: Person,
    name: String,
    #[serde(rename = "type")]
    media_type: String,
    at: u64,
    data: Bytes,
}

#[derive(Serialize)]
struct Receipt {
    id: u64,
    at: u64,
}

/// Registers the chat's events.
pub(crate) fn register(io: &Io) {
    io.namespace("/chat")
        .middleware(admit)
        .on_connect(enter)
        .on_disconnect(leave)
        .on("say", say)
        .on("picture", picture)
        .on("typing", typing)
        .on("move", change_room)
        .on("ping", async || Reply(()));
}

async fn admit(Auth(who): Auth<Introduction>, State(chat): State<Chat>) -> Result<(), Refusal> {
    let nickname = checked_nickname(&who.nickname)?;
    checked_room(&who.room)?;
    if chat.is_taken(&nickname) { Err(taken()) } else { Ok(()) }
}

async fn enter(
    socket: Socket,
    Auth(who): Auth<Introduction>,
    State(chat): State<Chat>,
) -> Result<(), Refusal> {
    let (nickname, room) = (checked_nickname(&who.nickname)?, checked_room(&who.room)?);
    let person = Person { id: socket.id().to_owned(), nickname, room };
    if !chat.add(person.clone()) {
        return Err(taken());
    }
    tracing::info!(nickname = person.nickname, room = person.room, "somebody came");
    join(&socket, &person);
    let _ = socket.emit("welcome", chat.welcome(&person));
    Ok(())
}

async fn leave(socket: Socket, State(chat): State<Chat>) {
    if let Some(person) = chat.remove(socket.id()) {
        tracing::info!(nickname = person.nickname, room = person.room, "somebody left");
        let _ = socket.to(room_name(&person.room)).emit("left", &person);
    }
}

async fn say(
    socket: Socket,
    Data(Saying { text }): Data<Saying>,
    State(chat): State<Chat>,
) -> Result<Reply<Receipt>, Refusal> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > TEXT_LEN {
        return Err(Refusal::new(format!("a message has 1 to {TEXT_LEN} characters")));
    }
    let from = chat.person(&socket)?;
    let message = Message {
        id: chat.next_id(),
        room: from.room.clone(),
        from,
        text: text.to_owned(),
        at: unix_millis(),
    };
    let receipt = Receipt { id: message.id, at: message.at };
    let _ = socket.to(room_name(&message.room)).emit("message", &message);
    chat.remember(message);
    Ok(Reply(receipt))
}

async fn picture(
    socket: Socket,
    Data(sent): Data<PictureSent>,
    State(chat): State<Chat>,
) -> Result<Reply<Receipt>, Refusal> {
    if !matches!(&*sent.media_type, "image/png" | "image/jpeg" | "image/webp" | "image/gif") {
        return Err(Refusal::new("a picture is PNG, JPEG, WebP or GIF"));
    }
    let PictureSent { name, media_type, data } = sent;
    let (id, at, from) = (chat.next_id(), unix_millis(), chat.person(&socket)?);
    let picture = Picture { id, room: from.room.clone(), from, name, media_type, at, data };
    let _ = socket.to(room_name(&picture.room)).emit("picture", &picture);
    Ok(Reply(Receipt { id, at }))
}

async fn typing(socket: Socket, Data(active): Data<bool>, State(chat): State<Chat>) {
    if let Ok(Person { id, nickname, room }) = chat.person(&socket) {
        let typing = json!({ "id": id, "nickname": nickname, "room": room, "active": active });
        let _ = socket.to(room_name(&room)).emit("typing", typing);
    }
}

async fn change_room(
    socket: Socket,
    Data(Move { room }): Data<Move>,
    State(chat): State<Chat>,
) -> Result<Reply<serde_json::Value>, Refusal> {
    let room = checked_room(&room)?;
    let before = chat.person(&socket)?;
    if before.room != room {
        socket.leave(&room_name(&before.room));
        let _ = socket.to(room_name(&before.room)).emit("left", &before);
        let after = Person { room, ..before };
        chat.replace(after.clone());
        join(&socket, &after);
    }
    Ok(Reply(chat.welcome(&chat.person(&socket)?)))
}

/// Enters a person's room, and tells who is there.
fn join(socket: &Socket, person: &Person) {
    if let Err(error) = socket.join(room_name(&person.room)) {
        tracing::warn!(%error, "somebody could not enter a room");
    }
    let _ = socket.to(room_name(&person.room)).emit("joined", person);
}

impl Chat {
    fn welcome(&self, person: &Person) -> serde_json::Value {
        let people: Vec<_> = {
            let people = self.people();
            people.values().filter(|other| other.room == person.room).cloned().collect()
        };
        let history = self.rooms().get(&person.room).cloned().unwrap_or_default();
        json!({
            "id": person.id,
            "nickname": person.nickname,
            "room": person.room,
            "people": people,
            "history": history,
        })
    }

    fn is_taken(&self, nickname: &str) -> bool {
        let wanted = nickname.to_lowercase();
        self.people().values().any(|person| person.nickname.to_lowercase() == wanted)
    }

    /// Adds a person, unless somebody has the nickname.
    fn add(&self, person: Person) -> bool {
        let wanted = person.nickname.to_lowercase();
        let mut people = self.people();
        if people.values().any(|other| other.nickname.to_lowercase() == wanted) {
            return false;
        }
        people.insert(person.id.clone(), person);
        true
    }

    fn replace(&self, person: Person) {
        self.people().insert(person.id.clone(), person);
    }

    fn remove(&self, id: &str) -> Option<Person> {
        self.people().remove(id)
    }

    fn person(&self, socket: &Socket) -> Result<Person, Refusal> {
        self.people().get(socket.id()).cloned().ok_or_else(|| Refusal::new("you have left"))
    }

    fn remember(&self, message: Message) {
        let mut rooms = self.rooms();
        if rooms.len() > EMPTY_ROOMS {
            let people = self.people();
            rooms.retain(|room, _| people.values().any(|person| person.room == *room));
        }
        let history = rooms.entry(message.room.clone()).or_default();
        if history.len() == HISTORY {
            history.pop_front();
        }
        history.push_back(message);
    }

    fn next_id(&self) -> u64 {
        self.next_message.fetch_add(1, Ordering::Relaxed)
    }

    fn people(&self) -> MutexGuard<'_, HashMap<String, Person>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Message>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of a room on the server: never one of a socket's own room.
fn room_name(room: &str) -> String {
    format!("room:{room}")
}

fn taken() -> Refusal {
    Refusal::new("nickname is taken").with_data(&json!({ "field": "nickname" }))
}

fn checked_nickname(nickname: &str) -> Result<String, Refusal> {
    checked(nickname, "nickname", NICKNAME_LEN)
}

fn checked_room(room: &str) -> Result<String, Refusal> {
    checked(room, "room", ROOM_LEN)
}

fn checked(text: &str, field: &str, most: usize) -> Result<String, Refusal> {
    let text = text.trim();
    let wrong = if text.is_empty() {
        "is required".to_owned()
    } else if text.chars().count() > most {
        format!("has more than {most} characters")
    } else if text.chars().any(char::is_control) {
        "has control characters".to_owned()
    } else {
        return Ok(text.to_owned());
    };
    Err(Refusal::new(format!("{field} {wrong}")).with_data(&json!({ "field": field })))
}

#[expect(clippy::disallowed_methods, reason = "an application may ask what time it is")]
fn unix_millis() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
