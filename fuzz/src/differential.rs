//! tungstenite on the same bytes: the same messages, or both refuse. Where the two differ on
//! purpose, [`oracle::allowed`] says so.

use std::time::Instant;

use arbitrary::{Arbitrary, Result, Unstructured};
use spola_websocket::{Config, Connection};
use tungstenite::protocol;

use crate::{
    oracle,
    session::{Frame, Role},
};

/// The frames that a peer sends, then bytes of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Who reads them.
    pub role: Role,
    /// Frames, right or wrong.
    pub frames: Vec<Frame>,
    /// What follows them.
    pub rest: Vec<u8>,
}

/// Both accept messages of at most this size.
const MAX_MESSAGE_SIZE: usize = 70_000;

impl Stream {
    /// Compares what comes of the stream here and there.
    ///
    /// # Panics
    /// When the two differ without leave.
    pub fn check(&self) {
        let mut wire: Vec<u8> =
            self.frames.iter().flat_map(|frame| frame.wire(self.role)).collect();
        wire.extend_from_slice(&self.rest);
        let ours = oracle::ours(self.connection(), now(), &wire);
        let role = match self.role {
            Role::Server => protocol::Role::Server,
            Role::Client => protocol::Role::Client,
        };
        let theirs = oracle::theirs(role, MAX_MESSAGE_SIZE, &wire);
        assert!(oracle::allowed(&ours, &theirs), "ours: {ours:?}\ntheirs: {theirs:?}");
    }

    /// Limits that tungstenite does not have are off.
    fn connection(&self) -> Connection {
        let mut config = Config::default();
        config.max_message_size = MAX_MESSAGE_SIZE;
        config.max_fragments = u32::MAX;
        config.control_frames_per_second = 0;
        match self.role {
            Role::Server => Connection::server(config),
            Role::Client => Connection::client(config, |buf: &mut [u8]| buf.fill(9)),
        }
    }

    /// The bytes that this stream is read from.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![u8::from(self.role == Role::Client), self.frames.len() as u8];
        self.frames.iter().for_each(|frame| frame.encode(&mut out));
        out.extend_from_slice(&self.rest);
        out
    }
}

impl<'a> Arbitrary<'a> for Stream {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let role = if u.arbitrary::<u8>()? & 1 == 0 { Role::Server } else { Role::Client };
        let count: u8 = u.arbitrary()?;
        let mut frames = Vec::new();
        while !u.is_empty() && frames.len() < usize::from(count) {
            frames.push(Frame::decode(u)?);
        }
        let rest = u.bytes(u.len())?.to_vec();
        Ok(Self { role, frames, rest })
    }
}

fn now() -> Instant {
    Instant::now()
}
