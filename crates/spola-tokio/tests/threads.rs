//! Many threads at once: they broadcast, ask, join, leave and kick while clients come, go and come back.
//! Nothing is lost, nothing comes twice or out of order, and everything settles.

#![expect(clippy::disallowed_methods, reason = "a test is an application: it has tasks")]

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use spola_server::{Config, ConnectionStateRecovery, Io, Socket, State};
use spola_tokio::websocket::{ClientWebSocket, Message, connect};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const CLIENTS: u64 = 12;
const VISITS: usize = 8;
const EMITTERS: u64 = 3;
/// More than anything takes, on the busiest machine.
const LONG: Duration = Duration::from_secs(60);

/// What the tasks of the test share.
#[derive(Default)]
struct Shared {
    /// Clients whose last visit has not begun.
    wandering: AtomicUsize,
    /// Ids of sockets that the server has sent off, or is about to.
    kicked: Mutex<HashSet<String>>,
    /// Ids of sockets that have left, and may be asked for.
    gone: Mutex<HashSet<String>>,
    /// Tasks that pull events.
    pulling: AtomicUsize,
    recovered: AtomicUsize,
    answered: AtomicUsize,
    pulled: AtomicUsize,
}

impl Shared {
    fn goes_on(&self) -> bool {
        self.wandering.load(Ordering::Acquire) > 0
    }
}

/// The generator SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

fn server(shared: &Arc<Shared>) -> Io {
    let mut recovery = ConnectionStateRecovery::default();
    recovery.max_packets = usize::MAX;
    recovery.max_packet_bytes = usize::MAX;
    recovery.max_replayed_packets = usize::MAX;
    recovery.max_replayed_bytes = usize::MAX;
    let mut config = Config::default();
    config.connection_state_recovery = Some(recovery);
    // So few that who pulls and who reads wait for each other all the time.
    config.max_waiting_events = 2;
    let io = Io::builder().config(config).state(Arc::clone(shared)).build();
    let shared = Arc::clone(shared);
    io.namespace("/").on_connect(move |socket: Socket| {
        // From here on, and not from the task's first step on.
        drop(socket.recv());
        shared.pulling.fetch_add(1, Ordering::AcqRel);
        tokio::spawn(pull(socket, Arc::clone(&shared)));
        async {}
    });
    io.namespace("/").on_disconnect(async |socket: Socket, State(shared): State<Arc<Shared>>| {
        // By the next step all those who are told of the end have been.
        tokio::task::yield_now().await;
        shared.gone.lock().expect("no panic").insert(socket.id().to_owned());
    });
    io
}

/// Answers each event with its number; they come in order.
async fn pull(socket: Socket, shared: Arc<Shared>) {
    let mut next = 0;
    while let Some(event) = socket.recv().await {
        assert_eq!(event.extract::<u64>().expect("a number"), next);
        let _ = event.ack(next);
        next += 1;
        shared.pulled.fetch_add(1, Ordering::Relaxed);
    }
    shared.pulling.fetch_sub(1, Ordering::AcqRel);
}

/// Sends numbers to everybody for as long as somebody breaks off, and then says that it was the last.
async fn emit(io: Io, emitter: u64, shared: Arc<Shared>) {
    let mut number = 0_u64;
    while shared.goes_on() {
        for _ in 0..5 {
            io.emit("all", (emitter, number, false)).expect("encoded");
            number += 1;
        }
        sleep(Duration::from_micros(500)).await;
    }
    io.emit("all", (emitter, number, true)).expect("encoded");
}

/// Has sockets join and leave rooms while events go to them, and to each socket by itself.
async fn juggle(io: Io, shared: Arc<Shared>) {
    let (mut number, mut chance) = (0_u64, Chance(7));
    while shared.goes_on() {
        for socket in io.sockets() {
            for room in ["a", "b"] {
                match chance.below(2) {
                    0 => drop(socket.join(room)),
                    _ => socket.leave(room),
                }
            }
            io.to("a").to("b").emit("some", number).expect("encoded");
            number += 1;
        }
        tokio::task::yield_now().await;
    }
}

/// Asks everybody, and one by one.
async fn ask(io: Io, shared: Arc<Shared>) {
    while shared.goes_on() {
        let everybody = io.namespace("/").everybody().timeout(LONG);
        let answers = everybody.emit_with_ack::<u64>("question", 7).expect("encoded");
        let recipients = answers.recipients();
        for socket in io.sockets() {
            let answer = timeout(LONG, socket.emit_with_ack::<u64>("question", 8)).await;
            if let Ok(answer) = answer.expect("it settles") {
                assert_eq!(answer, 8);
            }
        }
        let all = timeout(LONG, answers.gather()).await.expect("they settle");
        assert_eq!(all.answers.len() + all.missing.len(), recipients);
        assert!(all.answers.iter().all(|(_, answer)| *answer == 7));
        let whose = all.answers.iter().map(|(socket, _)| *socket);
        let whose: HashSet<_> =
            whose.chain(all.missing.iter().map(|(socket, _)| *socket)).collect();
        assert_eq!(whose.len(), recipients, "one answer each");
        shared.answered.fetch_add(all.answers.len(), Ordering::Relaxed);
    }
}

/// Sends somebody off now and then.
async fn kick(io: Io, shared: Arc<Shared>) {
    let mut chance = Chance(11);
    while shared.goes_on() {
        sleep(Duration::from_millis(chance.below(40))).await;
        let sockets = io.sockets();
        let Some(socket) = sockets.get(chance.below(CLIENTS) as usize) else { continue };
        shared.kicked.lock().expect("no panic").insert(socket.id().to_owned());
        match chance.below(2) {
            0 => socket.disconnect(),
            _ => socket.disconnect_session(),
        }
    }
}

/// One client's stay, over however many connections.
#[derive(Default)]
struct Stay {
    sid: String,
    pid: String,
    offset: Option<String>,
    /// The last number of each emitter.
    heard: HashMap<u64, u64>,
    ended: HashSet<u64>,
    last_of_some: Option<u64>,
}

/// One connection of a client.
struct Visit {
    socket: ClientWebSocket,
    sent: u64,
    answered: u64,
    kicked: bool,
}

impl Visit {
    async fn next(&mut self) -> Option<String> {
        match self.socket.recv().await {
            Ok(Some(Message::Text(text))) => Some(text.to_string()),
            Ok(Some(Message::Binary(_))) => panic!("nobody sends that"),
            Ok(None) | Err(_) => None,
        }
    }

    async fn send(&mut self, text: String) {
        // The server may have gone.
        let _ = self.socket.send(Message::from(text)).await;
    }

    async fn hear(&mut self, stay: &mut Stay, text: &str) {
        assert!(!self.kicked || !text.starts_with('4'), "{text} after the end");
        if text == "2" {
            return self.send("3".to_owned()).await;
        }
        if text == "41" {
            self.kicked = true;
            return;
        }
        if let Some(answer) = text.strip_prefix("43") {
            let number = self.answered;
            assert_eq!(answer, format!("{number}[{number}]"));
            self.answered += 1;
            return;
        }
        let event = text.strip_prefix("42").expect(text);
        let (id, arguments) = event.split_at(event.find('[').expect(text));
        let arguments: Vec<Value> = serde_json::from_str(arguments).expect(text);
        let number = |at: usize| arguments[at].as_u64().expect(text);
        match arguments[0].as_str().expect(text) {
            "question" => return self.send(format!("43{id}[{}]", number(1))).await,
            "all" => {
                let before = stay.heard.insert(number(1), number(2));
                assert!(before.is_none_or(|before| before + 1 == number(2)), "{before:?} {text}");
                if arguments[3] == true {
                    stay.ended.insert(number(1));
                }
            }
            "some" => {
                let before = stay.last_of_some.replace(number(1));
                assert!(before.is_none_or(|before| before < number(1)), "{before:?} {text}");
            }
            other => panic!("{other}"),
        }
        stay.offset = arguments.last().and_then(Value::as_str).map(str::to_owned);
        assert!(stay.offset.is_some(), "{text}");
    }

    /// Opens a connection, and comes back to the stay or begins another.
    async fn begin(url: &str, stay: &mut Stay, shared: &Shared) -> Self {
        let socket = connect(url).await.expect("connected");
        let mut visit = Self { socket, sent: 0, answered: 0, kicked: false };
        assert!(visit.next().await.expect("an open packet").starts_with('0'));
        let auth = match &stay.offset {
            Some(offset) => format!(r#"{{"pid":"{}","offset":"{offset}"}}"#, stay.pid),
            None => String::new(),
        };
        visit.send(format!("40{auth}")).await;
        let mut missed = Vec::new();
        let reply = loop {
            match visit.next().await.expect("a reply") {
                reply if reply.starts_with("40") => break reply,
                event => missed.push(event),
            }
        };
        let reply: Value = serde_json::from_str(&reply[2..]).expect("JSON");
        let text = |name: &str| reply[name].as_str().expect(name).to_owned();
        if text("pid") == stay.pid {
            assert_eq!(text("sid"), stay.sid);
            shared.recovered.fetch_add(1, Ordering::Relaxed);
        } else {
            let is_known = stay.offset.is_some();
            let kicked = shared.kicked.lock().expect("no panic").contains(&stay.sid);
            assert!(!is_known || kicked, "a stay was lost");
            assert!(missed.is_empty());
            *stay = Stay { sid: text("sid"), pid: text("pid"), ..Stay::default() };
        }
        for event in missed {
            visit.hear(stay, &event).await;
        }
        visit
    }
}

async fn live(number: u64, url: String, shared: Arc<Shared>) {
    let (mut chance, mut stay) = (Chance(number), Stay::default());
    for turn in 0..=VISITS {
        let mut visit = Visit::begin(&url, &mut stay, &shared).await;
        if turn == VISITS {
            // Not before: who was sent off and begins anew would miss what is last.
            shared.wandering.fetch_sub(1, Ordering::AcqRel);
        }
        let mut rest = 20 + chance.below(150);
        while rest > 0 || turn == VISITS {
            if turn == VISITS && stay.ended.len() as u64 == EMITTERS && visit.answered == visit.sent
            {
                break;
            }
            if chance.below(3) == 0 && rest > 0 {
                for _ in 0..chance.below(8) {
                    let number = visit.sent;
                    visit.sent += 1;
                    visit.send(format!(r#"42{number}["count",{number}]"#)).await;
                }
            }
            rest = rest.saturating_sub(1);
            match timeout(LONG, visit.next()).await.expect("something comes") {
                Some(text) => visit.hear(&mut stay, &text).await,
                None => break,
            }
            if visit.kicked {
                break;
            }
        }
        if turn == VISITS && visit.kicked {
            // Its end is no concern of the others'.
            return;
        }
        // Breaks off, whatever is under way.
        drop(visit);
        while !shared.gone.lock().expect("no panic").remove(&stay.sid) {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_doubled_between_threads_and_everything_settles() {
    let shared = Arc::new(Shared::default());
    shared.wandering.store(CLIENTS as usize, Ordering::Release);
    let io = server(&shared);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(spola_tokio::serve(listener, io.clone()).into_future());
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let mut tasks = JoinSet::new();
    for number in 0..CLIENTS {
        tasks.spawn(live(number, url.clone(), Arc::clone(&shared)));
    }
    for emitter in 0..EMITTERS {
        tasks.spawn(emit(io.clone(), emitter, Arc::clone(&shared)));
    }
    tasks.spawn(juggle(io.clone(), Arc::clone(&shared)));
    tasks.spawn(ask(io.clone(), Arc::clone(&shared)));
    tasks.spawn(kick(io.clone(), Arc::clone(&shared)));
    while let Some(ended) = timeout(LONG, tasks.join_next()).await.expect("it comes to an end") {
        ended.expect("no panic");
    }
    io.close();
    timeout(LONG, io.drained()).await.expect("no session is left");
    while shared.pulling.load(Ordering::Acquire) > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    server.abort();
    for counter in [&shared.recovered, &shared.answered, &shared.pulled] {
        assert!(counter.load(Ordering::Relaxed) > 0, "nothing was tried");
    }
}
