use std::time::Instant;

use spola_frame::CloseCode;

use super::{Connection, State};
use crate::{Compression, Kind, Message, Part, Prepared, SendError};

/// What the application wants. An `Err` changes nothing.
impl Connection {
    /// Sends a message. A server queues a large payload without copying it; a client masks it in
    /// place if nobody else holds it.
    ///
    /// # Errors
    /// [`SendError::Closed`] once a Close frame was sent or received, [`SendError::Fragmented`]
    /// inside a message that [`send_fragment`](Self::send_fragment) has begun.
    pub fn send(&mut self, message: Message) -> Result<(), SendError> {
        self.send_with(message, Compression::Auto)
    }

    /// Sends a message, compressed or not as is asked for.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn send_with(
        &mut self,
        message: Message,
        compression: Compression,
    ) -> Result<(), SendError> {
        self.check_open()?;
        self.writer.message(message, compression)?;
        self.note_message();
        Ok(())
    }

    /// Sends a text message, copying it into the output (and masking it in the same pass).
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    #[inline]
    pub fn send_text(&mut self, text: &str) -> Result<(), SendError> {
        self.send_data(Kind::Text, text.as_bytes())
    }

    /// Sends a binary message, copying it into the output (and masking it in the same pass).
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    #[inline]
    pub fn send_binary(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.send_data(Kind::Binary, payload)
    }

    #[inline]
    fn send_data(&mut self, kind: Kind, payload: &[u8]) -> Result<(), SendError> {
        self.check_open()?;
        self.writer.data(kind, payload, Compression::Auto)?;
        self.note_message();
        Ok(())
    }

    /// Sends a message that was encoded before, for broadcasts.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), SendError> {
        self.check_open()?;
        self.writer.prepared(prepared)?;
        self.note_message();
        Ok(())
    }

    /// Sends the next fragment of a message, copying it: the first begins the message,
    /// [`Part::Last`] ends it. Where compression was agreed on, the first one's size decides for the
    /// whole message; each is flushed, so that the peer can read it at once.
    ///
    /// # Errors
    /// [`SendError::Closed`]; [`SendError::Fragmented`] for a fragment of the other kind;
    /// [`SendError::InvalidUtf8`] if the fragments of a text cannot be one, or it ends inside a
    /// character.
    pub fn send_fragment(
        &mut self,
        kind: Kind,
        fragment: &[u8],
        part: Part,
    ) -> Result<(), SendError> {
        self.check_open()?;
        self.writer.fragment(kind, fragment, part)?;
        self.note_message();
        Ok(())
    }

    /// Sends a Ping frame with at most 125 bytes of payload; [`Event::Pong`](crate::Event::Pong)
    /// will repeat it.
    ///
    /// # Errors
    /// [`SendError::ControlTooLong`], or as for [`send`](Self::send).
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.check_open()?;
        self.writer.ping(payload)
    }

    /// Starts the closing handshake with a status and a reason of at most 123 bytes.
    ///
    /// Messages that the peer sent before its answer are still delivered.
    ///
    /// # Errors
    /// [`SendError::InvalidCloseCode`] for a code that is for reporting only,
    /// [`SendError::ControlTooLong`], or [`SendError::Closed`].
    pub fn close(&mut self, now: Instant, code: CloseCode, reason: &str) -> Result<(), SendError> {
        if !code.may_be_sent() {
            return Err(SendError::InvalidCloseCode);
        }
        if reason.len() > 123 {
            return Err(SendError::ControlTooLong);
        }
        self.start_close(now, Some(code), reason)
    }

    /// Starts the closing handshake with an empty Close frame; the peer reports 1005.
    ///
    /// # Errors
    /// [`SendError::Closed`].
    pub fn close_without_status(&mut self, now: Instant) -> Result<(), SendError> {
        self.start_close(now, None, "")
    }

    fn start_close(
        &mut self,
        now: Instant,
        code: Option<CloseCode>,
        reason: &str,
    ) -> Result<(), SendError> {
        self.check_open()?;
        self.writer.close(code, reason);
        self.state = State::CloseSent { deadline: self.close_deadline(now) };
        Ok(())
    }

    #[inline]
    fn check_open(&self) -> Result<(), SendError> {
        if self.can_send() { Ok(()) } else { Err(SendError::Closed) }
    }
}
