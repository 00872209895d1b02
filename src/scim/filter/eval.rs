//! Evaluation in memory: the oracle of the store's SQL.

use super::Condition;
use serde_json::{Map, Value};

/// Whether a complete resource (with `id`, `meta` and, for groups, `members`) meets a condition.
pub fn matches(_condition: &Condition, _resource: &Map<String, Value>) -> bool {
    todo!()
}
