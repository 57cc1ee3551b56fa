//! The client's side, by hand: requests and frames out, responses and frames in.

use std::str;

use super::frame::{self, Frame};
use super::pipe::ClientEnd;
use super::runtime::VirtualRuntime;

/// One connection. Whatever is written, the server has done all it can when the call returns.
pub(crate) struct Client {
    pub(crate) end: ClientEnd,
    runtime: VirtualRuntime,
    received: Vec<u8>,
}

/// One response, its body complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Status line and header fields, as they came.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
        let (_, value) = values.next()?;
        assert_eq!(values.next(), None, "{name} twice");
        Some(value)
    }

    /// Status and body: what most tests look at.
    pub(crate) fn brief(&self) -> (u16, &str) {
        (self.status, &self.body)
    }
}

impl Client {
    pub(crate) fn new(end: ClientEnd, runtime: VirtualRuntime) -> Self {
        Self { end, runtime, received: Vec::new() }
    }

    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.end.write(bytes.as_ref());
        self.runtime.run_until_idle();
    }

    /// Everything that has come and was not taken yet.
    pub(crate) fn raw(&mut self) -> Vec<u8> {
        self.pull();
        std::mem::take(&mut self.received)
    }

    /// The next response, which must be there.
    #[track_caller]
    pub(crate) fn response(&mut self) -> Response {
        match self.try_response() {
            Some(response) => response,
            None => panic!("no response, but {:?}", String::from_utf8_lossy(&self.received)),
        }
    }

    /// The next response, if it has come.
    pub(crate) fn try_response(&mut self) -> Option<Response> {
        self.pull();
        let end = self.received.windows(4).position(|at| at == b"\r\n\r\n")? + 4;
        let head = str::from_utf8(&self.received[..end]).unwrap().to_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut response = Response { status, head, body: String::new() };
        let len: usize = match response.header("content-length") {
            Some(len) => len.parse().unwrap(),
            None if status == 101 => 0,
            None => panic!("a response of unknown length: {}", response.head),
        };
        let body = self.received.get(end..end + len)?;
        response.body = str::from_utf8(body).unwrap().to_owned();
        self.received.drain(..end + len);
        Some(response)
    }

    /// Sends a text message.
    pub(crate) fn send(&mut self, text: &str) {
        self.write(frame::masked(1, text.as_bytes()));
    }

    /// Sends a binary message.
    pub(crate) fn send_binary(&mut self, data: &[u8]) {
        self.write(frame::masked(2, data));
    }

    /// The next frame, if it has come.
    pub(crate) fn try_frame(&mut self) -> Option<Frame> {
        self.pull();
        frame::take(&mut self.received)
    }

    /// All the frames that have come.
    pub(crate) fn frames(&mut self) -> Vec<Frame> {
        self.pull();
        let frames = std::iter::from_fn(|| frame::take(&mut self.received)).collect();
        assert!(self.received.is_empty(), "half a frame is left");
        frames
    }

    /// The next frame, which must be a text.
    #[track_caller]
    pub(crate) fn text(&mut self) -> String {
        match self.try_frame() {
            Some(Frame::Text(text)) => text,
            other => panic!("{other:?} instead of a text"),
        }
    }

    /// All the messages that have come, which must be texts.
    #[track_caller]
    pub(crate) fn texts(&mut self) -> Vec<String> {
        let texts = self.frames().into_iter().map(|frame| match frame {
            Frame::Text(text) => text,
            other @ (Frame::Binary(_) | Frame::Close(_) | Frame::Pong(_)) => {
                panic!("{other:?} instead of a text")
            }
        });
        texts.collect()
    }

    /// Puts aside what was read from the pipe by hand.
    pub(crate) fn keep(&mut self, bytes: Vec<u8>) {
        self.received.extend(bytes);
    }

    /// The server has ended its side, whatever came before.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) {
        self.pull();
        assert!(self.end.has_ended(), "the connection is still open");
    }

    /// Nothing has come.
    #[track_caller]
    pub(crate) fn expect_silence(&mut self) {
        self.pull();
        let received = String::from_utf8_lossy(&self.received);
        assert_eq!(received, "", "nothing should have come");
    }

    /// Whether the server has ended its side, and everything was read.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.pull();
        self.received.is_empty() && self.end.has_ended()
    }

    /// Ends the client's side.
    pub(crate) fn shut(&mut self) {
        self.end.shut();
        self.runtime.run_until_idle();
    }

    /// Breaks the connection.
    pub(crate) fn reset(self) {
        self.end.reset();
        self.runtime.run_until_idle();
    }

    /// Reads until nothing more comes.
    fn pull(&mut self) {
        loop {
            self.runtime.run_until_idle();
            let bytes = self.end.read(usize::MAX);
            if bytes.is_empty() {
                return;
            }
            self.received.extend(bytes);
        }
    }
}
