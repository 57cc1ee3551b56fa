//! The HTTP requests of a session that wait for their answers.

use futures_channel::oneshot::Sender;
use spola_engineio::server::RequestId;

/// Requests waiting for an answer of type `T`: seldom more than two, one that is in order and one
/// too many.
pub(super) struct Waiting<T> {
    requests: Vec<(RequestId, Sender<T>)>,
}

impl<T> Waiting<T> {
    pub(super) const fn new() -> Self {
        Self { requests: Vec::new() }
    }

    /// How many there are that were not given up.
    pub(super) fn len(&self) -> usize {
        self.requests.iter().filter(|(_, respond)| !respond.is_canceled()).count()
    }

    pub(super) fn add(&mut self, id: RequestId, respond: Sender<T>) {
        self.requests.push((id, respond));
    }

    /// Answers a request. If it was given up meanwhile, nobody is there to hear.
    pub(super) fn answer(&mut self, id: RequestId, answer: T) {
        if let Some(at) = self.requests.iter().position(|(waiting, _)| *waiting == id) {
            let (_, respond) = self.requests.swap_remove(at);
            let _ = respond.send(answer);
        }
        if self.requests.is_empty() {
            self.requests = Vec::new();
        }
    }
}
