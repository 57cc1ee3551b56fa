use std::time::Instant;

use bytes::Bytes;
use bytestring::ByteString;
use spola_engineio_packet::{Packet, payload, v3};

use super::{
    closing::{NOOP, NOOP_AND_CLOSE},
    io::{CloseReason, Event, Fault, Payload, PollResponse, PostOutcome, RequestId},
    session::Session,
    state::{Link, Polling, Post, State},
};
use crate::{request::ErrorCode, revision::Revision};

impl Session {
    /// A GET came. It is answered once there is something to say; a second one while it is pending
    /// closes the session (§5.4).
    pub fn handle_poll(&mut self, id: RequestId) {
        // What is queued is the pending GET's, if there is one.
        self.flush_to_get();
        let nothing_queued = self.outgoing.is_empty();
        let closing = matches!(self.state, State::Closing { .. });
        let polling = match self.polling() {
            Ok(polling) => polling,
            Err(code) => return self.answer_get(id, PollResponse::Refused(code)),
        };
        if polling.get.is_some() {
            self.fail(Fault::OverlappingRequest);
            self.answer_get(id, PollResponse::BadRequest);
        } else if closing && nothing_queued {
            polling.get = Some(id);
            self.finish_with(CloseReason::ForcedClose, NOOP_AND_CLOSE);
        } else {
            polling.get = Some(id);
        }
    }

    /// The client gave up a GET before its answer: the session closes (§5.4). For a GET that has its
    /// answer already, nothing happens.
    pub fn handle_poll_aborted(&mut self, id: RequestId) {
        if let Ok(polling) = self.polling()
            && polling.get == Some(id)
        {
            polling.get = None;
            self.finish(CloseReason::TransportError);
        }
    }

    /// A POST came, whose body may still be on its way. `content_type` is the value of its header.
    ///
    /// It is refused at once if it overlaps another POST or, in revision 4, has the content type
    /// `application/octet-stream`; either closes the session (§5.2, §5.4).
    pub fn handle_post_started(&mut self, id: RequestId, content_type: Option<&[u8]>) {
        let binary = self.dialect.check_content_type(content_type);
        let polling = match self.polling() {
            Ok(polling) => polling,
            Err(code) => return self.answer_post(id, PostOutcome::Refused(code)),
        };
        match binary {
            Ok(binary) if polling.post.is_none() => polling.post = Some(Post { id, binary }),
            Ok(_) => self.refuse_post(id, Fault::OverlappingRequest),
            Err(_) => self.refuse_post(id, Fault::ContentType),
        }
    }

    fn refuse_post(&mut self, id: RequestId, fault: Fault) {
        self.fail(fault);
        self.answer_post(id, PostOutcome::BadRequest);
    }

    /// A POST's body is complete. One longer than [`max_payload`](crate::Config::max_payload) is
    /// refused as by [`Session::handle_post_too_large`].
    ///
    /// Nothing happens for a POST that has its answer already. Invalid UTF-8 becomes replacement
    /// characters.
    pub fn handle_post(&mut self, now: Instant, id: RequestId, body: Bytes) {
        if body.len() > self.config.max_payload {
            return self.handle_post_too_large(id);
        }
        if let Some(mark) = self.take_stream_post(id) {
            self.handle_stream_post(now, mark, payload::Decoder::new(text_of(body)));
            return self.answer_post(id, PostOutcome::Ok);
        }
        let Some(post) = self.take_post(id) else {
            return;
        };
        if post.binary {
            self.handle_payload(now, v3::Decoder::binary(body).map(Result::ok));
        } else if let Some(text) = self.dialect.text_of(body) {
            match self.dialect.revision {
                Revision::V4 => {
                    self.handle_payload(now, payload::Decoder::new(text).map(Result::ok));
                }
                Revision::V3 => self.handle_payload(now, v3::Decoder::text(text).map(Result::ok)),
            }
        }
        self.answer_post(id, PostOutcome::Ok);
    }

    /// A POST's body exceeds the limit: it is answered 413, and the session lives on (§5.3).
    pub fn handle_post_too_large(&mut self, id: RequestId) {
        if self.take_post(id).is_some() || self.take_stream_post(id).is_some() {
            self.answer_post(id, PostOutcome::TooLarge);
        }
    }

    /// A POST ended before its body did, or its body took too long: the session closes (§5.4), and the
    /// POST gets no answer from it. For a POST that has its answer already, nothing happens, nor for one
    /// of an event stream that has a number: the client will repeat it.
    pub fn handle_post_aborted(&mut self, id: RequestId) {
        if self.take_post(id).is_some() {
            self.finish(CloseReason::TransportError);
        } else if let Some(mark) = self.take_stream_post(id)
            && mark.seq.is_none()
        {
            self.fail_stream(None);
        }
    }

    /// The POST in progress, if `id` is that; it then is no more.
    fn take_post(&mut self, id: RequestId) -> Option<Post> {
        self.polling().ok()?.post.take_if(|post| post.id == id)
    }

    /// The polling transport, or the code for a request that comes too late for it.
    fn polling(&mut self) -> Result<&mut Polling, ErrorCode> {
        match &mut self.link {
            _ if matches!(self.state, State::Closed { .. }) => Err(ErrorCode::SessionUnknown),
            Link::Polling(polling) => Ok(polling),
            Link::WebSocket(_) | Link::Sse(_) => Err(ErrorCode::BadRequest),
            Link::Gone { .. } => Err(ErrorCode::SessionUnknown),
        }
    }

    /// Handles the packets of a POST, `None` being one that is malformed.
    pub(super) fn handle_payload(
        &mut self,
        now: Instant,
        packets: impl Iterator<Item = Option<Packet>>,
    ) {
        for packet in packets {
            match packet {
                Some(Packet::Close) => self.finish_with(CloseReason::TransportClose, NOOP),
                _ if matches!(self.state, State::Closing { .. }) => {}
                Some(packet) => self.handle_packet(now, packet),
                None => self.fail(Fault::Malformed),
            }
            if matches!(self.state, State::Closed { .. }) {
                break;
            }
        }
    }

    /// Handles a packet on the session's transport, while it is open.
    pub(super) fn handle_packet(&mut self, now: Instant, packet: Packet) {
        match packet {
            Packet::Message(message) => {
                self.heartbeat.handle_traffic(now, &self.config);
                self.events.push(Event::Message(message));
            }
            Packet::Pong { .. } => match self.dialect.revision {
                Revision::V4 => self.heartbeat.handle_pong(now, &self.config),
                Revision::V3 => self.fail(Fault::HeartbeatDirection),
            },
            Packet::Ping { .. } => match self.dialect.revision {
                Revision::V4 => self.fail(Fault::HeartbeatDirection),
                Revision::V3 => {
                    self.heartbeat.handle_ping(now, &self.config);
                    self.release_memory();
                }
            },
            Packet::Open(_) | Packet::Close | Packet::Upgrade | Packet::Noop => {
                self.heartbeat.handle_traffic(now, &self.config);
            }
        }
    }

    /// Answers the pending GET with what is queued, if there are both.
    pub(super) fn flush_to_get(&mut self) {
        if self.outgoing.is_empty() && !self.heartbeat.packet_due() {
            return;
        }
        let Link::Polling(polling) = &mut self.link else {
            return;
        };
        let Some(id) = polling.get.take() else {
            return;
        };
        let payload = self.take_payload();
        self.answer_get(id, PollResponse::Payload(payload));
    }

    /// As much of the queue as goes into one response, the heartbeat first.
    fn take_payload(&mut self) -> Payload {
        let beat = self.heartbeat.take_packet();
        let mut len = beat.as_ref().map_or(0, |beat| self.dialect.packet_len(beat));
        let mut count = 0;
        for message in self.outgoing.iter() {
            let separator = usize::from(len > 0);
            let longer = self.dialect.packet_len(message.as_wire()).saturating_add(len + separator);
            if longer > self.config.max_poll_response && len > 0 {
                break;
            }
            len = longer;
            count += 1;
        }
        let mut compress = beat.is_some();
        let messages = std::iter::from_fn(|| self.outgoing.pop()).take(count).map(|message| {
            compress |= message.may_compress();
            message.into_wire()
        });
        let payload = self.dialect.payload(beat.into_iter().chain(messages), len);
        Payload { compress, ..payload }
    }
}

pub(super) fn text_of(body: Bytes) -> ByteString {
    ByteString::try_from(body.clone())
        .unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into())
}
