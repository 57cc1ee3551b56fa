use std::time::Instant;

use bytes::Bytes;
use bytestring::ByteString;
use spola_engineio_packet::{Packet, payload};

use super::{
    closing::{NOOP, NOOP_AND_CLOSE},
    io::{CloseReason, Event, PollResponse, PostOutcome, RequestId},
    session::Session,
    state::{Link, PING, Polling, State},
};
use crate::request::ErrorCode;

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
            self.finish(CloseReason::TransportError);
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
    /// It is refused at once if it overlaps another POST or has the content type
    /// `application/octet-stream`; either closes the session (§5.2, §5.4).
    pub fn handle_post_started(&mut self, id: RequestId, content_type: Option<&[u8]>) {
        let polling = match self.polling() {
            Ok(polling) => polling,
            Err(code) => return self.answer_post(id, PostOutcome::Refused(code)),
        };
        let binary = content_type == Some(b"application/octet-stream");
        if polling.post.is_some() || binary {
            self.finish(CloseReason::TransportError);
            self.answer_post(id, PostOutcome::BadRequest);
        } else {
            polling.post = Some(id);
        }
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
        if !self.take_post(id) {
            return;
        }
        for packet in payload::Decoder::new(text_of(body)) {
            self.handle_polled_packet(now, packet);
            if matches!(self.state, State::Closed) {
                break;
            }
        }
        self.answer_post(id, PostOutcome::Ok);
    }

    /// A POST's body exceeds the limit: it is answered 413, and the session lives on (§5.3).
    pub fn handle_post_too_large(&mut self, id: RequestId) {
        if self.take_post(id) {
            self.answer_post(id, PostOutcome::TooLarge);
        }
    }

    /// A POST ended before its body did, or its body took too long: the session closes (§5.4), and the
    /// POST gets no answer from it. For a POST that has its answer already, nothing happens.
    pub fn handle_post_aborted(&mut self, id: RequestId) {
        if self.take_post(id) {
            self.finish(CloseReason::TransportError);
        }
    }

    /// Whether `id` is the POST in progress; it then is no more.
    fn take_post(&mut self, id: RequestId) -> bool {
        match self.polling() {
            Ok(polling) => polling.post.take_if(|post| *post == id).is_some(),
            Err(_) => false,
        }
    }

    /// The polling transport, or the code for a request that comes too late for it.
    fn polling(&mut self) -> Result<&mut Polling, ErrorCode> {
        match &mut self.link {
            _ if matches!(self.state, State::Closed) => Err(ErrorCode::SessionUnknown),
            Link::Polling(polling) => Ok(polling),
            Link::WebSocket(_) => Err(ErrorCode::BadRequest),
            Link::Gone { .. } => Err(ErrorCode::SessionUnknown),
        }
    }

    fn handle_polled_packet(
        &mut self,
        now: Instant,
        packet: Result<Packet, payload::PayloadError>,
    ) {
        if matches!(packet, Ok(Packet::Close)) {
            return self.finish_with(CloseReason::TransportClose, NOOP);
        }
        if matches!(self.state, State::Closing { .. }) {
            return;
        }
        match packet {
            Ok(packet) => self.handle_packet(now, packet),
            Err(_) => self.finish(CloseReason::ParseError),
        }
    }

    /// Handles a packet on the session's transport, while it is open.
    pub(super) fn handle_packet(&mut self, now: Instant, packet: Packet) {
        match packet {
            Packet::Message(message) => {
                self.heartbeat.handle_traffic(now, &self.config);
                self.events.push(Event::Message(message));
            }
            Packet::Pong { .. } => self.heartbeat.handle_pong(now, &self.config),
            // Only the server pings (§8.1).
            Packet::Ping { .. } => self.finish(CloseReason::TransportError),
            Packet::Open(_) | Packet::Close | Packet::Upgrade | Packet::Noop => {
                self.heartbeat.handle_traffic(now, &self.config);
            }
        }
    }

    /// Answers the pending GET with what is queued, if there are both.
    pub(super) fn flush_to_get(&mut self) {
        if self.outgoing.is_empty() && !self.heartbeat.ping_due() {
            return;
        }
        let Link::Polling(polling) = &mut self.link else {
            return;
        };
        let Some(id) = polling.get.take() else {
            return;
        };
        let body = self.take_payload().into_bytes();
        self.answer_get(id, PollResponse::Payload(body));
    }

    /// As much of the queue as goes into one response, the ping first.
    fn take_payload(&mut self) -> ByteString {
        let ping = self.heartbeat.take_ping();
        let mut len = usize::from(ping);
        let mut count = 0;
        for message in self.outgoing.iter() {
            let separator = usize::from(len > 0);
            let longer = payload::packet_len(message).saturating_add(len + separator);
            if longer > self.config.max_poll_response && len > 0 {
                break;
            }
            len = longer;
            count += 1;
        }
        let mut body = payload::Encoder::with_capacity(len);
        let ping = ping.then_some(PING);
        let messages = std::iter::from_fn(|| self.outgoing.pop()).take(count);
        for message in ping.into_iter().chain(messages) {
            // `send` admitted nothing that a payload cannot carry.
            let _ = body.push(&message);
        }
        body.finish()
    }
}

fn text_of(body: Bytes) -> ByteString {
    ByteString::try_from(body.clone())
        .unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into())
}
