//! A client of event streams, by hand.

use super::{Client, World, sid_of};

const OPENING_LEN: usize = 2051;

/// A stream as it arrives, its chunks joined.
pub(crate) struct Stream {
    pub(crate) client: Client,
    pub(crate) chunks: Vec<u8>,
    pub(crate) text: String,
    pub(crate) ended: bool,
}

impl Stream {
    /// Takes the head of a stream off, and the comment behind it.
    #[track_caller]
    pub(crate) fn opened(mut client: Client) -> Self {
        let received = client.raw();
        let end = received.windows(4).position(|at| at == b"\r\n\r\n").unwrap() + 4;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                    cache-control: no-cache, no-transform\r\nx-accel-buffering: no\r\n\
                    transfer-encoding: chunked\r\n\r\n";
        assert_eq!(str::from_utf8(&received[..end]).unwrap(), head);
        let chunks = received[end..].to_vec();
        let mut stream = Self { client, chunks, text: String::new(), ended: false };
        stream.pull();
        assert!(stream.text.starts_with(":  ") && stream.text.len() >= OPENING_LEN);
        stream.text.drain(..OPENING_LEN);
        stream
    }

    pub(crate) fn pull(&mut self) {
        self.chunks.extend(self.client.raw());
        while let Some(at) = self.chunks.windows(2).position(|at| at == b"\r\n") {
            let len =
                usize::from_str_radix(str::from_utf8(&self.chunks[..at]).unwrap(), 16).unwrap();
            let Some(chunk) = self.chunks.get(at + 2..at + 2 + len) else {
                return;
            };
            self.text.push_str(str::from_utf8(chunk).unwrap());
            self.ended |= len == 0;
            self.chunks.drain(..at + 4 + len);
        }
    }

    /// The events that have come, as `#7 4hello`.
    #[track_caller]
    pub(crate) fn events(&mut self) -> Vec<String> {
        self.pull();
        let text = std::mem::take(&mut self.text);
        let events = text.split_terminator("\n\n").filter(|event| *event != ":");
        let line = |event: &str| {
            let (id, data) = event.strip_prefix("id: ").unwrap().split_once("\ndata: ").unwrap();
            format!("#{id} {data}")
        };
        events.map(line).collect()
    }
}

/// A session over an event stream.
pub(crate) struct Streaming {
    pub(crate) world: World,
    pub(crate) sid: String,
    pub(crate) posts: u32,
    pub(crate) stream: Stream,
}

impl Streaming {
    pub(crate) fn open(world: &World) -> Self {
        let mut stream = Stream::opened(world.plain("GET /socket.io/?EIO=4&transport=sse"));
        let events = stream.events();
        assert!(events.len() == 1 && events[0].starts_with("#1 0{"), "{events:?}");
        Self { world: world.clone(), sid: sid_of(&events[0]), posts: 0, stream }
    }

    pub(crate) fn join(world: &World) -> Self {
        let mut session = Self::open(world);
        assert_eq!(session.post("40").response().brief(), (200, "ok"));
        let events = session.stream.events();
        assert!(events.len() == 1 && events[0].starts_with("#2 40{"), "{events:?}");
        session
    }

    pub(crate) fn target(&self, parameters: &str) -> String {
        format!("/socket.io/?EIO=4&transport=sse&sid={}{parameters}", self.sid)
    }

    pub(crate) fn post_bytes(&self, seq: u32, body: &str) -> String {
        let target = self.target(&format!("&seq={seq}"));
        let len = body.len();
        format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len}\r\n\r\n{body}")
    }

    pub(crate) fn post(&mut self, body: &str) -> Client {
        self.posts += 1;
        self.world.request(self.post_bytes(self.posts, body))
    }

    pub(crate) fn resume(&mut self, last: u64) {
        let target = self.target(&format!("&lastEventId={last}"));
        self.stream = Stream::opened(self.world.plain(&format!("GET {target}")));
    }

    pub(crate) fn drop_stream(&mut self) {
        let gone = self.world.connect();
        std::mem::replace(&mut self.stream.client, gone).reset();
    }
}
