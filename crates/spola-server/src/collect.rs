//! The body of a POST, within a size and a time.

use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_channel::oneshot::Receiver;
use http_body::Body;
use spola_engineio::server::PostOutcome;

use crate::meters::{Metered, Meters};
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

/// Collects a body of at most `limit` bytes within `time`, unless `answer` comes first.
pub(crate) fn collect<'a, B>(
    mut body: Pin<&'a mut B>,
    limit: usize,
    time: Duration,
    runtime: &'a dyn Runtime,
    meters: &Arc<Meters>,
    answer: &'a mut Receiver<PostOutcome>,
) -> impl Future<Output = Collected> + use<'a, B>
where
    B: Body,
    B::Error: Display,
{
    let announced = body.size_hint().lower();
    let too_large = announced > limit as u64;
    let hopeless = announced > limit.saturating_add(DISCARD) as u64;
    let reserve = if too_large { 0 } else { announced.min(RESERVE) };
    let mut collector = Collector {
        limit,
        whole: BytesMut::with_capacity(reserve as usize),
        discarded: too_large.then_some(0),
        kept: Metered::body_bytes(meters),
        _receiving: Metered::body(meters),
    };
    let mut timer = None;
    poll_fn(move |cx| {
        if hopeless {
            return Poll::Ready(Collected::TooLarge);
        }
        if let Poll::Ready(collected) = collector.poll(body.as_mut(), cx) {
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
        timer.poll_expired(cx).map(|()| match collector.discarded {
            None => Collected::Late,
            Some(_) => Collected::TooLarge,
        })
    })
}

/// What has come in so far.
struct Collector {
    limit: usize,
    whole: BytesMut,
    /// Bytes thrown away, once it is known to be too large.
    discarded: Option<usize>,
    kept: Metered,
    _receiving: Metered,
}

impl Collector {
    fn poll<B>(&mut self, mut body: Pin<&mut B>, cx: &mut Context<'_>) -> Poll<Collected>
    where
        B: Body,
        B::Error: Display,
    {
        loop {
            match ready!(body.as_mut().poll_frame(cx)) {
                None if self.discarded.is_some() => return Poll::Ready(Collected::TooLarge),
                None => return Poll::Ready(Collected::Whole(self.whole.split().freeze())),
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

    fn take(&mut self, mut data: impl Buf) {
        let len = data.remaining();
        if self.discarded.is_none() && len > self.limit - self.whole.len() {
            self.whole = BytesMut::new();
            self.kept.clear();
            self.discarded = Some(0);
        }
        if let Some(discarded) = &mut self.discarded {
            *discarded += len;
            return;
        }
        self.kept.add(len);
        while data.has_remaining() {
            let chunk = data.chunk();
            self.whole.extend_from_slice(chunk);
            let len = chunk.len();
            data.advance(len);
        }
    }
}
