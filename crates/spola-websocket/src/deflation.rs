//! What a connection has for messages that leave compressed; without the feature `deflate`, nothing.

#[cfg(not(feature = "deflate"))]
pub(crate) use without::Deflation;

#[cfg(feature = "deflate")]
pub(crate) use with::{Deflation, compress_once};

#[cfg(feature = "deflate")]
mod with {
    use bytes::Bytes;

    use crate::{
        Compression, Part,
        deflate::{Agreement, Deflater, Direction, Flush, recent},
    };

    /// Compresses outgoing messages, if that was agreed on. Without context takeover, a compressor is
    /// on loan from the thread for as long as a message takes to be sent.
    #[derive(Debug, Default)]
    pub(crate) struct Deflation(Option<Box<Agreed>>);

    #[derive(Debug)]
    struct Agreed {
        direction: Direction,
        level: u8,
        threshold: usize,
        deflater: Option<Deflater>,
    }

    impl Deflation {
        pub(crate) fn agree(&mut self, agreement: &Agreement) {
            let (level, threshold) = (agreement.level(), agreement.threshold());
            self.0 = agreement
                .outgoing()
                .map(|direction| Box::new(Agreed { direction, level, threshold, deflater: None }));
        }

        /// Whether a message of `len` bytes is to be compressed.
        #[inline]
        pub(crate) fn applies(&self, len: usize, compression: Compression) -> bool {
            let Some(agreed) = &self.0 else {
                return false;
            };
            match compression {
                Compression::Auto => len >= agreed.threshold,
                Compression::Never => false,
                Compression::Always => true,
            }
        }

        /// Whether the peer can inflate what was compressed for windows of these bits.
        pub(crate) fn takes(&self, window_bits: u8) -> bool {
            self.0.as_ref().is_some_and(|agreed| agreed.direction.window_bits >= window_bits)
        }

        /// Compresses a whole message.
        pub(crate) fn message(&mut self, payload: &[u8]) -> Bytes {
            self.fragment(payload, Part::Last)
        }

        /// The same, of one that other connections may be sent, too.
        pub(crate) fn shared(&mut self, payload: &Bytes) -> Bytes {
            match &self.0 {
                Some(agreed) if !agreed.direction.context_takeover => {
                    let (level, window_bits) = (agreed.level, agreed.direction.window_bits);
                    recent::compressed(payload, level, window_bits, || self.message(payload))
                }
                Some(_) | None => self.message(payload),
            }
        }

        /// Compresses the next fragment of a message.
        pub(crate) fn fragment(&mut self, payload: &[u8], part: Part) -> Bytes {
            let mut out = Vec::new();
            if let Some(agreed) = &mut self.0 {
                agreed.compress(payload, part, &mut out);
            }
            out.into()
        }

        /// Forgets what was sent, so that the next message refers to nothing before it.
        pub(crate) fn forget(&mut self) {
            if let Some(deflater) = self.0.as_mut().and_then(|agreed| agreed.deflater.take()) {
                deflater.give();
            }
        }
    }

    impl Agreed {
        fn compress(&mut self, payload: &[u8], part: Part, out: &mut Vec<u8>) {
            let Direction { context_takeover, window_bits } = self.direction;
            let deflater =
                self.deflater.get_or_insert_with(|| Deflater::take(self.level, window_bits));
            let flush = if part == Part::Last { Flush::Message } else { Flush::Fragment };
            deflater.deflate(payload, out, flush);
            if part == Part::Last && !context_takeover {
                self.deflater.take().into_iter().for_each(Deflater::give);
            }
        }
    }

    /// A message on its own, compressed.
    pub(crate) fn compress_once(payload: &[u8], level: u8, window_bits: u8) -> Vec<u8> {
        let mut out = Vec::new();
        let mut deflater = Deflater::take(level, window_bits);
        deflater.deflate(payload, &mut out, Flush::Message);
        deflater.give();
        out
    }
}

#[cfg(not(feature = "deflate"))]
mod without {
    use bytes::Bytes;

    use crate::{Compression, Part};

    /// Nothing is ever agreed on.
    #[derive(Debug, Default)]
    pub(crate) struct Deflation(());

    impl Deflation {
        #[inline]
        pub(crate) fn applies(&self, _: usize, _: Compression) -> bool {
            false
        }

        pub(crate) fn takes(&self, _: u8) -> bool {
            false
        }

        pub(crate) fn message(&mut self, payload: &[u8]) -> Bytes {
            Bytes::copy_from_slice(payload)
        }

        pub(crate) fn shared(&mut self, payload: &Bytes) -> Bytes {
            payload.clone()
        }

        pub(crate) fn fragment(&mut self, payload: &[u8], _: Part) -> Bytes {
            Bytes::copy_from_slice(payload)
        }

        pub(crate) fn forget(&mut self) {}
    }
}
