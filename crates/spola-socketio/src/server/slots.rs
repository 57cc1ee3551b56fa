use spola_socketio_packet::Namespace;

use super::acks::{Acks, StayId};

/// The namespaces that a client has to do with, in order of name. There are few of them, and the
/// root, which most clients use and no other, is always the first.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    slots: Vec<Slot>,
    /// Numbers the stays, and the moments at which they ended.
    next_stay: StayId,
}

#[derive(Debug)]
struct Slot {
    namespace: Namespace,
    state: State,
}

/// See the diagram in the module's documentation.
#[derive(Debug)]
pub(crate) enum State {
    /// A CONNECT waits for the application's answer.
    Pending,
    Joined(Stay),
    /// The server sent the client off; `order` tells earlier from later.
    Ended {
        order: StayId,
    },
}

/// A client's time in a namespace, from accept to disconnect.
#[derive(Debug)]
pub(crate) struct Stay {
    pub(crate) id: StayId,
    pub(crate) acks: Acks,
}

impl Slots {
    pub(crate) fn state(&self, namespace: &Namespace) -> Option<&State> {
        let index = self.find(namespace).ok()?;
        self.slots.get(index).map(|slot| &slot.state)
    }

    pub(crate) fn stay_mut(&mut self, namespace: &Namespace) -> Option<&mut Stay> {
        let index = self.find(namespace).ok()?;
        match &mut self.slots.get_mut(index)?.state {
            State::Joined(stay) => Some(stay),
            State::Pending | State::Ended { .. } => None,
        }
    }

    /// The stay of this id and its namespace.
    pub(crate) fn stay_by_id(&mut self, id: StayId) -> Option<(&Namespace, &mut Stay)> {
        self.slots.iter_mut().find_map(|slot| match &mut slot.state {
            State::Joined(stay) if stay.id == id => Some((&slot.namespace, stay)),
            State::Joined(_) | State::Pending | State::Ended { .. } => None,
        })
    }

    pub(crate) fn count(&self, is: impl Fn(&State) -> bool) -> usize {
        self.slots.iter().filter(|slot| is(&slot.state)).count()
    }

    pub(crate) fn joined(&self) -> impl Iterator<Item = &Namespace> {
        let joined = self.slots.iter().filter(|slot| matches!(slot.state, State::Joined(_)));
        joined.map(|slot| &slot.namespace)
    }

    /// A CONNECT came for a namespace that is neither pending nor joined.
    pub(crate) fn request(&mut self, namespace: &Namespace) {
        self.set(namespace, State::Pending);
    }

    /// The application accepted a pending CONNECT.
    pub(crate) fn join(&mut self, namespace: &Namespace) {
        let id = self.stay_id();
        self.set(namespace, State::Joined(Stay { id, acks: Acks::default() }));
    }

    /// Forgets a namespace; what it was comes back.
    pub(crate) fn remove(&mut self, namespace: &Namespace) -> Option<State> {
        let index = self.find(namespace).ok()?;
        Some(self.slots.remove(index).state)
    }

    /// The server ends the client's stay. At most `max_ended` namespaces are remembered as ended.
    pub(crate) fn end(&mut self, namespace: &Namespace, max_ended: usize) -> Option<Stay> {
        let order = self.stay_id();
        let index = self.find(namespace).ok()?;
        let state = &mut self.slots.get_mut(index)?.state;
        let State::Joined(stay) = std::mem::replace(state, State::Ended { order }) else {
            return None;
        };
        if self.count(|state| matches!(state, State::Ended { .. })) > max_ended {
            self.forget_oldest_ended();
        }
        Some(stay)
    }

    /// Takes everything out: the stays that were, in order of namespace.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (Namespace, Stay)> + use<> {
        std::mem::take(&mut self.slots).into_iter().filter_map(|slot| match slot.state {
            State::Joined(stay) => Some((slot.namespace, stay)),
            State::Pending | State::Ended { .. } => None,
        })
    }

    fn find(&self, namespace: &Namespace) -> Result<usize, usize> {
        if namespace.is_root() {
            let first = self.slots.first().is_some_and(|slot| slot.namespace.is_root());
            return if first { Ok(0) } else { Err(0) };
        }
        self.slots.binary_search_by(|slot| slot.namespace.as_str().cmp(namespace.as_str()))
    }

    fn set(&mut self, namespace: &Namespace, state: State) {
        match self.find(namespace) {
            Ok(index) => {
                if let Some(slot) = self.slots.get_mut(index) {
                    slot.state = state;
                }
            }
            Err(index) => {
                // Most clients join one namespace and no other: room for that, and no more.
                if self.slots.is_empty() {
                    self.slots.reserve_exact(1);
                }
                self.slots.insert(index, Slot { namespace: namespace.clone(), state });
            }
        }
    }

    fn stay_id(&mut self) -> StayId {
        self.next_stay += 1;
        self.next_stay
    }

    fn forget_oldest_ended(&mut self) {
        let ended = self.slots.iter().enumerate().filter_map(|(index, slot)| match slot.state {
            State::Ended { order } => Some((order, index)),
            State::Pending | State::Joined(_) => None,
        });
        if let Some((_, index)) = ended.min() {
            self.slots.remove(index);
        }
    }
}
