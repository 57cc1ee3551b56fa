//! From a host's name to a connected socket.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use spola_websocket::client::Host;

use crate::{Runtime, Timer, Transport};

/// How long an address is tried alone, before the next one is tried beside it (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(250);

/// The most addresses of a name that are tried.
const MAX_ADDRESSES: usize = 16;

/// What a driver brings to connect sockets, beside its [`Runtime`].
pub trait Dial: Runtime {
    /// A connected socket.
    type Stream: Transport + Send + 'static;

    /// The addresses of a name, the preferred one first.
    fn resolve(
        &self,
        name: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Connects to an address over TCP.
    fn tcp(
        &self,
        address: SocketAddr,
        options: SocketOptions,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Connects to a Unix socket by the path of its file, or fails with
    /// [`Unsupported`](io::ErrorKind::Unsupported).
    fn unix(&self, path: &str) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

/// Settings of a TCP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketOptions {
    /// `TCP_NODELAY`: a small message leaves at once, though the one before was not yet
    /// acknowledged. Default: set.
    pub nodelay: bool,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self { nodelay: true }
    }
}

/// Connects to the first address of `host` that answers. Those of the two families are tried in
/// turns, each as soon as the one before has failed or had its head start.
pub(super) async fn dial<R: Dial>(
    runtime: &R,
    host: &Host,
    port: u16,
    options: SocketOptions,
) -> io::Result<R::Stream> {
    let addresses = match host {
        Host::V4(address) => vec![SocketAddr::from((*address, port))],
        Host::V6(address) => vec![SocketAddr::from((*address, port))],
        Host::Name(name) => alternate(&runtime.resolve(name, port).await?),
    };
    let mut race = Race {
        runtime,
        options,
        ahead: addresses.into_iter(),
        attempts: Vec::new(),
        head_start: runtime.timer(),
        failure: None,
    };
    poll_fn(|cx| race.poll(cx)).await
}

/// Takes addresses of both families in turns, each in its order; the first stays the first.
fn alternate(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let of = |v6: bool| addresses.iter().filter(move |address| address.is_ipv6() == v6);
    let (mut one, mut other) = (of(first_is_v6), of(!first_is_v6));
    let mut alternating = Vec::new();
    while alternating.len() < addresses.len().min(MAX_ADDRESSES) {
        alternating.extend(one.next());
        alternating.extend(other.next());
    }
    alternating
}

type Attempt<'a, S> = Pin<Box<dyn Future<Output = io::Result<S>> + Send + 'a>>;

struct Race<'a, R: Dial> {
    runtime: &'a R,
    options: SocketOptions,
    ahead: std::vec::IntoIter<SocketAddr>,
    attempts: Vec<Attempt<'a, R::Stream>>,
    head_start: Box<dyn Timer>,
    /// Why the first one failed that did.
    failure: Option<io::Error>,
}

impl<R: Dial> Race<'_, R> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<R::Stream>> {
        loop {
            if self.attempts.is_empty() && !self.start_next() {
                let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
                return Poll::Ready(Err(self.failure.take().unwrap_or_else(none)));
            }
            match self.poll_attempts(cx) {
                Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
                Poll::Ready(Err(error)) => {
                    self.failure.get_or_insert(error);
                }
                Poll::Pending => ready!(self.head_start.poll_expired(cx)),
            }
            self.start_next();
        }
    }

    /// The outcome of the first attempt that has one.
    fn poll_attempts(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<R::Stream>> {
        for at in 0..self.attempts.len() {
            if let Poll::Ready(outcome) = self.attempts[at].as_mut().poll(cx) {
                drop(self.attempts.remove(at));
                return Poll::Ready(outcome);
            }
        }
        Poll::Pending
    }

    /// Tries one more address; `false` if there is none.
    fn start_next(&mut self) -> bool {
        let Some(address) = self.ahead.next() else {
            return false;
        };
        self.attempts.push(Box::pin(self.runtime.tcp(address, self.options)));
        let more = self.ahead.len() > 0;
        self.head_start.set(more.then(|| self.runtime.now() + HEAD_START));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_take_turns_and_the_first_address_stays_first() {
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        for (given, expected) in [
            (&[][..], &[][..]),
            (&["1.0.0.1:1", "1.0.0.2:1"], &["1.0.0.1:1", "1.0.0.2:1"]),
            (
                &["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1"],
                &["[::1]:1", "1.0.0.1:1", "[::2]:1", "[::3]:1"],
            ),
            (&["1.0.0.1:1", "1.0.0.2:1", "[::1]:1"], &["1.0.0.1:1", "[::1]:1", "1.0.0.2:1"]),
        ] {
            assert_eq!(alternate(&addresses(given)), addresses(expected));
        }
        let many = vec![SocketAddr::from(([1, 0, 0, 1], 1)); 100];
        assert_eq!(alternate(&many).len(), MAX_ADDRESSES);
    }
}
