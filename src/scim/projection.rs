//! Which attributes an answer holds (RFC 7644 §3.9).

use super::error::Error;
use super::schema::ResourceType;
use serde_json::{Map, Value};

/// `attributes` or `excludedAttributes`, resolved against a resource type.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Projection {
    // filled in by the implementation
}

impl Projection {
    /// Reads the two query parameters (comma-separated; spaces tolerated). Names that no schema
    /// defines are ignored, as an answer without them is right.
    ///
    /// # Errors
    /// `invalidValue` when both are given.
    pub fn parse(
        _kind: &ResourceType,
        _attributes: Option<&str>,
        _excluded: Option<&str>,
    ) -> Result<Self, Error> {
        todo!()
    }

    /// Whether the answer needs `members` or `groups`, which cost a query.
    pub fn wants(&self, _kind: &ResourceType, _attribute: &str) -> bool {
        todo!()
    }

    /// Removes from a complete resource what the answer must not hold; `returned: never` goes in
    /// any case, `always` stays in any case, `schemas` stays.
    pub fn apply(&self, _kind: &ResourceType, _resource: &mut Map<String, Value>) {
        todo!()
    }
}
