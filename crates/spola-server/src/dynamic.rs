//! Dynamic namespaces: parents that accept names, and the children that come of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use bytestring::ByteString;
use spola_socketio_packet as packet;

use crate::config::Config;
use crate::context::LookupContext;
use crate::handler::Erased;
use crate::meters::Meters;
use crate::namespace::Namespace;
use crate::refusal::Refusal;
use crate::reject_reason::RejectReason;

/// The parents of a server, and their children.
pub(crate) struct Dynamic {
    parents: RwLock<Vec<Namespace>>,
    children: Mutex<HashMap<ByteString, Child>>,
    limit: usize,
    cleanup: bool,
    meters: Arc<Meters>,
}

struct Child {
    namespace: Namespace,
    parent: Namespace,
    /// How many clients are in it, or on their way.
    leases: usize,
}

/// What makes a namespace a parent.
pub(crate) struct Parent {
    predicate: Predicate,
    /// The parents are in there.
    dynamic: Weak<Dynamic>,
}

/// Decides which names a parent accepts.
pub(crate) enum Predicate {
    /// By the name alone.
    Name(Box<dyn Fn(&str) -> bool + Send + Sync>),
    /// By whatever is known of the client.
    Client(Erased<LookupContext>),
}

impl Dynamic {
    pub(crate) fn new(config: &Config, meters: Arc<Meters>) -> Self {
        let (limit, cleanup) = (config.max_dynamic_namespaces, config.cleanup_empty_children);
        let (parents, children) = (RwLock::default(), Mutex::default());
        Self { parents, children, limit, cleanup, meters }
    }

    /// What makes a namespace a parent among these.
    pub(crate) fn parent(self: &Arc<Self>, predicate: Predicate) -> Parent {
        Parent { predicate, dynamic: Arc::downgrade(self) }
    }

    pub(crate) fn add(&self, parent: Namespace) {
        self.parents.write().unwrap_or_else(PoisonError::into_inner).push(parent);
    }

    pub(crate) fn has_parents(&self) -> bool {
        !self.parents.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The child that a client asks for, made now if need be. Parents are asked in order, and also
    /// about a child that exists: the answer may be another for another client.
    pub(crate) async fn find(self: Arc<Self>, context: LookupContext) -> Result<Lease, Refusal> {
        for parent in self.parents_for(&context.name) {
            if parent.accepts(&context).await? {
                return self.lease(&parent, &context.name);
            }
        }
        Err(self.no_such_namespace())
    }

    /// All children there are, in no order.
    pub(crate) fn namespaces(&self) -> Vec<Namespace> {
        self.children().values().map(|child| child.namespace.clone()).collect()
    }

    /// The child of this name: one that exists, or one that a parent accepts by its name alone.
    pub(crate) fn child(&self, name: &packet::Namespace) -> Option<Namespace> {
        if let Some(child) = self.children().get(name.as_str()) {
            return Some(child.namespace.clone());
        }
        let parent = self.all_parents().into_iter().find(|parent| match parent.predicate() {
            Some(Predicate::Name(accepts)) => accepts(name),
            Some(Predicate::Client(_)) | None => false,
        })?;
        let mut children = self.children();
        let child = children.entry(name.clone().into_inner());
        Some(child.or_insert_with(|| Child::new(name, parent)).namespace.clone())
    }

    fn parents_for(&self, name: &packet::Namespace) -> Vec<Namespace> {
        let known = self.children().get(name.as_str()).map(|child| child.parent.clone());
        known.map_or_else(|| self.all_parents(), |parent| vec![parent])
    }

    fn lease(
        self: Arc<Self>,
        parent: &Namespace,
        name: &packet::Namespace,
    ) -> Result<Lease, Refusal> {
        let mut children = self.children();
        if !children.contains_key(name.as_str()) && children.len() >= self.limit {
            self.meters.reject(RejectReason::DynamicNamespaces);
            return Err(Refusal::new("too many namespaces"));
        }
        let child = children.entry(name.clone().into_inner());
        let child = child.or_insert_with(|| Child::new(name, parent.clone()));
        if !child.parent.is(parent) {
            // Another parent was quicker.
            return Err(self.no_such_namespace());
        }
        child.leases += 1;
        let namespace = child.namespace.clone();
        drop(children);
        Ok(Lease { dynamic: self, namespace })
    }

    fn release(&self, name: &str) {
        let mut children = self.children();
        let Some(child) = children.get_mut(name) else { return };
        child.leases = child.leases.saturating_sub(1);
        if self.cleanup && child.leases == 0 {
            let child = children.remove(name);
            drop(children);
            // What its handlers own may do anything when it goes.
            drop(child);
        }
    }

    fn no_such_namespace(&self) -> Refusal {
        self.meters.reject(RejectReason::UnknownNamespace);
        Refusal::new("Invalid namespace")
    }

    fn all_parents(&self) -> Vec<Namespace> {
        self.parents.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn children(&self) -> MutexGuard<'_, HashMap<ByteString, Child>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Child {
    fn new(name: &packet::Namespace, parent: Namespace) -> Self {
        Self { namespace: parent.make_child(name.clone()), parent, leases: 0 }
    }
}

impl Parent {
    pub(crate) fn predicate(&self) -> &Predicate {
        &self.predicate
    }

    /// The children that there are of `parent`, in no order.
    pub(crate) fn children(&self, parent: &Namespace) -> Vec<Namespace> {
        let Some(dynamic) = self.dynamic.upgrade() else {
            return Vec::new();
        };
        let children = dynamic.children();
        let own = children.values().filter(|child| child.parent.is(parent));
        own.map(|child| child.namespace.clone()).collect()
    }
}

impl Namespace {
    async fn accepts(&self, context: &LookupContext) -> Result<bool, Refusal> {
        match self.predicate() {
            Some(Predicate::Name(accepts)) => Ok(accepts(&context.name)),
            Some(Predicate::Client(handler)) => handler(context).await,
            None => Ok(false),
        }
    }
}

/// A client's stay in a child, or its way there: for as long, the child is not removed.
pub(crate) struct Lease {
    dynamic: Arc<Dynamic>,
    namespace: Namespace,
}

impl Lease {
    pub(crate) fn namespace(&self) -> &Namespace {
        &self.namespace
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.dynamic.release(self.namespace.name());
    }
}
