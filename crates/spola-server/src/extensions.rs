//! Values kept by type: what an application attaches to a socket, and what its handlers share.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One value per type, shared and cloned out.
#[derive(Default)]
pub struct Extensions {
    values: Mutex<Option<Box<Values>>>,
}

/// A clone of a value is the application's code, and so is its drop: neither runs under the lock.
type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

impl Extensions {
    /// Keeps `value`; returns the former value of its type.
    pub fn insert<T: Clone + Send + Sync + 'static>(&self, value: T) -> Option<T> {
        let former = self.lock().get_or_insert_default().insert(TypeId::of::<T>(), Arc::new(value));
        former.and_then(own)
    }

    /// A clone of the value of type `T`.
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        let value = Arc::clone(self.lock().as_ref()?.get(&TypeId::of::<T>())?);
        value.downcast_ref().cloned()
    }

    /// Whether there is a value of type `T`.
    pub fn contains<T: Clone + Send + Sync + 'static>(&self) -> bool {
        self.lock().as_ref().is_some_and(|values| values.contains_key(&TypeId::of::<T>()))
    }

    /// Takes the value of type `T` out.
    pub fn remove<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        let value = self.lock().as_mut()?.remove(&TypeId::of::<T>())?;
        own(value)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<Values>>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.lock().as_ref().map_or(0, |values| values.len());
        f.debug_struct("Extensions").field("held", &held).finish()
    }
}

fn own<T: Clone + Send + Sync + 'static>(value: Arc<dyn Any + Send + Sync>) -> Option<T> {
    value.downcast().ok().map(Arc::unwrap_or_clone)
}

/// The application's states, one per type: fixed once the server is built, and so without a lock, which
/// the handlers of all sessions would meet at.
#[derive(Default)]
pub struct States {
    values: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
}

impl States {
    pub(crate) fn insert<T: Clone + Send + Sync + 'static>(&mut self, value: T) {
        self.values.insert(TypeId::of::<T>(), Box::new(value));
    }

    pub(crate) fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.values.get(&TypeId::of::<T>())?.downcast_ref().cloned()
    }

    pub(crate) fn contains<T: Clone + Send + Sync + 'static>(&self) -> bool {
        self.values.contains_key(&TypeId::of::<T>())
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("States").field("held", &self.values.len()).finish()
    }
}
