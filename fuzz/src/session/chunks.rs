use spola_websocket::{Chunk, ChunkEvent, CloseReason, Kind};

use super::trace::Heard;

/// The most in a chunk that was compressed.
const INFLATED: usize = 64 * 1024;

/// Puts messages together that are read in chunks, and checks how the chunks follow each other.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    message: Option<(Kind, Vec<u8>)>,
}

impl Chunks {
    /// Takes one event of a connection that was given `read` bytes. What it completes, and why the
    /// connection is over if it is.
    pub(super) fn add(
        &mut self,
        event: ChunkEvent<'_>,
        read: usize,
    ) -> (Option<Heard>, Option<CloseReason>) {
        match event {
            ChunkEvent::Chunk(chunk) => (self.chunk(&chunk, read), None),
            ChunkEvent::Pong(payload) => (Some(Heard::Pong(payload.to_vec())), None),
            ChunkEvent::Closed(reason) => (Some(Heard::Closed), Some(reason)),
        }
    }

    /// The rest of a message begun will not come.
    pub(super) fn skip(&mut self) {
        self.message = None;
    }

    fn chunk(&mut self, chunk: &Chunk<'_>, read: usize) -> Option<Heard> {
        let Chunk { kind, data, first, last } = chunk;
        assert_eq!(*first, self.message.is_none(), "a first chunk inside a message, or none");
        // A message that was begun whole comes as one chunk, and what is compressed grows.
        assert!(data.len() <= read.max(INFLATED) || (*first && *last), "more than was read");
        assert!(*last || !data.is_empty(), "an empty chunk");
        let (begun, mut payload) = self.message.take().unwrap_or((*kind, Vec::new()));
        assert_eq!(begun, *kind);
        payload.extend_from_slice(data);
        if !last {
            self.message = Some((begun, payload));
            return None;
        }
        Some(match kind {
            Kind::Text => match String::from_utf8(payload) {
                Ok(text) => Heard::Text(text),
                Err(error) => panic!("text that is none: {error}"),
            },
            Kind::Binary => Heard::Binary(payload),
        })
    }
}
