//! The server under attack, and who watches.

use spola_server::{
    Config, Data, DisconnectReason, Io, RawData, RejectReason, Reply, Socket, State, Statistics,
    Value,
};

use crate::KIB;
use crate::harness::{Client, Frame, Gate, Log, Response, World, hex, secs};
use crate::site::Site;

/// One row of the table.
pub(crate) struct Row {
    /// What the limits text calls it.
    pub(crate) limit: &'static str,
    pub(crate) case: &'static str,
    pub(crate) settle: fn(&mut Config),
    pub(crate) format: Format,
    pub(crate) attack: fn(&mut Arena) -> Vec<String>,
    /// What comes back, and what the application is told.
    pub(crate) expect: Vec<String>,
    /// By which reasons the server counts what it turns down, and no others.
    pub(crate) rejects: Vec<RejectReason>,
    /// Bytes held at most meanwhile, the client's own included.
    pub(crate) peak: usize,
    /// Bytes that may be left: tables that have grown, and buffers that a thread keeps.
    pub(crate) rest: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    MessagePack,
}

pub(crate) fn row<const N: usize>(
    limit: &'static str,
    case: &'static str,
    attack: fn(&mut Arena) -> Vec<String>,
    expect: [&str; N],
) -> Row {
    let expect = expect.into_iter().map(str::to_owned).collect();
    let (settle, format): (fn(&mut Config), _) = (|_| {}, Format::Text);
    let rejects = Vec::new();
    Row { limit, case, settle, format, attack, expect, rejects, peak: 256 * KIB, rest: 64 * KIB }
}

impl Row {
    pub(crate) fn with(self, settle: fn(&mut Config)) -> Self {
        Self { settle, ..self }
    }

    /// Is counted by these reasons.
    pub(crate) fn counts<const N: usize>(self, rejects: [RejectReason; N]) -> Self {
        Self { rejects: rejects.to_vec(), ..self }
    }

    /// Holds at most so many KiB.
    pub(crate) fn within(self, kib: usize) -> Self {
        Self { peak: kib * KIB, ..self }
    }

    /// Leaves at most so many KiB.
    pub(crate) fn leaving(self, kib: usize) -> Self {
        Self { rest: kib * KIB, ..self }
    }
}

pub(crate) struct Arena {
    pub(crate) world: World,
    pub(crate) site: Site,
    pub(crate) log: Log,
    pub(crate) gate: Gate,
    pub(crate) bystander: Bystander,
}

impl Arena {
    pub(crate) fn open(row: &Row) -> Self {
        let mut config = Config::default();
        (row.settle)(&mut config);
        let (log, gate) = (Log::default(), Gate::default());
        let builder = Io::builder().config(config).state(log.clone()).state(gate.clone());
        let io = match row.format {
            Format::Text => builder.build(),
            Format::MessagePack => builder.parser(spola_server::MessagePack).build(),
        };
        application(&io);
        let world = World::new(io);
        let site = Site::open(&world);
        let mut bystander = Bystander::join(&world, row.format);
        bystander.echoes();
        log.take();
        Self { world, site, log, gate, bystander }
    }

    /// By which reasons something was turned down, in order.
    pub(crate) fn rejects(&self) -> Vec<RejectReason> {
        let statistics = self.world.io().statistics();
        let counted = |reason: &RejectReason| statistics.rejected(*reason) > 0;
        RejectReason::ALL.iter().copied().filter(counted).collect()
    }

    /// The gauges.
    pub(crate) fn gauges(&self) -> Vec<(&'static str, u64)> {
        self.world.runtime.run_until_idle();
        let statistics: Statistics = self.world.io().statistics();
        let gauges = statistics.samples().filter(|sample| !sample.is_counter);
        gauges.map(|sample| (sample.name, sample.value)).collect()
    }

    /// What the application was told, but of who connects.
    pub(crate) fn told(&self) -> Vec<String> {
        let mut lines = self.log.take();
        lines.retain(|line| line != "connect");
        lines
    }

    /// Lets time pass, in which the bystander goes on.
    pub(crate) fn advance_seconds(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.world.advance(secs(1));
            self.bystander.beat();
        }
    }

    /// What comes of a text on a WebSocket with the root joined.
    pub(crate) fn sends<T: AsRef<str>>(
        &mut self,
        texts: impl IntoIterator<Item = T>,
    ) -> Vec<String> {
        let mut client = self.world.join();
        for text in texts {
            client.send(text.as_ref());
        }
        self.came(client)
    }

    /// The same over polling: the status of the POST, what the next GET brings, and the reason told.
    pub(crate) fn posts(&mut self, body: &str) -> Vec<String> {
        let session = self.world.join_polling();
        let mut post = session.post(body);
        let mut seen = vec![brief(&post.response())];
        let told = self.told();
        if told.is_empty() {
            return seen;
        }
        seen.push(brief(&session.get().response()));
        seen.extend(told);
        seen
    }

    /// What has come to a client, and what the application was told.
    pub(crate) fn came(&mut self, mut client: Client) -> Vec<String> {
        let mut seen = frames(&mut client);
        seen.extend(self.told());
        seen
    }
}

/// Frames in words; a Close without a status is `Close`.
pub(crate) fn frames(client: &mut Client) -> Vec<String> {
    let word = |frame| match frame {
        Frame::Text(text) => text,
        Frame::Binary(data) => format!("{} bytes", data.len()),
        Frame::Pong(_) => "pong".to_owned(),
        Frame::Close(data) => match data.first_chunk() {
            Some(code) => format!("Close {}", u16::from_be_bytes(*code)),
            None => "Close".to_owned(),
        },
    };
    client.frames().into_iter().map(word).collect()
}

/// A response in words.
pub(crate) fn brief(response: &Response) -> String {
    format!("{} {}", response.status, response.body).trim_end().to_owned()
}

/// A client that minds its own business.
pub(crate) struct Bystander {
    client: Client,
    format: Format,
}

impl Bystander {
    fn join(world: &World, format: Format) -> Self {
        let mut client = world.open_websocket();
        match format {
            Format::Text => client.send("40"),
            Format::MessagePack => client.send_binary(&connect()),
        }
        assert_eq!(client.frames().len(), 1);
        Self { client, format }
    }

    #[track_caller]
    pub(crate) fn echoes(&mut self) {
        self.beat();
        match self.format {
            Format::Text => {
                self.client.send(r#"420["echo","still here"]"#);
                assert_eq!(self.client.text(), r#"430["still here"]"#);
            }
            Format::MessagePack => {
                self.client.send_binary(&hex(
                    "84 a4 74 79 70 65 02 a4 64 61 74 61 92 a4 65 63 68 6f 01 a2 69 64 00 a3 6e 73 70 a1 2f",
                ));
                let answer =
                    "84 a2 69 64 00 a4 74 79 70 65 03 a4 64 61 74 61 91 01 a3 6e 73 70 a1 2f";
                assert_eq!(self.client.try_frame(), Some(Frame::Binary(hex(answer))));
            }
        }
    }

    /// Answers pings, and takes what all are sent.
    pub(crate) fn beat(&mut self) {
        for frame in frames(&mut self.client) {
            if frame == "2" {
                self.client.send("3");
            }
        }
    }
}

/// `{type: 0, nsp: "/"}`
pub(crate) fn connect() -> Vec<u8> {
    hex("82 a4 74 79 70 65 00 a3 6e 73 70 a1 2f")
}

fn application(io: &Io) {
    io.namespace("/")
        .on_connect(async |State(log): State<Log>| log.say("connect"))
        .on("echo", async |Data(argument): Data<Value>| Reply(argument))
        .on("bytes", async |Data((first, all)): Data<(bytes::Bytes, Vec<bytes::Bytes>)>| {
            Reply(all.iter().filter(|one| **one == first).count())
        })
        .on("wait", async |State(gate): State<Gate>| gate.passed().await)
        .on("flood", async |socket: Socket, Data((count, len)): Data<(usize, usize)>| {
            for _ in 0..count {
                let _ = socket.emit("drop", "x".repeat(len));
            }
        })
        .on("leave", async |socket: Socket| socket.disconnect())
        .on("ask", async |socket: Socket| {
            let _: Result<u32, _> = socket.emit_with_ack("question", ()).await;
        })
        .fallback(async |State(log): State<Log>, event: RawData| log.say(event.json().to_string()))
        .on_disconnect(async |State(log): State<Log>, reason: DisconnectReason| {
            log.say(reason.as_str());
        });
    for at in 0..70 {
        let many = io.namespace(&format!("/{at}"));
        many.on_disconnect(async || {});
    }
    io.namespace("/slow").middleware(async |State(gate): State<Gate>| gate.passed().await);
    for at in 0..17 {
        io.namespace(&format!("/slow{at}"))
            .middleware(async |State(gate): State<Gate>| gate.passed().await);
    }
    io.namespace("/limited")
        .event_middleware(async |socket: Socket| {
            let heard: usize = socket.extensions().get().unwrap_or_default();
            if heard == 10 {
                socket.disconnect_session();
                return Err("too fast");
            }
            socket.extensions().insert(heard + 1);
            Ok(())
        })
        .fallback(async |State(log): State<Log>| log.say("heard"))
        .on_disconnect(async |State(log): State<Log>, reason: DisconnectReason| {
            log.say(reason.as_str());
        });
    io.dynamic_namespace(|name| name.starts_with("/room-"));
}
