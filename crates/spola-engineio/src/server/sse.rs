//! Server-Sent Events: packets down an event stream, POSTs up. `docs/guide/sse.md` describes the wire.

use std::{
    mem,
    time::{Duration, Instant},
};

use spola_engineio_packet::{event_stream, payload};

use super::{
    closing::CLOSE_PACKET,
    io::{CloseReason, Fault, PollResponse, PostMark, PostOutcome, RequestId, Transmit},
    kept::Kept,
    session::Session,
    state::{Link, PROBE_ANSWER, Polling, Probe, State, Upgrade, is_due},
};
use crate::{config::Transport, request::ErrorCode};

/// Time from comment to comment on a stream. Proxies close what is silent for a minute, some after 30 s.
const COMMENT_INTERVAL: Duration = Duration::from_secs(15);

/// A session's event stream and what goes with it. It outlives the streams that drop.
#[derive(Debug)]
pub(super) struct Sse {
    stream: Stream,
    kept: Kept,
    /// The POST in progress.
    post: Option<(RequestId, PostMark)>,
    /// The number of the last POST that was taken in.
    posts: u64,
    /// The probe that brought the session here is to be answered.
    pong_due: bool,
    /// The session is closed: a close packet follows what is queued.
    close_due: bool,
}

#[derive(Debug)]
enum Stream {
    Open {
        id: RequestId,
        comment_at: Option<Instant>,
        comment_due: bool,
    },
    /// It dropped, and another may resume it.
    Dropped {
        resume_by: Option<Instant>,
    },
}

impl Session {
    /// A GET for an event stream came: to resume one that has dropped, or to upgrade a session that
    /// polls. `last_event_id` is the number of the last event that has arrived at the client; without
    /// one, none has.
    ///
    /// The newest stream counts: one that still seems to be there is ended. If packets that the client
    /// lacks are not kept any more, or were never sent, the session closes with `transport error`.
    pub fn handle_stream(&mut self, now: Instant, id: RequestId, last_event_id: Option<u64>) {
        let code = match &self.link {
            _ if matches!(self.state, State::Closed { .. }) => ErrorCode::SessionUnknown,
            Link::Sse(_) => return self.resume(now, id, last_event_id.unwrap_or(0)),
            Link::Polling(_) if self.accepts_stream() => return self.probe(now, id),
            Link::Polling(_) | Link::WebSocket(_) => ErrorCode::BadRequest,
            Link::Gone { .. } => ErrorCode::SessionUnknown,
        };
        self.answer_get(id, PollResponse::Refused(code));
    }

    /// An event stream has dropped, or its GET was given up before the answer. The session waits
    /// [`resume_timeout`](crate::Config::resume_timeout) for another; an upgrade fails. For a stream
    /// that the session has ended, nothing happens.
    pub fn handle_stream_dropped(&mut self, now: Instant, id: RequestId) {
        match &mut self.link {
            Link::Sse(sse) if sse.is_on(id) && sse.close_due => {
                self.outgoing.clear();
                self.link = Link::Gone { last: Transport::Sse, close_due: false };
            }
            Link::Sse(sse) if sse.is_on(id) => {
                let resume_by = now.checked_add(self.config.resume_timeout);
                sse.stream = Stream::Dropped { resume_by };
            }
            Link::Polling(Polling { upgrade, .. }) => {
                let dropped = |upgrade: &mut Upgrade| match &upgrade.to {
                    Probe::Sse(sse) => sse.is_on(id),
                    Probe::WebSocket(_) => false,
                };
                if let Some(Upgrade { to: Probe::Sse(mut sse), .. }) = upgrade.take_if(dropped) {
                    self.abort_post(&mut sse);
                }
            }
            Link::Sse(_) | Link::WebSocket(_) | Link::Gone { .. } => {}
        }
    }

    /// A POST came from the client of an event stream; its body may still be on its way.
    ///
    /// Beside the rules of [`handle_post_started`](Self::handle_post_started): a POST with a number
    /// takes the place of one in progress with the same number, whose client has given it up; one that
    /// was taken in before is answered and not taken in again; one that leaves a number out closes the
    /// session, and so does the acknowledgement of an event that was never sent.
    pub fn handle_stream_post_started(
        &mut self,
        id: RequestId,
        content_type: Option<&[u8]>,
        mark: PostMark,
    ) {
        let refused = self.dialect.check_content_type(content_type).is_err();
        let sse = match self.sse() {
            Ok(sse) => sse,
            Err(code) => return self.answer_post(id, PostOutcome::Refused(code)),
        };
        let acknowledged = mark.ack.map_or(Ok(()), |number| sse.kept.acknowledge(number));
        let fault = match acknowledged {
            Err(_) => Some(Fault::PostMark),
            Ok(()) if refused => Some(Fault::ContentType),
            Ok(()) => sse.objection(mark),
        };
        if fault.is_some() {
            self.fail_stream(fault);
            return self.answer_post(id, PostOutcome::BadRequest);
        }
        let given_up = sse.post.replace((id, mark));
        if let Some((given_up, _)) = given_up {
            self.answer_post(given_up, PostOutcome::Abort);
        }
    }

    /// What `id` said of itself, if it is the POST in progress on an event stream; it then is no more.
    pub(super) fn take_stream_post(&mut self, id: RequestId) -> Option<PostMark> {
        let post = self.sse().ok()?.post.take_if(|(post, _)| *post == id);
        post.map(|(_, mark)| mark)
    }

    /// Takes in the packets of a POST, unless they were taken in before.
    pub(super) fn handle_stream_post(
        &mut self,
        now: Instant,
        mark: PostMark,
        packets: payload::Decoder,
    ) {
        if !self.sse().is_ok_and(|sse| sse.count_post(mark)) {
            return;
        }
        let mut packets = packets.map(Result::ok);
        while let Link::Polling(Polling { upgrade: Some(upgrade), .. }) = &self.link {
            if upgrade.close_due {
                return;
            }
            let Some(packet) = packets.next() else {
                return;
            };
            self.handle_upgrade_packet(now, packet.as_ref());
        }
        if !matches!(self.state, State::Closed { .. }) {
            self.handle_payload(now, packets);
        }
    }

    /// The client broke the rules of the event stream, or broke off: the session closes, or the upgrade
    /// fails.
    pub(super) fn fail_stream(&mut self, fault: Option<Fault>) {
        match &self.link {
            Link::Polling(_) => self.fail_upgrade(),
            Link::Sse(_) | Link::WebSocket(_) | Link::Gone { .. } => match fault {
                Some(fault) => self.fail(fault),
                None => self.finish(CloseReason::TransportError),
            },
        }
    }

    pub(super) fn handle_stream_timeout(&mut self, now: Instant) {
        let Link::Sse(sse) = &mut self.link else {
            return;
        };
        match &mut sse.stream {
            Stream::Open { comment_at, comment_due, .. } if is_due(*comment_at, now) => {
                *comment_due = true;
                *comment_at = now.checked_add(COMMENT_INTERVAL);
            }
            Stream::Dropped { resume_by } if is_due(*resume_by, now) => match self.state {
                State::Open => self.fail(Fault::ResumeTimeout),
                State::Closing { .. } | State::Closed { .. } => {
                    self.finish(CloseReason::ForcedClose)
                }
            },
            Stream::Open { .. } | Stream::Dropped { .. } => {}
        }
    }

    /// What goes over the session's event stream next.
    pub(super) fn poll_stream(&mut self) -> Option<Transmit> {
        let Link::Sse(sse) = &mut self.link else {
            return None;
        };
        let id = sse.stream_id()?;
        if let Some(data) = sse.kept.send_again() {
            return Some(Transmit::StreamData { id, data });
        }
        let packet = if mem::take(&mut sse.pong_due) {
            PROBE_ANSWER
        } else if let Some(ping) = self.heartbeat.take_packet() {
            ping
        } else if let Some(message) = self.outgoing.pop() {
            message.into_wire()
        } else if sse.close_due {
            let data = sse.kept.send(CLOSE_PACKET, 0);
            self.link = Link::Gone { last: Transport::Sse, close_due: false };
            self.replies.push(Transmit::EndStream { id });
            return Some(Transmit::StreamData { id, data });
        } else {
            return sse
                .take_comment()
                .then_some(Transmit::StreamData { id, data: event_stream::COMMENT });
        };
        let data = sse.kept.send(packet, self.config.max_kept_bytes);
        Some(Transmit::StreamData { id, data })
    }

    /// Answers a GET with an event stream.
    pub(super) fn start_stream(&mut self, id: RequestId) {
        self.answer_get(id, PollResponse::Stream);
        let data = event_stream::OPENING_COMMENT;
        self.replies.push(Transmit::StreamData { id, data });
    }

    /// The session is closed: its stream ends with a close packet, behind what is queued.
    pub(super) fn finish_stream(&mut self) {
        let Link::Sse(sse) = &mut self.link else {
            return;
        };
        let post = sse.take_post();
        if sse.has_stream() {
            sse.close_due = true;
        } else {
            self.link = Link::Gone { last: Transport::Sse, close_due: false };
            self.outgoing.clear();
        }
        if let Some(id) = post {
            self.answer_post(id, PostOutcome::Abort);
        }
    }

    /// Ends a stream that the session will not move to.
    pub(super) fn end_probe(&mut self, mut sse: Box<Sse>) {
        self.abort_post(&mut sse);
        if let Some(end) = sse.end() {
            self.replies.push(end);
        }
    }

    fn abort_post(&mut self, sse: &mut Sse) {
        if let Some(id) = sse.take_post() {
            self.answer_post(id, PostOutcome::Abort);
        }
    }

    fn resume(&mut self, now: Instant, id: RequestId, last_event_id: u64) {
        let Link::Sse(sse) = &mut self.link else {
            return;
        };
        if sse.kept.rewind(last_event_id).is_err() {
            self.fail(Fault::NotResumable);
            return self.answer_get(id, PollResponse::Refused(ErrorCode::SessionUnknown));
        }
        if let Some(id) = sse.stream_id() {
            self.replies.push(Transmit::EndStream { id });
        }
        sse.stream = Stream::open(now, id);
        self.start_stream(id);
        if matches!(self.state, State::Closing { .. }) {
            self.finish(CloseReason::ForcedClose);
        }
    }

    fn probe(&mut self, now: Instant, id: RequestId) {
        let deadline = now.checked_add(self.config.upgrade_timeout);
        if let Link::Polling(polling) = &mut self.link {
            polling.upgrade = Some(Upgrade::new(Probe::Sse(Box::new(Sse::new(now, id))), deadline));
            self.start_stream(id);
        }
    }

    /// The event stream's part of the session, an upgrade's included, or the code for a request that
    /// it is too late or too early for.
    fn sse(&mut self) -> Result<&mut Sse, ErrorCode> {
        match &mut self.link {
            _ if matches!(self.state, State::Closed { .. }) => Err(ErrorCode::SessionUnknown),
            Link::Sse(sse) => Ok(sse),
            Link::Polling(Polling {
                upgrade: Some(Upgrade { to: Probe::Sse(sse), close_due: false, .. }),
                ..
            }) => Ok(sse),
            Link::Polling(_) | Link::WebSocket(_) => Err(ErrorCode::BadRequest),
            Link::Gone { .. } => Err(ErrorCode::SessionUnknown),
        }
    }
}

impl Sse {
    pub(super) fn new(now: Instant, id: RequestId) -> Self {
        Self {
            stream: Stream::open(now, id),
            kept: Kept::new(),
            post: None,
            posts: 0,
            pong_due: false,
            close_due: false,
        }
    }

    pub(super) const fn has_stream(&self) -> bool {
        matches!(self.stream, Stream::Open { .. })
    }

    /// Whether a packet sent now would go out now.
    pub(super) fn is_writable(&self) -> bool {
        self.has_stream() && self.kept.is_sent()
    }

    pub(super) const fn owe_pong(&mut self) {
        self.pong_due = true;
    }

    /// The answer to the probe of an upgrade, if it is due.
    pub(super) fn answer_probe(&mut self) -> Option<Transmit> {
        let id = self.stream_id()?;
        let data =
            mem::take(&mut self.pong_due).then(|| self.kept.send(PROBE_ANSWER, usize::MAX))?;
        Some(Transmit::StreamData { id, data })
    }

    pub(super) fn end(&self) -> Option<Transmit> {
        Some(Transmit::EndStream { id: self.stream_id()? })
    }

    pub(super) fn take_post(&mut self) -> Option<RequestId> {
        self.post.take().map(|(id, _)| id)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.stream {
            Stream::Open { comment_at, .. } => comment_at,
            Stream::Dropped { resume_by } => resume_by,
        }
    }

    /// Why a POST may not start now, if so.
    fn objection(&self, mark: PostMark) -> Option<Fault> {
        let in_turn = mark.seq.is_none_or(|seq| seq != 0 && seq <= self.posts.saturating_add(1));
        let overlaps = match &self.post {
            Some((_, other)) => mark.seq.is_none() || other.seq != mark.seq,
            None => false,
        };
        match (in_turn, overlaps) {
            (_, true) => Some(Fault::OverlappingRequest),
            (false, false) => Some(Fault::PostMark),
            (true, false) => None,
        }
    }

    /// Whether a POST is new; it then is no more.
    const fn count_post(&mut self, mark: PostMark) -> bool {
        match mark.seq {
            None => true,
            Some(seq) if seq > self.posts => {
                self.posts = seq;
                true
            }
            Some(_) => false,
        }
    }

    const fn stream_id(&self) -> Option<RequestId> {
        match self.stream {
            Stream::Open { id, .. } => Some(id),
            Stream::Dropped { .. } => None,
        }
    }

    fn is_on(&self, stream: RequestId) -> bool {
        self.stream_id() == Some(stream)
    }

    const fn take_comment(&mut self) -> bool {
        match &mut self.stream {
            Stream::Open { comment_due, .. } => mem::replace(comment_due, false),
            Stream::Dropped { .. } => false,
        }
    }
}

impl Stream {
    fn open(now: Instant, id: RequestId) -> Self {
        Self::Open { id, comment_at: now.checked_add(COMMENT_INTERVAL), comment_due: false }
    }
}
