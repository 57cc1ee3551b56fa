//! The body of a POST, within a size and a time.

use std::fmt::Display;
use std::future::{Future as _, poll_fn};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BufMut as _, Bytes, BytesMut};
use http_body::Body;
use spola_engineio::server::PostOutcome;

use crate::meters::{Metered, Meters};
use crate::session::Asked;
use spola_driver::Runtime;

/// Bytes reserved ahead of what has arrived.
const RESERVE: u64 = 64 << 10;

/// Bytes of a body that is too large which are read and thrown away: answering in the middle of it
/// would end the connection, and the answer could be lost.
const DISCARD: usize = 4 << 20;

/// How a body came in.
pub(crate) enum Collected {
    Whole(Bytes),
    /// It is longer than the limit; nothing of it was kept.
    TooLarge,
    /// The session has answered before the body was whole.
    Answered(PostOutcome),
    /// It took too long.
    Late,
    /// The client broke it off.
    Broken,
}

/// Collects a body of at most `limit` bytes.
pub(crate) struct Collector<'a, B> {
    body: Pin<&'a mut B>,
    limit: usize,
    hopeless: bool,
    whole: BytesMut,
    /// Bytes thrown away, once it is known to be too large.
    discarded: Option<usize>,
    meters: &'a Arc<Meters>,
    /// Set while it waits.
    metered: Option<Box<Receiving>>,
}

/// A body that is not complete, and its bytes.
struct Receiving {
    kept: Metered,
    _body: Metered,
}

impl<'a, B> Collector<'a, B>
where
    B: Body,
    B::Error: Display,
{
    pub(crate) fn new(body: Pin<&'a mut B>, limit: usize, meters: &'a Arc<Meters>) -> Self {
        let announced = body.size_hint().lower();
        let too_large = announced > limit as u64;
        let hopeless = announced > limit.saturating_add(DISCARD) as u64;
        let reserve = if too_large { 0 } else { announced.min(RESERVE) };
        let whole = BytesMut::with_capacity(reserve as usize);
        let discarded = too_large.then_some(0);
        Self { body, limit, hopeless, whole, discarded, meters, metered: None }
    }

    /// Takes what has come so far.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Collected> {
        if self.hopeless {
            return Poll::Ready(Collected::TooLarge);
        }
        let polled = self.poll_frames(cx);
        if polled.is_pending() && self.metered.is_none() {
            let (mut kept, body) = (Metered::body_bytes(self.meters), Metered::body(self.meters));
            kept.add(self.whole.len());
            self.metered = Some(Box::new(Receiving { kept, _body: body }));
        }
        polled
    }

    /// Waits for the rest, but no longer than `time`, unless `answer` comes first.
    pub(crate) async fn finish(
        &mut self,
        time: Duration,
        runtime: &dyn Runtime,
        answer: &mut Asked<'_, PostOutcome>,
    ) -> Collected {
        let mut timer = None;
        poll_fn(move |cx| {
            if let Poll::Ready(collected) = self.poll(cx) {
                return Poll::Ready(collected);
            }
            if let Poll::Ready(outcome) = Pin::new(&mut *answer).poll(cx) {
                return Poll::Ready(Collected::Answered(outcome.unwrap_or(PostOutcome::Abort)));
            }
            let timer = timer.get_or_insert_with(|| {
                let mut timer = runtime.timer();
                timer.set(runtime.now().checked_add(time));
                timer
            });
            timer.poll_expired(cx).map(|()| match self.discarded {
                None => Collected::Late,
                Some(_) => Collected::TooLarge,
            })
        })
        .await
    }

    fn poll_frames(&mut self, cx: &mut Context<'_>) -> Poll<Collected> {
        loop {
            match ready!(self.body.as_mut().poll_frame(cx)) {
                None if self.discarded.is_some() => return Poll::Ready(Collected::TooLarge),
                None => return Poll::Ready(Collected::Whole(mem::take(&mut self.whole).freeze())),
                Some(Err(error)) => {
                    tracing::debug!(%error, "a body broke off");
                    return Poll::Ready(Collected::Broken);
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.take(data);
                    }
                }
            }
            if self.discarded.is_some_and(|discarded| discarded > DISCARD) {
                return Poll::Ready(Collected::TooLarge);
            }
        }
    }

    fn take(&mut self, data: impl Buf) {
        let len = data.remaining();
        if self.discarded.is_none() && len > self.limit - self.whole.len() {
            self.whole = BytesMut::new();
            if let Some(receiving) = &mut self.metered {
                receiving.kept.clear();
            }
            self.discarded = Some(0);
        }
        if let Some(discarded) = &mut self.discarded {
            *discarded += len;
            return;
        }
        if let Some(receiving) = &mut self.metered {
            receiving.kept.add(len);
        }
        self.whole.put(data);
    }
}
