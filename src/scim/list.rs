//! Lists (RFC 7644 §3.4.2): query parameters, sorting and the ListResponse.

use super::error::Error;
use super::filter::{Condition, Field};
use super::schema::ResourceType;
use serde_json::Value;

/// URN of the list message.
pub const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// Page size when the client names none.
pub const DEFAULT_COUNT: usize = 100;
/// Largest page; `filter.maxResults` of ServiceProviderConfig.
pub const MAX_COUNT: usize = 1_000;

/// A query, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Who is asked for.
    pub condition: Condition,
    /// In which order; none is the order of creation.
    pub sort: Option<Sort>,
    /// 1-based.
    pub start_index: usize,
    /// Largest number of resources to return.
    pub count: usize,
}

/// `sortBy` and `sortOrder`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sort {
    /// By what.
    pub field: Field,
    /// `descending`.
    pub descending: bool,
}

/// Query parameters of a list as sent, or the members of a SearchRequest.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Parameters {
    /// `filter`
    pub filter: Option<String>,
    /// `sortBy`
    pub sort_by: Option<String>,
    /// `sortOrder`
    pub sort_order: Option<String>,
    /// `startIndex`
    pub start_index: Option<String>,
    /// `count`
    pub count: Option<String>,
    /// `attributes`
    pub attributes: Option<String>,
    /// `excludedAttributes`
    pub excluded_attributes: Option<String>,
}

impl Query {
    /// Checks parameters: `startIndex` below 1 is 1, a negative `count` is 0.
    ///
    /// # Errors
    /// `invalidFilter`, `invalidValue` (numbers, `sortOrder`), `invalidPath` (`sortBy`).
    pub fn parse(_kind: &ResourceType, _parameters: &Parameters) -> Result<Self, Error> {
        todo!()
    }
}

/// A ListResponse. `resources` is left out when empty and nothing was found.
pub fn response(_total: usize, _start_index: usize, _resources: Vec<Value>) -> Value {
    todo!()
}
