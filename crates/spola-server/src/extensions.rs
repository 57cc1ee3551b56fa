//! Values kept by type: an application's state, and what it attaches to a socket.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One value per type, shared and cloned out.
#[derive(Default)]
pub struct Extensions {
    values: Mutex<Option<Box<Values>>>,
}

type Values = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

impl Extensions {
    /// Keeps `value`; returns the former value of its type.
    pub fn insert<T: Clone + Send + Sync + 'static>(&self, value: T) -> Option<T> {
        let former = self.lock().get_or_insert_default().insert(TypeId::of::<T>(), Box::new(value));
        former.and_then(|former| former.downcast().ok()).map(|former| *former)
    }

    /// A clone of the value of type `T`.
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.lock().as_ref()?.get(&TypeId::of::<T>())?.downcast_ref().cloned()
    }

    /// Whether there is a value of type `T`.
    pub fn contains<T: Clone + Send + Sync + 'static>(&self) -> bool {
        self.lock().as_ref().is_some_and(|values| values.contains_key(&TypeId::of::<T>()))
    }

    /// Takes the value of type `T` out.
    pub fn remove<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        let value = self.lock().as_mut()?.remove(&TypeId::of::<T>())?;
        value.downcast().ok().map(|value| *value)
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
