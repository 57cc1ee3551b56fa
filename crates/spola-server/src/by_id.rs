//! Maps whose keys are ids.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use indexmap::IndexMap;

/// No client chooses ids, so none can have many of them fall together: a quick hash will do.
pub(crate) type ById<K, V> = HashMap<K, V, RandomState>;

/// The same, in order of insertion, but for those who take the place of one that was removed.
pub(crate) type OrderedById<K, V> = IndexMap<K, V, RandomState>;
