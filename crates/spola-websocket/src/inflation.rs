//! What a connection has for compressed messages that come in; without the feature `deflate`,
//! nothing.

#[cfg(not(feature = "deflate"))]
pub(crate) use without::{Inflation, Progress};

#[cfg(feature = "deflate")]
pub(crate) use {crate::deflate::Progress, with::Inflation};

#[cfg(feature = "deflate")]
mod with {
    use crate::{
        Violation,
        deflate::{Agreement, Inflater, Progress},
    };

    /// Inflates incoming messages, if that was agreed on. Without context takeover, a decompressor is
    /// on loan from the thread for as long as a message takes to arrive.
    #[derive(Debug, Default)]
    pub(crate) struct Inflation(Option<Box<Agreed>>);

    #[derive(Debug)]
    struct Agreed {
        takeover: bool,
        inflater: Option<Inflater>,
    }

    impl Inflation {
        pub(crate) fn agree(&mut self, agreement: &Agreement) {
            let takeover = agreement.incoming().context_takeover;
            self.0 = Some(Box::new(Agreed { takeover, inflater: None }));
        }

        /// Whether messages may come compressed.
        pub(crate) fn is_agreed(&self) -> bool {
            self.0.is_some()
        }

        /// Whether a message may refer to those before it.
        pub(crate) fn outlives_messages(&self) -> bool {
            self.0.as_ref().is_some_and(|agreed| agreed.takeover)
        }

        /// The message in progress will not be inflated any further.
        pub(crate) fn abandon(&mut self) {
            if let Some(inflater) = self.0.as_mut().and_then(|agreed| agreed.inflater.take()) {
                inflater.give();
            }
        }

        /// Takes bytes off the front of `input`, and appends at most `room` bytes to `out`.
        pub(crate) fn inflate(
            &mut self,
            input: &mut &[u8],
            out: &mut Vec<u8>,
            room: usize,
        ) -> Result<Progress, Violation> {
            let agreed = self.0.as_mut().ok_or(Violation::ReservedBits)?;
            let inflater = agreed.inflater.get_or_insert_with(Inflater::take);
            inflater.inflate(input, out, room).map_err(|_| Violation::Inflate)
        }

        /// Ends a message, with at most `room` bytes more.
        pub(crate) fn finish(
            &mut self,
            out: &mut Vec<u8>,
            room: usize,
        ) -> Result<Progress, Violation> {
            let agreed = self.0.as_mut().ok_or(Violation::ReservedBits)?;
            let inflater = agreed.inflater.get_or_insert_with(Inflater::take);
            let progress = inflater.finish(out, room).map_err(|_| Violation::Inflate)?;
            if progress == Progress::NeedsInput && !agreed.takeover {
                agreed.inflater.take().into_iter().for_each(Inflater::give);
            }
            Ok(progress)
        }
    }
}

#[cfg(not(feature = "deflate"))]
mod without {
    use crate::Violation;

    /// Nothing is ever agreed on.
    #[derive(Debug, Default)]
    pub(crate) struct Inflation(());

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Progress {
        NeedsInput,
        OutputFull,
    }

    impl Inflation {
        pub(crate) fn is_agreed(&self) -> bool {
            false
        }

        pub(crate) fn outlives_messages(&self) -> bool {
            false
        }

        pub(crate) fn abandon(&mut self) {}

        pub(crate) fn inflate(
            &mut self,
            _: &mut &[u8],
            _: &mut Vec<u8>,
            _: usize,
        ) -> Result<Progress, Violation> {
            Err(Violation::ReservedBits)
        }

        pub(crate) fn finish(&mut self, _: &mut Vec<u8>, _: usize) -> Result<Progress, Violation> {
            Err(Violation::ReservedBits)
        }
    }
}
