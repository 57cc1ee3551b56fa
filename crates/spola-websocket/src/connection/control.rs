use std::time::Instant;

use spola_frame::Opcode;

use super::Connection;
use crate::{CloseFrame, Payload};

impl Connection {
    /// Handles a whole control frame, answering it as RFC 6455 §5.5 asks. The payload, if it is a
    /// Pong.
    pub(super) fn control<'a>(
        &mut self,
        now: Instant,
        opcode: Opcode,
        payload: Payload<'a>,
    ) -> Option<Payload<'a>> {
        if self.reader.is_idle() {
            self.message_since = None;
        }
        if opcode != Opcode::Close
            && let Err(violation) = self.control_rate.count(now, &self.limits)
        {
            self.fail(violation);
            return None;
        }
        match opcode {
            Opcode::Ping => {
                if self.can_send() {
                    self.writer.pong(&payload);
                }
                None
            }
            Opcode::Pong => Some(payload),
            Opcode::Close | Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                match CloseFrame::decode(&payload) {
                    Ok(frame) => self.peer_closed(now, frame),
                    Err(violation) => self.fail(violation),
                }
                None
            }
        }
    }
}
