//! Maps whose keys are ids.

use std::collections::HashMap;

/// No client chooses ids, so none can have many of them fall together: a quick hash will do.
pub(crate) type ById<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
