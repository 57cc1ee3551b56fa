//! The body of a POST, within a size and a time.

use std::fmt::Display;
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use futures_channel::oneshot::Receiver;
use http_body::Body;
use spola_engineio::server::PostOutcome;

use crate::runtime::Runtime;

/// Bytes reserved ahead of what has arrived.
const RESERVE: u64 = 64 << 10;

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
pub(crate) async fn collect<B>(
    body: B,
    limit: usize,
    time: Duration,
    runtime: &dyn Runtime,
    answer: &mut Receiver<PostOutcome>,
) -> Collected
where
    B: Body,
    B::Error: Display,
{
    let announced = body.size_hint().lower();
    if announced > limit as u64 {
        return Collected::TooLarge;
    }
    let mut body = pin!(body);
    let mut whole = BytesMut::with_capacity(announced.min(RESERVE) as usize);
    let mut timer = None;
    poll_fn(|cx| {
        if let Poll::Ready(collected) = poll_body(body.as_mut(), limit, &mut whole, cx) {
            return Poll::Ready(collected);
        }
        if let Poll::Ready(outcome) = Pin::new(&mut *answer).poll(cx) {
            return Poll::Ready(Collected::Answered(outcome.unwrap_or(PostOutcome::Abort)));
        }
        let timer = timer.get_or_insert_with(|| {
            let mut timer = runtime.timer();
            timer.set(Some(runtime.now() + time));
            timer
        });
        timer.poll_expired(cx).map(|()| Collected::Late)
    })
    .await
}

fn poll_body<B>(
    mut body: Pin<&mut B>,
    limit: usize,
    whole: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<Collected>
where
    B: Body,
    B::Error: Display,
{
    loop {
        match std::task::ready!(body.as_mut().poll_frame(cx)) {
            None => return Poll::Ready(Collected::Whole(std::mem::take(whole).freeze())),
            Some(Err(error)) => {
                tracing::debug!(%error, "a body broke off");
                return Poll::Ready(Collected::Broken);
            }
            Some(Ok(frame)) => {
                let Ok(mut data) = frame.into_data() else {
                    continue;
                };
                if data.remaining() > limit - whole.len() {
                    return Poll::Ready(Collected::TooLarge);
                }
                while data.has_remaining() {
                    let chunk = data.chunk();
                    whole.extend_from_slice(chunk);
                    let len = chunk.len();
                    data.advance(len);
                }
            }
        }
    }
}
